# hpcsh for bash (4.2 or newer): what every start needs. `hpcsh init bash` prints quoted assignments of _hpcsh_* variables
# and then this file, without its comments and indentation; nothing is ever interpolated into it. What a shell needs later
# is in prompt.bash and more.bash, which `_hpcsh_call` gets once: a shell reads and parses at 60 us a kilobyte, and every
# login would pay.
#
# It is evaluated under anybody's options, aliases and functions. So: `\` before every command, since aliases expand where
# a function is read; `\builtin` and `\command` before what functions shadow; `function` before names that are aliases
# somewhere; every expansion quoted and with a default (`set -u`, any IFS), in the arguments of `\local` too, which bash
# splits; no command whose failure is not looked at (`set -e`). No process, no output, status 0 at the end, and the same
# when it is evaluated again.

# What shellcheck cannot see: the prologue's assignments and those of `\local` (2154), the callers of functions that users
# call (2119, 2120), a function in a function (2317). What it takes for a slip: a status that is passed on (2164) or not
# wanted (2015), a record (2163).
# shellcheck disable=SC2154,SC2119,SC2120,SC2163,SC2164,SC2015,SC2317

# Exports the records (NAME=VALUE) $@. HPCSH_EXPORTS tells which values are ours, to later calls and to nested shells.
function _hpcsh_export {
  \builtin printf -v HPCSH_EXPORTS '\037%s' "$@" ''
  \builtin export "$@" HPCSH_EXPORTS
}

