# hpcsh for bash: the variables of a login where some of them are set already, and of a shell whose verdict turns.
# `_hpcsh_call variables` gets it. The rules are those of hpcsh.bash.

# What shellcheck cannot see: the other files assign (2154), and read what is assigned here (2034).
# shellcheck disable=SC2154,SC2034

# The variables of a login that is not the usual one. A shell that is not interactive has no next prompt to mend a verdict that is
# unknown or has expired, and keeps nothing but its exports. Status 1 where the shell is none, or has all the rest already.
function _hpcsh_begin {
  _hpcsh_first=''
  if [[ $_hpcsh_taken == find* ]]; then
    _hpcsh_call node _hpcsh_find_out
    _hpcsh_taken=${_hpcsh_taken#find}
  fi
  if [[ $- != *i* && ($_hpcsh_fact == unknown || -n $_hpcsh_expired) ]]; then
    _hpcsh_settle
  fi
  _hpcsh_added=
  _hpcsh_each _hpcsh_prepend "$_hpcsh_path"
  _hpcsh_choose
  if [[ $- == *i* && -z $_hpcsh_reader${HPCSH_STORAGE-} ]] && _hpcsh_is_same "$_hpcsh_records"; then
    # Mirrors that have come since the first prompt looks for.
    \builtin export "HPCSH_NODE=$_hpcsh_verdict"
    _hpcsh_each _hpcsh_mark "$_hpcsh_added"
  else
    _hpcsh_renew
  fi
  if [[ -n ${VIRTUAL_ENV-} ]]; then
    _hpcsh_environment_first
    # Of an outer shell that exports all: its way out is no function here.
    \builtin declare -f deactivate >/dev/null || \builtin unset -v _OLD_VIRTUAL_PATH
  fi
  if [[ $- != *i* ]]; then
    _hpcsh_exports_only
    \return 1
  elif [[ ${_hpcsh_loaded-} == "$$" ]]; then
    \return 1
  elif [[ -n $_hpcsh_history_shared && -n $_hpcsh_reader$_hpcsh_login ]]; then
    _hpcsh_call storage _hpcsh_history
  fi
  \return 0
}

# For a shell that is not interactive: the warning, and nothing but the exports stays.
function _hpcsh_exports_only {
  if [[ -n $_hpcsh_notice$_hpcsh_warning ]]; then
    \builtin printf 'hpcsh: %s\n' "$_hpcsh_notice${_hpcsh_notice:+${_hpcsh_warning:+; }}$_hpcsh_warning" >&2
  fi
  _hpcsh_forget
}

# Removes everything that begins with our prefix. A function may remove itself.
function _hpcsh_forget {
  \local REPLY=
  _hpcsh_call prompt _hpcsh_capture compgen -A function _hpcsh_
  \builtin unset -v "${!_hpcsh_@}"
  while [[ -n $REPLY ]]; do
    \builtin unset -f "${REPLY%%$'\n'*}"
    REPLY=${REPLY#*$'\n'}
  done
}

# Puts the directory $1 first into PATH, where it is not in it. The marker has those that we added.
function _hpcsh_prepend {
  if [[ :${PATH-}: != *":$1:"* ]]; then
    # A readonly one stays as it is.
    if \builtin printf -v PATH %s "$1${PATH:+:$PATH}" 2>/dev/null; then
      _hpcsh_added+=PATH+=$1$'\x1f'
    fi
  fi
}

# Takes HPCSH_OFFLINE's word, else the node's verdict, and the records of the variables for that.
function _hpcsh_choose {
  case ${HPCSH_OFFLINE-} in
    1) _hpcsh_verdict=offline ;;
    0) _hpcsh_verdict=online ;;
    *) _hpcsh_verdict=$_hpcsh_fact ;;
  esac
  _hpcsh_records=$_hpcsh_data${_hpcsh_data[6]}
  if [[ ${_hpcsh_verdict/unknown/$_hpcsh_unknown} == offline ]]; then
    _hpcsh_records=$_hpcsh_data${_hpcsh_data[7]}
  fi
}

