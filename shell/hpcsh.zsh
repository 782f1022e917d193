# hpcsh for zsh (5.0.2 or newer): what every start needs. `hpcsh init zsh` prints quoted assignments of _hpcsh_* parameters
# and then this file, without its comments and indentation; nothing is ever interpolated into it. What a shell needs later
# is in more.zsh, which `_hpcsh_more` gets once: zsh reads and parses at 60 us a kilobyte, and every login would pay.
#
# It is evaluated under anybody's options, aliases and functions. So: `\` before every command, since aliases expand where
# a function is read; `\builtin` and `\command` before what functions shadow; `function` before names that are aliases
# somewhere; a newline before every `}`; no pattern with bare `( )`; functions that begin with `emulate -L zsh`. No process,
# no output, status 0 at the end, and the same when it is evaluated again.


# Exports the records (NAME=VALUE) of _hpcsh_always and of the verdict $1 ("offline" or "online"). HPCSH_EXPORTS holds those
# that hpcsh has exported, between separators: a variable whose record is not in it is the user's, and stays; a record that
# is no longer wanted is taken back. The directories of _hpcsh_path come first in PATH; the marker has those that we added.
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
  for _hpcsh_record in "${_hpcsh_path[@]}"; do
    if [[ :$PATH: != *":$_hpcsh_record:"* ]]; then
      PATH=$_hpcsh_record${PATH:+:$PATH}
      HPCSH_EXPORTS+=PATH+=$_hpcsh_record$'\x1f'
    fi
  done
}

# Unsets the variable of the record $1 if it still has that value.
function _hpcsh_release {
  \builtin emulate -L zsh
  \builtin set -- "${1%%=*}" "${1#*=}"
  if [[ $1 != HPCSH_EXPORTS && ${(P)1-} == "$2" ]]; then
    \builtin unset "$1"
  fi
}

# Defines what more.zsh holds: from the node's own copy, which the program has put there, else by asking the program.
function _hpcsh_more {
  \builtin emulate -L zsh
  if [[ -f $_hpcsh_copy && -O $_hpcsh_copy && -O ${_hpcsh_copy:h} && ! -L ${_hpcsh_copy:h} ]]; then
    \builtin source "$_hpcsh_copy"
  else
    \builtin eval "$(\command "$_hpcsh_program" init zsh --more)"
  fi
}

# Runs $@, which more.zsh defines, under the user's options.
function _hpcsh_call {
  if [[ -z ${_hpcsh_has_more-} ]]; then
    _hpcsh_more
  fi
  "$@"
}

if [[ -o interactive ]]; then

\builtin typeset -ga _hpcsh_undo precmd_functions

# Once in a shell: remembers what hpcsh_off puts back, sets the history up, and asks for the rest at the first prompt.
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
  done >/dev/null
  if [[ -n $_hpcsh_history_size ]]; then
    # 30 and 0 are what zsh begins with: nobody has chosen them.
    if [[ ${HISTSIZE-30} == 30 ]]; then
      _hpcsh_undo+=(set HISTSIZE 30)
      HISTSIZE=$_hpcsh_history_size
    fi
    if [[ ${SAVEHIST-0} == 0 ]]; then
      _hpcsh_undo+=(set SAVEHIST 0)
      SAVEHIST=$_hpcsh_history_size
    fi
    # The directory is made once; where that fails, the history stays in memory as it would without us.
    name=${_hpcsh_history_file%/*}
    if [[ -z ${HISTFILE-} ]] && { [[ -d $name ]] || \command mkdir -p -m 700 -- "$name" 2>/dev/null; }; then
      _hpcsh_undo+=(unset HISTFILE '')
      \builtin typeset -g HISTFILE=$_hpcsh_history_file
    fi
  fi
  precmd_functions+=(_hpcsh_precmd)
  \builtin typeset -g _hpcsh_loaded=1
}

# Before the first prompt, and then no more: what only a prompt needs, and a warning. A byte on the terminal any earlier
# breaks Powerlevel10k's instant prompt; and all of the rc file has been read, so what the user has of his own is there.
function _hpcsh_precmd {
  \builtin emulate -L zsh
  precmd_functions=("${(@)precmd_functions:#_hpcsh_precmd}")
  _hpcsh_call _hpcsh_habits
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
if [[ ! -o interactive ]]; then
  if [[ -n $_hpcsh_warning ]]; then
    \builtin print -ru2 "hpcsh: $_hpcsh_warning"
  fi
  \builtin unset -m '_hpcsh_*'
  \builtin unfunction -m '_hpcsh_*'
fi
\builtin true