# Runs what follows $1, which the part $1 ("prompt", "more") defines: the node's own copy of it, which the program has put
# there, else what the program says.
function _hpcsh_call {
  if [[ ${_hpcsh_parts-} != *" $1 "* ]]; then
    \set -- "$_hpcsh_copy-$1.bash" "$@"
    if [[ -n $_hpcsh_copy && -f $1 && -O $1 && -O ${1%/*} && ! -L ${1%/*} ]]; then
      \builtin source "$1"
    else
      \builtin eval "$(\command "$_hpcsh_program" init bash --part "$2")"
    fi
    \shift
  fi
  \shift
  "$@"
}

# The prologue's _hpcsh_always, _hpcsh_offline and _hpcsh_online each run their arguments with their records behind them.
# Where none of the names is set, the usual login, there is nothing to compare.
if [[ -z ${HPCSH_EXPORTS-}${HPCSH_OFFLINE-}$_hpcsh_taken ]]; then
  _hpcsh_always "_hpcsh_$_hpcsh_verdict" _hpcsh_export
else
  _hpcsh_call prompt _hpcsh_renew
fi
# The configured directories come first in PATH, where they are not in it; HPCSH_EXPORTS has those that we added.
for _hpcsh_dir in ${_hpcsh_path[@]+"${_hpcsh_path[@]}"}; do
  if [[ :$PATH: != *":$_hpcsh_dir:"* ]]; then
    # Behind an environment that an outer shell entered, whose own python comes first.
    if [[ -n ${VIRTUAL_ENV-} && $PATH == "$VIRTUAL_ENV/bin:"* ]]; then
      PATH=$VIRTUAL_ENV/bin:$_hpcsh_dir:${PATH#"$VIRTUAL_ENV/bin:"}
    else
      PATH=$_hpcsh_dir${PATH:+:$PATH}
    fi
    HPCSH_EXPORTS+=PATH+=$_hpcsh_dir$'\x1f'
  fi
done

if [[ $- != *i* ]]; then
  if [[ -n $_hpcsh_warning ]]; then
    \builtin printf 'hpcsh: %s\n' "$_hpcsh_warning" >&2
  fi
  if [[ -n ${_hpcsh_parts-} ]]; then
    _hpcsh_forget
  else
    \builtin unset -f _hpcsh_always _hpcsh_offline _hpcsh_online _hpcsh_export _hpcsh_call
    \builtin unset -v "${!_hpcsh_@}"
  fi
else

if [[ -z ${_hpcsh_loaded-} ]]; then
  _hpcsh_loaded=1
  _hpcsh_undo=()
  # The table of aliases is made anew at each look.
  if \builtin declare -f act || \builtin declare -f mdcd || \builtin declare -f cdr || \builtin declare -f waitvllm ||
    \builtin declare -f deactivate || [[ -n ${BASH_ALIASES[*]} &&
      -n ${BASH_ALIASES[act]+1}${BASH_ALIASES[mdcd]+1}${BASH_ALIASES[cdr]+1}${BASH_ALIASES[waitvllm]+1}${BASH_ALIASES[deactivate]+1} ]]; then
    _hpcsh_call prompt _hpcsh_keep
  fi >/dev/null
  # Now, since bash reads and cuts the file when the rc file has been read; what it has not filled in nobody has chosen.
  if [[ -n $_hpcsh_history_size && -z ${HISTSIZE+1}${HISTFILESIZE+1} ]]; then
    HISTSIZE=$_hpcsh_history_size HISTFILESIZE=$_hpcsh_history_size
    _hpcsh_undo+=(unset HISTSIZE '' unset HISTFILESIZE '')
  fi
  # bash's own file is moved; the directory is made once, and where that fails, bash keeps its file.
  if [[ -n $_hpcsh_history_file && ${HISTFILE-} == "${HOME-}/.bash_history" ]] && {
    [[ -d ${_hpcsh_history_file%/*} ]] || \command mkdir -p -m 700 -- "${_hpcsh_history_file%/*}" 2>/dev/null
  }; then
    _hpcsh_undo+=(set HISTFILE "$HISTFILE")
    HISTFILE=$_hpcsh_history_file
  fi
  # Behind everybody's. Before bash 5.1, PROMPT_COMMAND is one string; later an array, in which others may still assign the
  # first element. What it was is put back; a readonly one, as audits set it, is left alone: then there is no first prompt.
  case $BASH_VERSION in
    [1-3].* | 4.[0-3].*) PROMPT_COMMAND=${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}_hpcsh_precmd ;;
    *)
      _hpcsh_hooked=${PROMPT_COMMAND+${PROMPT_COMMAND@a}s}
      if [[ $_hpcsh_hooked == *r* ]]; then
        :
      elif [[ $BASH_VERSION == 4.* || $BASH_VERSION == 5.0.* ]]; then
        PROMPT_COMMAND=${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}_hpcsh_precmd
      else
        PROMPT_COMMAND[0]=${PROMPT_COMMAND[0]-}
        PROMPT_COMMAND+=(_hpcsh_precmd)
      fi
      ;;
  esac
fi

# Before the first prompt, and then no more: what only a prompt needs, and a warning. All of the rc file has been read by
# then, so what the user has of his own is there.
function _hpcsh_precmd {
  \local "status=$?"
  # Should the rest not be there, it is asked for once and not at each prompt.
  function _hpcsh_precmd {
    \return "$?"
  }
  _hpcsh_call prompt _hpcsh_first_prompt
  \return "$status"
}

function act {
  _hpcsh_call more _hpcsh_act "$@"
}

# In a function of its own, since an activation script that is sourced meanwhile replaces and removes `deactivate`.
function _hpcsh_claim {
  function deactivate {
    _hpcsh_call more _hpcsh_deactivate "$@"
  }
}
# One that its own script has entered keeps that script's way out.
if [[ -z ${_OLD_VIRTUAL_PATH+1} ]] || ! \builtin declare -f deactivate >/dev/null; then
  _hpcsh_claim
fi

function mdcd {
  _hpcsh_call more _hpcsh_mdcd "$@"
}

function cdr {
  _hpcsh_call more _hpcsh_cdr "$@"
}

function waitvllm {
  \command "$_hpcsh_program" wait "$@"
}

# Takes back everything that hpcsh brought, and puts back what was there before.
function hpcsh_off {
  _hpcsh_call prompt _hpcsh_call more _hpcsh_off
}

fi
\builtin true
