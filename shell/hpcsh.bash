# hpcsh for bash (4.2 or newer): what every start needs. `hpcsh init bash` prints quoted assignments of _hpcsh_* variables
# and then this file, without its comments and indentation; nothing is ever interpolated into it. What a shell needs later
# is in prompt.bash, more.bash and others, which `_hpcsh_call` gets once: a shell reads and parses at 60 us a kilobyte, and every
# login would pay.
#
# The data stand in one array, _hpcsh_data, which bash reads from a file at a quarter of what quoted words cost. Its first elements are
# for the login itself: 0 and 1, the records of the variables that are set while online, while offline; 2 to 4, the size of the history,
# its file, and whether that is shared; 5, the program; 6, what the names of the parts begin with. data.bash has names for all.
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
# there, else what the program says. The very first part gives the data their names.
function _hpcsh_call {
  if [[ $_hpcsh_parts != *" $1 "* ]]; then
    [[ -n $_hpcsh_parts || $1 == data ]] || _hpcsh_call data _hpcsh_unpack
    \set -- "${_hpcsh_data[6]}-$1.bash" "$@"
    if [[ -f $1 && -O $1 && -O ${1%/*} && ! -L ${1%/*} ]]; then
      \builtin source "$1"
    else
      \builtin eval "$(\command "${_hpcsh_data[5]}" init bash --part "$2")"
    fi
    \shift
  fi
  \shift
  "$@"
}

# No part is read yet, or they are read again, as they may be another version's. The variable may be an outer shell's that exports all.
_hpcsh_parts=
# The facts stand before the data: _hpcsh_fact is the node's verdict, _hpcsh_first what comes first in PATH and is not in it yet. Where
# nothing is _hpcsh_taken, the usual login, the verdict is known, nobody has exported a variable of ours, nor set one that the
# configuration names itself, and there is nothing to compare; and a shell that is not interactive has no next prompt to mend a verdict.
_hpcsh_verdict=$_hpcsh_fact
if [[ $- != *i* || -n ${HPCSH_EXPORTS-}${HPCSH_OFFLINE-}$_hpcsh_taken ]]; then
  _hpcsh_call variables _hpcsh_begin
else
  _hpcsh_records=$_hpcsh_data
  [[ $_hpcsh_fact == online ]] || _hpcsh_records=${_hpcsh_data[1]}
  # A readonly one stays as it is.
  [[ -z $_hpcsh_first ]] || PATH=$_hpcsh_first$PATH
  _hpcsh_export
fi

if [[ $- == *i* && ${_hpcsh_loaded-} != "$$" ]]; then

_hpcsh_loaded=$$ _hpcsh_sized='' _hpcsh_histfile=''
# One look for functions and aliases with names like ours: act, mdcd, cdr, waitvllm, deactivate. What it finds beside them
# costs time, and nothing else.
if \builtin compgen -A function -A alias -X '![acdmw][acde][acdirt]*'; then
  _hpcsh_call theirs _hpcsh_call prompt _hpcsh_keep
fi >/dev/null
# Now, since bash reads and cuts the file when the rc file has been read; what it has not filled in nobody has chosen.
[[ -z ${_hpcsh_data[2]} || -n ${HISTSIZE+1}${HISTFILESIZE+1} ]] || HISTSIZE=${_hpcsh_data[2]} HISTFILESIZE=$HISTSIZE _hpcsh_sized=1
if [[ -n ${_hpcsh_data[3]} && ${HISTFILE-} == "${HOME-}/.bash_history" ]]; then
  _hpcsh_histfile=$HISTFILE HISTFILE=${_hpcsh_data[3]}
  [[ -z ${_hpcsh_data[4]} || -z $_hpcsh_reader$_hpcsh_login ]] || _hpcsh_call storage _hpcsh_history
fi
# Behind everybody's. What it was is put back; a readonly one, as audits set it, is left alone: then there is no first prompt.
# Where nobody has one, others may still assign the first element of the array.
if [[ -n ${PROMPT_COMMAND[*]+1} || $BASH_VERSION != 5.[1-9]* ]]; then
  _hpcsh_call theirs _hpcsh_append
else
  PROMPT_COMMAND[99]=_hpcsh_precmd _hpcsh_hooked=''
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
  \command "${_hpcsh_data[5]}" wait "$@"
}

# Takes back everything that hpcsh brought, and puts back what was there before.
function hpcsh_off {
  _hpcsh_call prompt _hpcsh_call more _hpcsh_off
}

fi
\builtin true
