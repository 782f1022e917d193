# hpcsh for bash (4.2 or newer). `hpcsh init bash` prints quoted assignments of _hpcsh_* variables and then this file,
# without its comments and indentation; nothing is ever interpolated into it.
#
# It is evaluated under anybody's options, aliases and functions. So: `\` before every command, since aliases expand where
# a function is read; `\builtin` and `\command` before what functions shadow; `function` before names that are aliases
# somewhere; every expansion quoted and with a default (`set -u`, any IFS), in the arguments of `\local` too, which bash
# splits; no command whose failure is not looked at (`set -e`). No process, no output, status 0 at the end, and the same
# when it is evaluated again.

# What shellcheck cannot see: the prologue's assignments and those of `\local` (2154), the caller of `deactivate` (2119,
# 2120). What it takes for a slip: a status that is passed on (2164) or not wanted (2015), code that stays a string (2016).
# shellcheck disable=SC2154,SC2119,SC2120,SC2164,SC2015,SC2016

# --- variables: what every shell gets

# Sets what the verdict $1 ("offline" or "online") asks for and takes back what it does not. Three words a variable: its
# name, =VALUE while offline, =VALUE while online (`~`: the same). HPCSH_EXPORTS holds the values that hpcsh has exported;
# a value that it does not hold is the user's and stays.
function _hpcsh_export {
  \local "_hpcsh_old=${HPCSH_EXPORTS-}" _hpcsh_new=$'\x1f' "_hpcsh_mode=$1" _hpcsh_want
  \set -- ${_hpcsh_exports[@]+"${_hpcsh_exports[@]}"}
  while [[ $# -gt 0 ]]; do
    _hpcsh_want=$2
    if [[ $_hpcsh_mode == online && $3 != '~' ]]; then
      _hpcsh_want=$3
    fi
    if [[ -z ${!1+x} || $_hpcsh_old == *$'\x1f'"$1=${!1}"$'\x1f'* ]]; then
      if [[ -n $_hpcsh_want ]]; then
        \builtin export "$1$_hpcsh_want"
        _hpcsh_new+=$1$_hpcsh_want$'\x1f'
      else
        \builtin unset -v "$1"
      fi
    fi
    \shift 3
  done
  # The outer shell's directories in PATH stay known; its variables that this configuration no longer names go.
  while [[ -n $_hpcsh_old ]]; do
    _hpcsh_want=${_hpcsh_old%%$'\x1f'*}
    _hpcsh_old=${_hpcsh_old#"$_hpcsh_want"}
    _hpcsh_old=${_hpcsh_old#$'\x1f'}
    if [[ $_hpcsh_want == PATH+=* ]]; then
      _hpcsh_new+=$_hpcsh_want$'\x1f'
    elif [[ -n $_hpcsh_want && $_hpcsh_new != *$'\x1f'"${_hpcsh_want%%=*}="* ]]; then
      _hpcsh_release "$_hpcsh_want"
    fi
  done
  \builtin export "HPCSH_EXPORTS=$_hpcsh_new"
}

# Unsets the variable of the record $1 (NAME=VALUE) if it still has that value.
function _hpcsh_release {
  \set -- "${1%%=*}" "${1#*=}"
  if [[ $1 != HPCSH_EXPORTS && -n ${!1+x} && ${!1} == "$2" ]]; then
    \builtin unset -v "$1"
  fi
}

# Puts the configured directories in front of PATH where they are not in it.
function _hpcsh_path_add {
  \local dir
  for dir in ${_hpcsh_path[@]+"${_hpcsh_path[@]}"}; do
    if [[ :$PATH: != *":$dir:"* ]]; then
      PATH=$dir${PATH:+:$PATH}
      HPCSH_EXPORTS+=PATH+=$dir$'\x1f'
    fi
  done
}

# --- what only an interactive shell gets

if [[ $- == *i* ]]; then

# Runs the command $@ and puts what it prints into REPLY: through an unlinked file or a pipe of this shell's own, since a
# substitution would fork. For output that fits a pipe (64 KiB).
function _hpcsh_capture {
  {
    \builtin "$@" >|/proc/self/fd/9 && IFS= \builtin read -r -d '' -u 9 REPLY || :
  } 9<<<'' 2>/dev/null
}

# Remembers what the user has under the name $1, for hpcsh_off, and makes room for a function of ours.
function _hpcsh_keep {
  \local REPLY=
  if \builtin declare -f "$1" >/dev/null; then
    _hpcsh_capture declare -f "$1"
    _hpcsh_undo+=(function "$1" "$REPLY")
  else
    _hpcsh_undo+=(nofunction "$1" '')
  fi
  if [[ -n ${BASH_ALIASES[$1]+x} ]]; then
    _hpcsh_undo+=(alias "$1" "${BASH_ALIASES[$1]}")
    \builtin unalias "$1"
  fi
}

# Whether the switch $1 is on and the name $2 free of any function and alias; it is then remembered as a free $3.
function _hpcsh_wanted {
  if [[ $_hpcsh_switches != *" $1 "* || -n ${BASH_ALIASES[$2]+x} ]] || \builtin declare -f "$2" >/dev/null; then
    \return 1
  fi
  _hpcsh_undo+=("no$3" "$2" '')
}

# Gives the variable $1 the value $2, remembering the earlier one.
function _hpcsh_set {
  if [[ -n ${!1+x} ]]; then
    _hpcsh_undo+=(variable "$1" "${!1}")
  else
    _hpcsh_undo+=(novariable "$1" '')
  fi
  \builtin printf -v "$1" %s "$2"
}

# Takes the first $1 out of PATH.
function _hpcsh_path_remove {
  \local "all=:$PATH:"
  if [[ $all == *":$1:"* ]]; then
    all=${all%%":$1:"*}:${all#*":$1:"}
    all=${all#:}
    PATH=${all%:}
  fi
}

# Defines what is seldom needed (`shell/more.bash`), when it is.
function _hpcsh_more {
  \builtin eval "$(\command "$_hpcsh_program" init bash --more)"
}

# --- environments

# Says $1, with what to do about it in $2. Status 1.
function _hpcsh_error {
  \builtin printf 'Error: %s\n' "$1" >&2
  if [[ -n ${2-} ]]; then
    \builtin printf 'hint: %s\n' "$2" >&2
  fi
  \return 1
}

# The path $1 from the root, without `.`, `..` and doubled slashes, symlinks as they are: REPLY.
function _hpcsh_absolute {
  \local part rest
  [[ $1 == /* ]] && rest=$1/ || rest=$PWD/$1/
  REPLY=
  while [[ -n $rest ]]; do
    part=${rest%%/*}
    rest=${rest#*/}
    case $part in
      '' | .) ;;
      ..) REPLY=${REPLY%/*} ;;
      *) REPLY+=/$part ;;
    esac
  done
  REPLY=${REPLY:-/}
}

# Finds the environment of the directory $1, in it or it itself: REPLY. Status 1 where there is none.
function _hpcsh_find {
  for REPLY in "${1%/}/.venv" "$1"; do
    if [[ -f $REPLY/pyvenv.cfg || -f $REPLY/conda-meta/history || -f $REPLY/bin/activate ]]; then
      \return 0
    fi
  done
  \return 1
}

if [[ -z ${_hpcsh_loaded-} ]]; then
  _hpcsh_undo=()
  for REPLY in act mdcd cdr waitvllm deactivate; do
    _hpcsh_keep "$REPLY"
  done
fi

function act {
  \local "dir=${1-}" REPLY
  if [[ $# -gt 0 ]]; then
    dir=${dir%/}
    dir=${dir:-/}
    if [[ ! -d $dir ]]; then
      _hpcsh_error "Directory $dir does not exist"
      \return
    fi
    _hpcsh_absolute "$dir"
    if ! _hpcsh_find "$REPLY"; then
      _hpcsh_error "Could not find activation script in $dir"
      \return
    fi
  else
    dir=$PWD
    until _hpcsh_find "${dir:-/}"; do
      if [[ -z ${dir%/} ]]; then
        _hpcsh_error 'Could not find activation script in . or above'
        \return
      fi
      dir=${dir%/*}
    done
    if [[ ${dir:-/} != "$PWD" && ! -O $REPLY ]]; then
      \builtin printf 'hpcsh: %s belongs to another user\n' "$REPLY" >&2
    fi
  fi
  _hpcsh_enter "$REPLY"
}

# Enters the environment $1: natively where it has a pyvenv.cfg, so that no code of its own runs.
function _hpcsh_enter {
  \local "venv=$1" "label=${1##*/}" line
  if [[ -f $venv/conda-meta/history ]]; then
    _hpcsh_more && _hpcsh_enter_conda "$venv"
    \return
  elif [[ ! -f $venv/pyvenv.cfg ]]; then
    \builtin source "$venv/bin/activate"
    \return
  elif [[ ! -e $venv/bin/python ]]; then
    _hpcsh_more && _hpcsh_no_python "$venv"
    \return
  fi
  # `prompt = NAME`: bare from uv, quoted by repr() from venv, in double quotes from virtualenv.
  while IFS= \builtin read -r line || [[ -n $line ]]; do
    if [[ ${line%%[[:blank:]=]*} == prompt && $line == *=* ]]; then
      line=${line#*=}
      line=${line#"${line%%[^[:blank:]]*}"}
      line=${line%"${line##*[^[:space:]]}"}
      if [[ $line == \'*\' || $line == \"*\" ]]; then
        line=${line:1:${#line}-2}
      fi
      label=$line
    fi
  done <"$venv/pyvenv.cfg"
  _hpcsh_leave
  # Under the names that the environments' own scripts use: one that is sourced over ours puts these back first.
  _OLD_VIRTUAL_PATH=$PATH _OLD_VIRTUAL_PS1=${PS1-}
  if [[ -n ${PYTHONHOME+x} ]]; then
    _OLD_VIRTUAL_PYTHONHOME=$PYTHONHOME
    \builtin unset -v PYTHONHOME
  fi
  \builtin export "VIRTUAL_ENV=$venv" "VIRTUAL_ENV_PROMPT=$label"
  _hpcsh_venv=$venv
  PATH=$venv/bin:$PATH
  if [[ -z ${VIRTUAL_ENV_DISABLE_PROMPT-} && $_hpcsh_switches == *' label '* ]]; then
    # The value of a variable is shown as it is; the same text in PS1 would be taken for code.
    PS1='(${VIRTUAL_ENV_PROMPT-}) '${PS1-}
  fi
  _hpcsh_claim
  \builtin hash -r
}

# Makes `deactivate` ours: an activation script that was sourced meanwhile has replaced and removed it.
function _hpcsh_claim {
  function deactivate {
    if [[ -n ${VIRTUAL_ENV-} ]]; then
      _hpcsh_leave
    elif [[ ${1-} != nondestructive ]]; then
      _hpcsh_error 'no environment is active'
    fi
  }
}
_hpcsh_claim

# Leaves the active environment, whoever entered it. What was added to PATH since then stays.
function _hpcsh_leave {
  if [[ -z ${VIRTUAL_ENV-} ]]; then
    \return 0
  elif [[ ${_hpcsh_venv-} != "$VIRTUAL_ENV" && -n ${_OLD_VIRTUAL_PATH+x} ]]; then
    # Entered by its own script, which left its own way out.
    deactivate
    \return 0
  fi
  _hpcsh_path_remove "$VIRTUAL_ENV/bin"
  if [[ -n ${_OLD_VIRTUAL_PYTHONHOME+x} ]]; then
    \builtin export "PYTHONHOME=$_OLD_VIRTUAL_PYTHONHOME"
  fi
  \builtin unset -v VIRTUAL_ENV VIRTUAL_ENV_PROMPT _OLD_VIRTUAL_PATH _OLD_VIRTUAL_PS1 _OLD_VIRTUAL_PYTHONHOME _hpcsh_venv
  PS1=${PS1-}
  PS1=${PS1#'(${VIRTUAL_ENV_PROMPT-}) '}
  \builtin hash -r
}

# --- directories and servers

function mdcd {
  if [[ $# -ne 1 || -z $1 ]]; then
    _hpcsh_error 'mdcd takes the name of one directory'
    \return
  fi
  # `./` keeps a leading dash, and CDPATH, out of it.
  case $1 in
    /*) ;;
    *) \set -- "./$1" ;;
  esac
  \command mkdir -p -- "$1" && \builtin cd -- "$1"
}

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

# --- habits: each a switch, and off where the user has his own

function _hpcsh_habits {
  if _hpcsh_wanted hist hist function; then
    function hist {
      HISTTIMEFORMAT='%F %R  ' \builtin history "${@:-16}"
    }
  fi
  if _hpcsh_wanted cp cp alias; then
    \builtin alias cp='cp -i'
  fi
  if _hpcsh_wanted ls ls function; then
    function ls {
      \command ls --color=auto "$@"
    }
  fi
  if [[ -z $_hpcsh_history_size ]]; then
    \return 0
  fi
  # 500 is what bash begins with: nobody has chosen it.
  if [[ ${HISTSIZE-500} == 500 ]]; then
    _hpcsh_set HISTSIZE "$_hpcsh_history_size"
  fi
  if [[ ${HISTFILESIZE-500} == 500 ]]; then
    _hpcsh_set HISTFILESIZE "$_hpcsh_history_size"
  fi
  # So is the file in the home.
  if [[ -n $_hpcsh_history_file && ${HISTFILE-} == "${HOME-}/.bash_history" ]]; then
    # Made once; where that fails, bash keeps the file that it has.
    if [[ -d ${_hpcsh_history_file%/*} ]] || \command mkdir -p -m 700 -- "${_hpcsh_history_file%/*}" 2>/dev/null; then
      _hpcsh_set HISTFILE "$_hpcsh_history_file"
    fi
  fi
}

# Once, before the first prompt: then the terminal is the user's, and his key bindings are made.
function _hpcsh_precmd {
  \local "status=$?" REPLY=
  _hpcsh_unhook
  if [[ -n $_hpcsh_warning ]]; then
    \builtin printf 'hpcsh: %s\n' "$_hpcsh_warning" >&2
  fi
  if [[ $_hpcsh_switches == *' ctrl_backspace '* ]]; then
    _hpcsh_capture bind -q backward-delete-char
    if [[ $REPLY == *'"\C-h"'* ]]; then
      _hpcsh_undo+=(key '"\C-h": backward-delete-char' '')
      \builtin bind '"\C-h": backward-kill-word'
    fi
  fi
  \return "$status"
}

# Adds our hook behind everybody's. Before bash 5.1, PROMPT_COMMAND is one string; later an array, in which others may still
# assign the first element.
function _hpcsh_hook {
  if [[ $BASH_VERSION == [1-4].* || $BASH_VERSION == 5.0.* ]]; then
    PROMPT_COMMAND=${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}_hpcsh_precmd
  else
    PROMPT_COMMAND[0]=${PROMPT_COMMAND[0]-}
    PROMPT_COMMAND+=(_hpcsh_precmd)
  fi
}

# Takes it out, wherever it is.
function _hpcsh_unhook {
  \local at
  for at in "${!PROMPT_COMMAND[@]}"; do
    if [[ ${PROMPT_COMMAND[at]} == _hpcsh_precmd ]]; then
      \builtin unset -v "PROMPT_COMMAND[$at]"
    else
      PROMPT_COMMAND[at]=${PROMPT_COMMAND[at]%$'\n'_hpcsh_precmd}
    fi
  done
  if [[ ${#PROMPT_COMMAND[@]} -eq 1 && -z ${PROMPT_COMMAND[0]-} ]]; then
    \builtin unset -v PROMPT_COMMAND
  fi
}

# Takes back everything that hpcsh brought, and puts back what was there before.
function hpcsh_off {
  _hpcsh_more && _hpcsh_off
}

if [[ -z ${_hpcsh_loaded-} ]]; then
  _hpcsh_habits
  _hpcsh_hook
  _hpcsh_loaded=1
fi
if [[ -n $_hpcsh_ls_colors ]]; then
  _hpcsh_exports+=(LS_COLORS "=$_hpcsh_ls_colors" '~')
fi

fi

case ${HPCSH_OFFLINE-} in
  1) _hpcsh_export offline ;;
  0) _hpcsh_export online ;;
  *) _hpcsh_export "$_hpcsh_verdict" ;;
esac
_hpcsh_path_add
if [[ $- != *i* ]]; then
  if [[ -n $_hpcsh_warning ]]; then
    \builtin printf 'hpcsh: %s\n' "$_hpcsh_warning" >&2
  fi
  \builtin unset -v "${!_hpcsh_@}"
  \builtin unset -f _hpcsh_export _hpcsh_release _hpcsh_path_add
fi
\builtin true
