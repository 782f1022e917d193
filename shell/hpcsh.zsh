# hpcsh for zsh (5.0.2 or newer): what every start needs. `hpcsh init zsh` prints quoted assignments of _hpcsh_* parameters
# and then this file, without its comments and indentation; nothing is ever interpolated into it. What a shell needs later
# is in more.zsh, which `_hpcsh_more` asks for once: zsh reads and parses at 50 us a kilobyte, and every login would pay.
#
# It is evaluated under anybody's options, aliases and functions. So: `\` before every command, since aliases expand where
# a function is read; `\builtin` and `\command` before what functions shadow; `function` before names that are aliases
# somewhere; a newline before every `}`; no pattern with bare `( )`; functions that begin with `emulate -L zsh`. No process,
# no output, status 0 at the end, and the same when it is evaluated again.


# Exports the records (NAME=VALUE) of _hpcsh_always and of the verdict $1 ("offline" or "online"). HPCSH_EXPORTS holds those
# that hpcsh has exported, between separators: a variable whose record is not in it is the user's, and stays; a record that
# is no longer wanted is taken back.
function _hpcsh_export {
  \builtin emulate -L zsh
  \local _hpcsh_old=${HPCSH_EXPORTS-} _hpcsh_record
  \local -a _hpcsh_want _hpcsh_ours
  if [[ $1 == offline ]]; then
    _hpcsh_want=("${_hpcsh_always[@]}" "${_hpcsh_offline[@]}")
  else
    _hpcsh_want=("${_hpcsh_always[@]}" "${_hpcsh_online[@]}")
  fi
  if [[ -z $_hpcsh_old$_hpcsh_taken ]]; then
    # None of the names is set: the usual login.
    _hpcsh_ours=("${_hpcsh_want[@]}")
  else
    for _hpcsh_record in "${_hpcsh_want[@]}"; do
      \builtin set -- "${_hpcsh_record%%=*}"
      if (( ! ${(P)+1} )) || [[ $_hpcsh_old == *$'\x1f'"$1=${(P)1}"$'\x1f'* ]]; then
        _hpcsh_ours+=("$_hpcsh_record")
      fi
    done
  fi
  if (( ${#_hpcsh_ours} )); then
    \builtin export "${_hpcsh_ours[@]}"
  fi
  \builtin export "HPCSH_EXPORTS="$'\x1f'"${(pj:\x1f:)_hpcsh_ours}"$'\x1f'
  if [[ -n $_hpcsh_old ]]; then
    for _hpcsh_record in "${(@ps:\x1f:)_hpcsh_old}"; do
      if [[ $_hpcsh_record == PATH+=* ]]; then
        HPCSH_EXPORTS+=$_hpcsh_record$'\x1f'
      elif [[ -n $_hpcsh_record && $HPCSH_EXPORTS != *$'\x1f'"${_hpcsh_record%%=*}="* ]]; then
        _hpcsh_release "$_hpcsh_record"
      fi
    done
  fi
}

# Unsets the variable of the record $1 if it still has that value.
function _hpcsh_release {
  \builtin emulate -L zsh
  \builtin set -- "${1%%=*}" "${1#*=}"
  if [[ $1 != HPCSH_EXPORTS && ${(P)1-} == "$2" ]]; then
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

if [[ -o interactive ]]; then

\builtin typeset -ga _hpcsh_undo precmd_functions

# Once in a shell, its output thrown away: remembers what hpcsh_off puts back, and brings the habits, each of which is a
# switch, and off where the user has his own.
function _hpcsh_load {
  \builtin emulate -L zsh
  \local name
  for name in act mdcd cdr waitvllm deactivate; do
    if \builtin typeset -f $name; then
      _hpcsh_undo+=(function $name "${functions[$name]}")
    fi
    if \builtin alias $name; then
      _hpcsh_undo+=(alias $name "${aliases[$name]}")
      \builtin unalias $name
    fi
  done
  for name in hist cp ls; do
    if [[ $_hpcsh_switches != *" $name "* ]] || \builtin typeset -f $name || \builtin alias $name; then
      \continue
    fi
    _hpcsh_undo+=(made $name '')
    case $name in
      cp) \builtin alias cp='cp -i' ;;
      hist)
        function hist {
          \builtin fc -lDd "$@"
        }
        ;;
      ls)
        function ls {
          \command ls --color=auto "$@"
        }
        ;;
    esac
  done
  if [[ -n $_hpcsh_history_size ]]; then
    # 30 and 0 are what zsh begins with: nobody has chosen them.
    if [[ ${HISTSIZE-30} == 30 ]]; then
      _hpcsh_set HISTSIZE $_hpcsh_history_size
    fi
    if [[ ${SAVEHIST-0} == 0 ]]; then
      _hpcsh_set SAVEHIST $_hpcsh_history_size
    fi
    # The directory is made once; where that fails, the history stays in memory as it would without us.
    name=${_hpcsh_history_file:h}
    if [[ -z ${HISTFILE-} ]] && { [[ -d $name ]] || \command mkdir -p -m 700 -- "$name"; }; then
      _hpcsh_set HISTFILE "$_hpcsh_history_file"
    fi
  fi
  precmd_functions+=(_hpcsh_precmd)
  \builtin typeset -g _hpcsh_loaded=1
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

# Before the first prompt, and then no more: a byte on the terminal any earlier breaks Powerlevel10k's instant prompt.
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

# Defines what more.zsh holds.
function _hpcsh_more {
  \builtin emulate -L zsh
  \builtin eval "$(\command "$_hpcsh_program" init zsh --more)"
}

# Runs $@, which more.zsh defines, under the user's options.
function _hpcsh_call {
  if [[ -z ${_hpcsh_has_more-} ]]; then
    _hpcsh_more
  fi
  "$@"
}

if [[ -z ${_hpcsh_loaded-} ]]; then
  _hpcsh_load >/dev/null 2>&1
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

# `./` keeps a leading dash, and CDPATH, out of it. The user's options stay: `cd` runs his hooks.
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
_hpcsh_path_add
if [[ ! -o interactive ]]; then
  if [[ -n $_hpcsh_warning ]]; then
    \builtin print -ru2 "hpcsh: $_hpcsh_warning"
  fi
  \builtin unset -m '_hpcsh_*'
  \builtin unfunction -m '_hpcsh_*'
fi
\builtin true