# Whether an outer shell has exported just the records $1, and nothing has become of them since: so it is in most panes of a terminal.
# What is behind them was inherited, and its names may be anything.
function _hpcsh_is_same {
  if [[ ${HPCSH_EXPORTS-} != $'\x1f'"$1"* ]]; then
    \return 1
  fi
  \local IFS=$'\x1f' "_hpcsh_globbing=$-" "_hpcsh_wanted=$1" _hpcsh_record _hpcsh_name
  \set -f
  # To take a long beginning off a string costs bash milliseconds.
  # shellcheck disable=SC2086
  \set -- ${HPCSH_EXPORTS:${#1}+1}
  for _hpcsh_record; do
    if [[ -n $_hpcsh_record && ${_hpcsh_record%%=*} != *+ ]]; then
      _hpcsh_wanted=
    fi
  done
  # shellcheck disable=SC2086
  \set -- $_hpcsh_wanted
  [[ $_hpcsh_globbing == *f* ]] || \set +f
  for _hpcsh_record; do
    _hpcsh_name=${_hpcsh_record%%=*}
    [[ ${!_hpcsh_name-} == "${_hpcsh_record#*=}" ]] || \return 1
  done
  [[ -n $_hpcsh_wanted ]]
}

# Adds the record $1 to the marker, where it is not in it.
function _hpcsh_mark {
  if [[ $HPCSH_EXPORTS != *$'\x1f'"$1"$'\x1f'* ]]; then
    HPCSH_EXPORTS+=$1$'\x1f'
  fi
}

# Sets the variables again.
function _hpcsh_renew {
  _hpcsh_choose
  if [[ ${_hpcsh_verdict/unknown/$_hpcsh_unknown} == offline ]] && _hpcsh_has_sought; then
    _hpcsh_call theirs _hpcsh_spare
  fi
  _hpcsh_merge "$_hpcsh_records"
  # Of another node's storage perhaps, where it was inherited.
  if [[ -n $_hpcsh_reader ]]; then
    \builtin export HPCSH_STORAGE=stale
    _hpcsh_call storage _hpcsh_shared_last
  else
    \builtin unset -v HPCSH_STORAGE
  fi
}

# Waits for the node's first verdict. Without a memory there is none to wait for; and the program itself waits for storage.
function _hpcsh_settle {
  if [[ -n $_hpcsh_memory && -z ${HPCSH_OFFLINE-}$_hpcsh_reader ]]; then
    case $(\command "$_hpcsh_program" status --word) in
      online) _hpcsh_verdict=online ;;
      offline) _hpcsh_verdict=offline ;;
    esac
    _hpcsh_fact=$_hpcsh_verdict
  fi
}

# Runs $1 with each record of $2, records that U+001F parts, as its argument.
function _hpcsh_each {
  \local IFS=$'\x1f' "_hpcsh_globbing=$-" "_hpcsh_do=$1" _hpcsh_record
  \set -f
  # shellcheck disable=SC2086
  \set -- $2
  [[ $_hpcsh_globbing == *f* ]] || \set +f
  IFS=$' \t\n'
  for _hpcsh_record; do
    if [[ -n $_hpcsh_record ]]; then
      "$_hpcsh_do" "$_hpcsh_record"
    fi
  done
}

# Exports _hpcsh_records, as the code of each login does where it need not look at them.
function _hpcsh_export {
  \local IFS=$'\x1f' "_hpcsh_globbing=$-"
  \set -f
  # shellcheck disable=SC2086,SC2163
  \builtin export HPCSH_EXPORTS HPCSH_NODE=$_hpcsh_verdict $_hpcsh_records
  HPCSH_EXPORTS=$IFS$_hpcsh_records$_hpcsh_added
  [[ $_hpcsh_globbing == *f* ]] || \set +f
}

# Exports those of the records $1 whose variables are unset or ours: HPCSH_EXPORTS holds, between separators, what hpcsh has
# exported. A variable whose record is not in it is the user's, and stays; one that is no longer wanted is taken back. A `+`
# behind the name marks what hpcsh adds beside the configured variables, which is nobody's to take back but hpcsh_off's.
function _hpcsh_merge {
  \local "_hpcsh_old=${HPCSH_EXPORTS-}"
  _hpcsh_records=$1
  if [[ -n $_hpcsh_old$_hpcsh_taken ]]; then
    _hpcsh_records=
    _hpcsh_each _hpcsh_admit "$1"
  fi
  _hpcsh_export
  _hpcsh_each _hpcsh_inherit "$_hpcsh_old"
}

# Adds the record $1 to _hpcsh_records where its variable is unset or ours.
function _hpcsh_admit {
  \set -- "$1" "${1%%=*}"
  if [[ -z ${!2+x} || $_hpcsh_old == *$'\x1f'"$2=${!2}"$'\x1f'* ]]; then
    _hpcsh_records+=$1$'\x1f'
  fi
}

# Keeps, or takes back, what the inherited record $1 stands for.
function _hpcsh_inherit {
  if [[ $HPCSH_EXPORTS == *$'\x1f'"$1"$'\x1f'* ]]; then
    \builtin :
  elif [[ ${1%%=*} == *+ ]]; then
    HPCSH_EXPORTS+=$1$'\x1f'
  elif [[ $HPCSH_EXPORTS != *$'\x1f'"${1%%=*}="* ]]; then
    _hpcsh_release "$1"
  fi
}

# Unsets the variable of the record $1 if it still has that value. The record was inherited: its name may be anything.
function _hpcsh_release {
  \set -- "${1%%=*}" "${1#*=}"
  \set -- "${1%+}" "$2"
  if [[ $1 == [a-zA-Z_]* && $1 != *[^a-zA-Z0-9_]* && $1 != HPCSH_EXPORTS && ${!1-} == "$2" ]]; then
    \builtin unset -v "$1"
  fi
}

# Takes the directory $1 out of `others`.
function _hpcsh_without {
  others=${others/":$1:"/:}
}

# Puts the environment that an outer shell entered in front of our directories again, where nothing else is in front of it.
function _hpcsh_environment_first {
  \local "bin=$VIRTUAL_ENV/bin" "others=:${PATH%%":$VIRTUAL_ENV/bin:"*}:"
  _hpcsh_each _hpcsh_without "$_hpcsh_path"
  if [[ $others == : ]]; then
    others=${PATH%%":$bin:"*}
    PATH=$bin:$others:${PATH#"$others:$bin:"}
  fi
}

_hpcsh_parts="${_hpcsh_parts-} variables "
