# hpcsh for bash (4.2 or newer): what every start needs. `hpcsh init bash` prints quoted assignments of _hpcsh_* variables
# and then this file, without its comments and indentation; nothing is ever interpolated into it. What a shell needs later
# is in prompt.bash, more.bash and others, which `_hpcsh_call` gets once: a shell reads and parses at 60 us a kilobyte, and every
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

# Exports _hpcsh_records, each of them NAME=VALUE with U+001F behind it. HPCSH_EXPORTS tells which values are ours, to later
# calls and to nested shells; HPCSH_NODE is the verdict, for other programs. One string that is split is half the cost of as
# many words.
function _hpcsh_export {
  \local IFS=$'\x1f' "_hpcsh_globbing=$-"
  \set -f
  # shellcheck disable=SC2086,SC2034
  \builtin export HPCSH_EXPORTS HPCSH_NODE=$_hpcsh_verdict $_hpcsh_records
  HPCSH_EXPORTS=$IFS$_hpcsh_records$_hpcsh_added
  [[ $_hpcsh_globbing == *f* ]] || \set +f
}

# Runs what follows $1, which the part $1 ("prompt", "more", …) defines: the node's own copy of it, which the program has put
# there, else what the program says.
function _hpcsh_call {
  if [[ ${_hpcsh_parts-} != *" $1 "* ]]; then
    \set -- "$_hpcsh_copy-$1.bash" "$@"
    if [[ -f $1 && -O $1 && -O ${1%/*} && ! -L ${1%/*} ]]; then
      \builtin source "$1"
    else
      \builtin eval "$(\command "$_hpcsh_program" init bash --part "$2")"
    fi
    \shift
  fi
  \shift
  "$@"
}

# Of an outer shell that exports all that is assigned.
[[ ${_hpcsh_loaded-} == "$$" ]] || _hpcsh_parts='' _hpcsh_loaded='' _hpcsh_sized='' _hpcsh_histfile=''
# The facts stand before the prologue: _hpcsh_fact is the node's verdict, _hpcsh_first what comes first in PATH and is not in it yet. The
# prologue's _hpcsh_always, _hpcsh_offline and _hpcsh_online hold records. Where nothing is _hpcsh_taken, the usual login, the verdict is
# known, nobody has exported a variable of ours, nor set one that the configuration names itself, and there is nothing to compare;
# and a shell that is not interactive has no next prompt to mend a verdict.
_hpcsh_verdict=$_hpcsh_fact
if [[ $- != *i* || -n ${HPCSH_EXPORTS-}${HPCSH_OFFLINE-}$_hpcsh_taken ]]; then
  _hpcsh_call variables _hpcsh_begin
else
  _hpcsh_records=_hpcsh_$_hpcsh_fact
  _hpcsh_records=$_hpcsh_always${!_hpcsh_records}
  # A readonly one stays as it is.
  [[ -z $_hpcsh_first ]] || PATH=$_hpcsh_first$PATH
  _hpcsh_export
fi

if [[ $- == *i* && -z $_hpcsh_loaded ]]; then

_hpcsh_loaded=$$
# One look for functions and aliases with names like ours: act, mdcd, cdr, waitvllm, deactivate. What it finds beside them
# costs time, and nothing else.
if \builtin compgen -A function -A alias -X '![acdmw][acde][acdirt]*'; then
  _hpcsh_call prompt _hpcsh_keep
fi >/dev/null
# Now, since bash reads and cuts the file when the rc file has been read; what it has not filled in nobody has chosen.
if [[ -n $_hpcsh_history_size && -z ${HISTSIZE+1}${HISTFILESIZE+1} ]]; then
  HISTSIZE=$_hpcsh_history_size HISTFILESIZE=$_hpcsh_history_size _hpcsh_sized=1
fi
if [[ -n $_hpcsh_history_file && ${HISTFILE-} == "${HOME-}/.bash_history" ]]; then
  _hpcsh_histfile=$HISTFILE HISTFILE=$_hpcsh_history_file
  [[ -z $_hpcsh_history_shared || -z $_hpcsh_reader$_hpcsh_login ]] || _hpcsh_call storage _hpcsh_history
fi
# Behind everybody's. What it was is put back; a readonly one, as audits set it, is left alone: then there is no first prompt.
# Others may still assign the first element of the array.
if [[ $BASH_VERSION == [1-4].* || $BASH_VERSION == 5.0.* ]]; then
  _hpcsh_call prompt _hpcsh_append
else
  _hpcsh_hooked=${PROMPT_COMMAND+${PROMPT_COMMAND@a}s}
  # In a place that most often nobody has: the whole array assigned anew costs a login three times as much.
  if [[ $_hpcsh_hooked == *r* ]]; then
    \builtin :
  elif [[ -z ${PROMPT_COMMAND[99]-} ]]; then
    PROMPT_COMMAND[99]=_hpcsh_precmd
  else
    PROMPT_COMMAND+=(_hpcsh_precmd)
  fi
fi

# Before the first prompt: what only a prompt needs, and a warning. All of the rc file has been read by then, so what the user
# has of his own is there. What later prompts need takes the place of this function; should the rest not be there, it is asked
# for once and not at each prompt.
function _hpcsh_precmd {
  \set -- "$?"
  function _hpcsh_precmd {
    \builtin :
  }
  _hpcsh_call prompt _hpcsh_first_prompt "$1"
}

function act {
  _hpcsh_call more _hpcsh_act "$@"
}

# One that its own script has entered keeps that script's way out.
[[ -n ${_OLD_VIRTUAL_PATH+1} ]] && \builtin declare -f deactivate >/dev/null || function deactivate {
  _hpcsh_call more _hpcsh_deactivate "$@"
}

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
