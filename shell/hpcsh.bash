# hpcsh for bash (4.2 or newer): what every start needs. `hpcsh init bash` prints quoted assignments of _hpcsh_* variables
# and then this file, without its comments and indentation; nothing is ever interpolated into it. What a shell needs later
# is in more.bash, which `_hpcsh_call` gets once: every kilobyte is read and parsed at every login.
#
# It is evaluated under anybody's options, aliases and functions. So: `\` before every command, since aliases expand where
# a function is read; `\builtin` and `\command` before what functions shadow; `function` before names that are aliases
# somewhere; every expansion quoted and with a default (`set -u`, any IFS), in the arguments of `\local` too, which bash
# splits; no command whose failure is not looked at (`set -e`). No process, no output, status 0 at the end, and the same
# when it is evaluated again.

# What shellcheck cannot see: the prologue's assignments and those of `\local` (2154), the callers of functions that users
# call (2119, 2120). What it takes for a slip: a status that is passed on (2164) or not wanted (2015), a record (2163).
# shellcheck disable=SC2154,SC2119,SC2120,SC2163,SC2164,SC2015

# Exports the records (NAME=VALUE) of _hpcsh_always and of the verdict $1 ("offline" or "online"). HPCSH_EXPORTS holds those
# that hpcsh has exported, between separators: a variable whose record is not in it is the user's, and stays; a record that
# is no longer wanted is taken back. The directories of _hpcsh_path come first in PATH; the marker has those that we added.
function _hpcsh_export {
  \local "_hpcsh_old=${HPCSH_EXPORTS-}" _hpcsh_new=$'\x1f' _hpcsh_record IFS=$'\x1f'
  if [[ $1 == offline ]]; then
    \set -- ${_hpcsh_always[@]+"${_hpcsh_always[@]}"} ${_hpcsh_offline[@]+"${_hpcsh_offline[@]}"}
  else
    \set -- ${_hpcsh_always[@]+"${_hpcsh_always[@]}"} ${_hpcsh_online[@]+"${_hpcsh_online[@]}"}
  fi
  if [[ -z $_hpcsh_old$_hpcsh_taken && $# -gt 0 ]]; then
    # None of the names is set: the usual login.
    \builtin export "$@"
    _hpcsh_new+=$*$'\x1f'
  else
    for _hpcsh_record; do
      \set -- "${_hpcsh_record%%=*}"
      if [[ -z ${!1+x} || $_hpcsh_old == *$'\x1f'"$1=${!1}"$'\x1f'* ]]; then
        \builtin export "$_hpcsh_record"
        _hpcsh_new+=$_hpcsh_record$'\x1f'
      fi
    done
  fi
  \builtin export "HPCSH_EXPORTS=$_hpcsh_new"
  while [[ -n $_hpcsh_old ]]; do
    _hpcsh_record=${_hpcsh_old%%$'\x1f'*}
    _hpcsh_old=${_hpcsh_old#"$_hpcsh_record"}
    _hpcsh_old=${_hpcsh_old#$'\x1f'}
    if [[ $_hpcsh_record == PATH+=* ]]; then
      HPCSH_EXPORTS+=$_hpcsh_record$'\x1f'
    elif [[ -n $_hpcsh_record && $HPCSH_EXPORTS != *$'\x1f'"${_hpcsh_record%%=*}="* ]]; then
      _hpcsh_release "$_hpcsh_record"
    fi
  done
  for _hpcsh_record in ${_hpcsh_path[@]+"${_hpcsh_path[@]}"}; do
    if [[ :$PATH: != *":$_hpcsh_record:"* ]]; then
      PATH=$_hpcsh_record${PATH:+:$PATH}
      HPCSH_EXPORTS+=PATH+=$_hpcsh_record$'\x1f'
    fi
  done
}

# Unsets the variable of the record $1 if it still has that value.
function _hpcsh_release {
  \set -- "${1%%=*}" "${1#*=}"
  if [[ $1 != HPCSH_EXPORTS && ${!1-} == "$2" ]]; then
    \builtin unset -v "$1"
  fi
}

# Defines what more.bash holds: from the node's own copy, which the program has put there, else by asking the program.
# Then runs $@.
function _hpcsh_call {
  if [[ -z ${_hpcsh_has_more-} ]]; then
    if [[ -f $_hpcsh_copy && -O $_hpcsh_copy && -O ${_hpcsh_copy%/*} && ! -L ${_hpcsh_copy%/*} ]]; then
      \builtin source "$_hpcsh_copy"
    else
      \builtin eval "$(\command "$_hpcsh_program" init bash --more)"
    fi
  fi
  "$@"
}

if [[ $- == *i* ]]; then

# Once in a shell: remembers what hpcsh_off puts back, sets the history up, and asks for the rest at the first prompt.
function _hpcsh_load {
  \local name REPLY
  _hpcsh_undo=()
  for name in act mdcd cdr waitvllm deactivate; do
    if \builtin declare -f "$name"; then
      _hpcsh_call _hpcsh_capture declare -f "$name"
      _hpcsh_undo+=(function "$name" "$REPLY")
    fi
    if \builtin alias "$name"; then
      _hpcsh_undo+=(alias "$name" "${BASH_ALIASES[$name]}")
      \builtin unalias "$name"
    fi
  done >/dev/null 2>&1
  if [[ -n $_hpcsh_history_size ]]; then
    # bash fills them in after the rc file: a value is somebody's choice.
    for name in HISTSIZE HISTFILESIZE; do
      if [[ -z ${!name+x} ]]; then
        _hpcsh_undo+=(unset "$name" '')
        \builtin printf -v "$name" %s "$_hpcsh_history_size"
      fi
    done
    # The file in the home is bash's own choice. The directory of ours is made once; where that fails, bash keeps its file.
    name=${_hpcsh_history_file%/*}
    if [[ -n $name && ${HISTFILE-} == "${HOME-}/.bash_history" ]] &&
      { [[ -d $name ]] || \command mkdir -p -m 700 -- "$name" 2>/dev/null; }; then
      _hpcsh_undo+=(set HISTFILE "$HISTFILE")
      HISTFILE=$_hpcsh_history_file
    fi
  fi
  # Behind everybody's. Before bash 5.1, PROMPT_COMMAND is one string; later an array, in which others may still assign the
  # first element.
  if [[ $BASH_VERSION == [1-4].* || $BASH_VERSION == 5.0.* ]]; then
    PROMPT_COMMAND=${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}_hpcsh_precmd
  else
    PROMPT_COMMAND[0]=${PROMPT_COMMAND[0]-}
    PROMPT_COMMAND+=(_hpcsh_precmd)
  fi
  _hpcsh_loaded=1
}

# Before the first prompt, and then no more: what only a prompt needs, and a warning. All of the rc file has been read by
# then, so what the user has of his own is there.
function _hpcsh_precmd {
  \local "status=$?"
  _hpcsh_call _hpcsh_habits
  \return "$status"
}

if [[ -z ${_hpcsh_loaded-} ]]; then
  _hpcsh_load
fi
if [[ -n $_hpcsh_ls_colors ]]; then
  _hpcsh_always+=("LS_COLORS=$_hpcsh_ls_colors")
  _hpcsh_taken+=${LS_COLORS+1}
fi

function act {
  _hpcsh_call _hpcsh_act "$@"
}

# In a function of its own, since an activation script that is sourced meanwhile replaces and removes `deactivate`.
function _hpcsh_claim {
  function deactivate {
    _hpcsh_call _hpcsh_deactivate "$@"
  }
}
_hpcsh_claim

function mdcd {
  _hpcsh_call _hpcsh_mdcd "$@"
}

# `./` keeps a leading dash, and CDPATH, out of it.
function cdr {
  case ${1-.} in
    /* | -) ;;
    *) \set -- "./${1-.}" ;;
  esac
  \builtin cd -P -- "$1"
}

function waitvllm {
  \command "$_hpcsh_program" wait "$@"
}

# Takes back everything that hpcsh brought, and puts back what was there before.
function hpcsh_off {
  _hpcsh_call _hpcsh_off
}

fi

case ${HPCSH_OFFLINE-} in
  1) _hpcsh_export offline ;;
  0) _hpcsh_export online ;;
  *) _hpcsh_export "$_hpcsh_verdict" ;;
esac
if [[ $- != *i* ]]; then
  if [[ -n $_hpcsh_warning ]]; then
    \builtin printf 'hpcsh: %s\n' "$_hpcsh_warning" >&2
  fi
  \builtin unset -v "${!_hpcsh_@}"
  \builtin unset -f _hpcsh_export _hpcsh_release _hpcsh_call
fi
\builtin true
