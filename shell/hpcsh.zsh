# hpcsh for zsh (5.0.2 or newer). `hpcsh init zsh` prints quoted assignments of _hpcsh_* parameters and then this file,
# without its comments and indentation; nothing is ever interpolated into it.
#
# It is evaluated under anybody's options, aliases and functions. So: `\` before every command, since aliases expand where
# a function is read; `\builtin` and `\command` before what functions shadow; `function` before names that are aliases
# somewhere; a newline before every `}`; no pattern with bare `( )`; functions that begin with `emulate -L zsh`. No process,
# no output, status 0 at the end, and the same when it is evaluated again.

\builtin typeset -ga _hpcsh_undo precmd_functions

# --- variables: what every shell gets

# Sets what the verdict $1 ("offline" or "online") asks for and takes back what it does not. Three words a variable: its
# name, =VALUE while offline, =VALUE while online (`~`: the same). HPCSH_EXPORTS holds the values that hpcsh has exported;
# a value that it does not hold is the user's and stays.
function _hpcsh_export {
  \builtin emulate -L zsh
  \local "_hpcsh_old=${HPCSH_EXPORTS-}" _hpcsh_new=$'\x1f' "_hpcsh_mode=$1" _hpcsh_want
  \set -- "${_hpcsh_exports[@]}"
  while (( $# )); do
    _hpcsh_want=$2
    if [[ $_hpcsh_mode == online && $3 != '~' ]]; then
      _hpcsh_want=$3
    fi
    if (( ! ${(P)+1} )) || [[ $_hpcsh_old == *$'\x1f'"$1=${(P)1}"$'\x1f'* ]]; then
      if [[ -n $_hpcsh_want ]]; then
        \builtin export "$1$_hpcsh_want"
        _hpcsh_new+=$1$_hpcsh_want$'\x1f'
      elif (( ${(P)+1} )); then
        \builtin unset "$1"
      fi
    fi
    \shift 3
  done
  # The outer shell's directories in PATH stay known; its variables that this configuration no longer names go.
  for _hpcsh_want in "${(@ps:\x1f:)_hpcsh_old}"; do
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
  \builtin emulate -L zsh
  \set -- "${1%%=*}" "${1#*=}"
  if [[ $1 != HPCSH_EXPORTS ]] && (( ${(P)+1} )) && [[ ${(P)1} == "$2" ]]; then
    \builtin unset "$1"
  fi
}

# Puts the configured directories in front of PATH where they are not in it.
function _hpcsh_path_add {
  \builtin emulate -L zsh
  \local dir
  for dir in "${_hpcsh_path[@]}"; do
    if [[ :$PATH: != *":$dir:"* ]]; then
      PATH=$dir${PATH:+:$PATH}
      HPCSH_EXPORTS+=PATH+=$dir$'\x1f'
    fi
  done
}

# --- what only an interactive shell gets

if [[ -o interactive ]]; then

# Remembers what the user has under the name $1, for hpcsh_off, and makes room for a function of ours.
function _hpcsh_keep {
  \builtin emulate -L zsh
  if \builtin typeset -f "$1" >/dev/null; then
    _hpcsh_undo+=(function "$1" "${functions[$1]}")
  else
    _hpcsh_undo+=(nofunction "$1" '')
  fi
  if \builtin alias "$1" >/dev/null; then
    _hpcsh_undo+=(alias "$1" "${aliases[$1]}")
    \builtin unalias "$1"
  fi
}

# Whether the switch $1 is on and the name $2 free of any function and alias; it is then remembered as free.
function _hpcsh_wanted {
  \builtin emulate -L zsh
  if [[ $_hpcsh_switches != *" $1 "* ]] || \builtin typeset -f "$2" >/dev/null || \builtin alias "$2" >/dev/null; then
    \return 1
  fi
  _hpcsh_undo+=("no$3" "$2" '')
}

# Gives the parameter $1 the value $2, remembering the earlier one.
function _hpcsh_set {
  \builtin emulate -L zsh
  if (( ${(P)+1} )); then
    _hpcsh_undo+=(parameter "$1" "${(P)1}")
  else
    _hpcsh_undo+=(noparameter "$1" '')
  fi
  \builtin typeset -g "$1=$2"
}

# Takes the first $1 out of PATH.
function _hpcsh_path_remove {
  \builtin emulate -L zsh
  \local "all=:$PATH:"
  if [[ $all == *":$1:"* ]]; then
    all=${all%%":$1:"*}:${all#*":$1:"}
    all=${all#:}
    PATH=${all%:}
  fi
}

# Defines what is seldom needed (`shell/more.zsh`), when it is.
function _hpcsh_more {
  \builtin emulate -L zsh
  \builtin eval "$(\command "$_hpcsh_program" init zsh --more)"
}

# --- environments

# Says $1, with what to do about it in $2. Status 1.
function _hpcsh_error {
  \builtin print -ru2 "Error: $1"
  if [[ -n ${2-} ]]; then
    \builtin print -ru2 "hint: $2"
  fi
  \return 1
}

# Finds the environment of the directory $1, in it or it itself: REPLY. Status 1 where there is none.
function _hpcsh_find {
  \builtin emulate -L zsh
  for REPLY in "${1%/}/.venv" "$1"; do
    if [[ -f $REPLY/pyvenv.cfg || -f $REPLY/conda-meta/history || -f $REPLY/bin/activate ]]; then
      \return 0
    fi
  done
  \return 1
}

if (( ! ${+_hpcsh_loaded} )); then
  for REPLY in act mdcd cdr waitvllm deactivate; do
    _hpcsh_keep "$REPLY"
  done
fi

function act {
  \builtin emulate -L zsh
  \local "dir=${1-}" REPLY
  if (( $# )); then
    dir=${dir%/}
    dir=${dir:-/}
    if [[ ! -d $dir ]]; then
      _hpcsh_error "Directory $dir does not exist"
      \return
    elif ! _hpcsh_find "${dir:a}"; then
      _hpcsh_error "Could not find activation script in $dir"
      \return
    fi
  else
    dir=$PWD
    until _hpcsh_find "$dir"; do
      if [[ $dir == / ]]; then
        _hpcsh_error 'Could not find activation script in . or above'
        \return
      fi
      dir=${dir:h}
    done
    if [[ $dir != "$PWD" && ! -O $REPLY ]]; then
      \builtin print -ru2 "hpcsh: $REPLY belongs to another user"
    fi
  fi
  _hpcsh_enter "$REPLY"
}

# Enters the environment $1: natively where it has a pyvenv.cfg, so that no code of its own runs.
function _hpcsh_enter {
  \builtin emulate -L zsh
  \local "venv=$1" "label=${1:t}" line
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
  for line in "${(@f)$(<$venv/pyvenv.cfg)}"; do
    if [[ ${line%%[[:blank:]=]*} == prompt && $line == *=* ]]; then
      line=${line#*=}
      line=${line#"${line%%[^[:blank:]]*}"}
      line=${line%"${line##*[^[:space:]]}"}
      if [[ $line == \'*\' || $line == \"*\" ]]; then
        line=${line[2,-2]}
      fi
      label=$line
    fi
  done
  _hpcsh_leave
  # Under the names that the environments' own scripts use: one that is sourced over ours puts these back first.
  \builtin typeset -g "_OLD_VIRTUAL_PATH=$PATH" "_OLD_VIRTUAL_PS1=${PS1-}"
  if (( ${+PYTHONHOME} )); then
    \builtin typeset -g "_OLD_VIRTUAL_PYTHONHOME=$PYTHONHOME"
    \builtin unset PYTHONHOME
  fi
  \builtin export "VIRTUAL_ENV=$venv" "VIRTUAL_ENV_PROMPT=$label"
  \builtin typeset -g "_hpcsh_venv=$venv"
  PATH=$venv/bin:$PATH
  if [[ -z ${VIRTUAL_ENV_DISABLE_PROMPT-} && $_hpcsh_switches == *' label '* ]]; then
    # An element of psvar is shown as it is; the same text in PS1 would be taken for code.
    psvar[9]=$label
    PS1="(%9v) ${PS1-}"
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
  \builtin emulate -L zsh
  if [[ -z ${VIRTUAL_ENV-} ]]; then
    \return 0
  elif [[ ${_hpcsh_venv-} != "$VIRTUAL_ENV" ]] && (( ${+_OLD_VIRTUAL_PATH} )); then
    # Entered by its own script, which left its own way out.
    deactivate
    \return 0
  fi
  _hpcsh_path_remove "$VIRTUAL_ENV/bin"
  if (( ${+_OLD_VIRTUAL_PYTHONHOME} )); then
    \builtin export "PYTHONHOME=$_OLD_VIRTUAL_PYTHONHOME"
  fi
  \builtin unset VIRTUAL_ENV VIRTUAL_ENV_PROMPT _OLD_VIRTUAL_PATH _OLD_VIRTUAL_PS1 _OLD_VIRTUAL_PYTHONHOME _hpcsh_venv
  if [[ ${PS1-} == '(%9v) '* ]]; then
    PS1=${PS1#'(%9v) '}
    psvar[9]=
  fi
  \builtin hash -r
}

# --- directories and servers. These three keep the user's options: `cd` runs his hooks.

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
  \builtin emulate -L zsh
  if _hpcsh_wanted hist hist function; then
    function hist {
      \builtin emulate -L zsh
      \builtin fc -lDd "$@"
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
  # 30 and 0 are what zsh begins with: nobody has chosen them.
  if [[ ${HISTSIZE-30} == 30 ]]; then
    _hpcsh_set HISTSIZE $_hpcsh_history_size
  fi
  if [[ ${SAVEHIST-0} == 0 ]]; then
    _hpcsh_set SAVEHIST $_hpcsh_history_size
  fi
  if [[ -z ${HISTFILE-} ]]; then
    # Made once; where that fails, zsh keeps its history in memory as it would without us.
    if [[ -d ${_hpcsh_history_file:h} ]] || \command mkdir -p -m 700 -- "${_hpcsh_history_file:h}" 2>/dev/null; then
      _hpcsh_set HISTFILE "$_hpcsh_history_file"
    fi
  fi
}

# Once, before the first prompt: a byte on the terminal any earlier breaks Powerlevel10k's instant prompt.
function _hpcsh_precmd {
  \builtin emulate -L zsh
  precmd_functions=("${(@)precmd_functions:#_hpcsh_precmd}")
  if [[ -n $_hpcsh_warning ]]; then
    \builtin print -ru2 "hpcsh: $_hpcsh_warning"
  fi
  if [[ $_hpcsh_switches == *' ctrl_backspace '* && -o zle ]]; then
    # What `bindkey` prints is read back through an unlinked file: a substitution would fork.
    \local key
    {
      \builtin bindkey '^H' >|/proc/self/fd/9
      \builtin read -r -u 9 key
    } 9<<<'' 2>/dev/null
    case $key in
      *' backward-delete-char' | *' vi-backward-delete-char')
        _hpcsh_undo+=(key '^H' "${key##* }")
        \builtin bindkey '^H' backward-kill-word
        ;;
    esac
  fi
}

# Takes back everything that hpcsh brought, and puts back what was there before.
function hpcsh_off {
  _hpcsh_more && _hpcsh_off
}

if (( ! ${+_hpcsh_loaded} )); then
  _hpcsh_habits
  precmd_functions+=(_hpcsh_precmd)
  \builtin typeset -g "_hpcsh_loaded=1"
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
if [[ ! -o interactive ]]; then
  if [[ -n $_hpcsh_warning ]]; then
    \builtin print -ru2 "hpcsh: $_hpcsh_warning"
  fi
  \builtin unset -m '_hpcsh_*'
  \builtin unfunction -m '_hpcsh_*'
fi
true
