# hpcsh for zsh (5.0.2 or newer): what every start needs. `hpcsh init zsh` prints quoted assignments of _hpcsh_* parameters
# and then this file, without its comments and indentation; nothing is ever interpolated into it. What a shell needs later
# is in prompt.zsh and more.zsh, which `_hpcsh_call` gets once: a shell reads and parses at 60 us a kilobyte, and every
# login would pay.
#
# It is evaluated under anybody's options, aliases and functions. So: `\` before every command, since aliases expand where
# a function is read; `\builtin` and `\command` before what functions shadow; `function` before names that are aliases
# somewhere; a newline before every `}`; no pattern with bare `( )`; functions that begin with `emulate -L zsh`. No process,
# no output, status 0 at the end, and the same when it is evaluated again.

# Reads the part $1 ("prompt", "more"): the node's own copy, which the program has put there, else what the program says.
function _hpcsh_part {
  \builtin emulate -L zsh
  \local copy=$_hpcsh_copy-$1.zsh
  # The first one needs the rest of the prologue.
  if [[ -z $_hpcsh_parts ]]; then
    _hpcsh_data
  fi
  if [[ -f $copy && -O $copy && -O ${copy:h} && ! -L ${copy:h} ]]; then
    \builtin source "$copy"
  else
    \builtin eval "$(\command "$_hpcsh_program" init zsh --part "$1")"
  fi
}

# Runs what follows $1, which that part defines, under the user's options.
function _hpcsh_call {
  if [[ $_hpcsh_parts != *" $1 "* ]]; then
    _hpcsh_part "$1"
  fi
  \shift
  "$@"
}

# The facts stand before the prologue: _hpcsh_fact is the node's verdict, _hpcsh_first what comes first in PATH and is not in it yet. Where
# none of the names is set, the usual login, there is nothing to compare. A shell that is not interactive has no next prompt to mend a
# verdict that is unknown, or has expired.
_hpcsh_verdict=$_hpcsh_fact
if [[ -n ${HPCSH_EXPORTS-}${HPCSH_OFFLINE-}${HPCSH_STORAGE-}${VIRTUAL_ENV-}$_hpcsh_reader$_hpcsh_taken$_hpcsh_set ]] ||
  [[ ! -o interactive && $_hpcsh_fact$_hpcsh_expired != online && $_hpcsh_fact$_hpcsh_expired != offline ]]; then
  _hpcsh_call prompt _hpcsh_begin
else
  [[ -z $_hpcsh_first ]] || PATH=$_hpcsh_first$PATH
  "_hpcsh_${_hpcsh_verdict/unknown/$_hpcsh_unknown}" "$_hpcsh_added"
fi

if [[ ! -o interactive ]]; then
  _hpcsh_data
  if [[ -n $_hpcsh_notice$_hpcsh_warning ]]; then
    \builtin print -ru2 "hpcsh: $_hpcsh_notice${_hpcsh_notice:+${_hpcsh_warning:+; }}$_hpcsh_warning"
  fi
  \builtin unset -m '_hpcsh_*'
  \builtin unfunction -m '_hpcsh_*'
else

# Read again, perhaps, with an rc file that sets zsh's clock.
if [[ -n ${_hpcsh_period-} ]]; then
  _hpcsh_pace
fi

if [[ ${_hpcsh_loaded-} != "$$" ]]; then
  \builtin typeset -g _hpcsh_loaded=$$
  \builtin typeset -ga _hpcsh_undo precmd_functions
  if \builtin typeset -f act || \builtin typeset -f mdcd || \builtin typeset -f cdr || \builtin typeset -f waitvllm ||
    \builtin typeset -f deactivate || \builtin alias act || \builtin alias mdcd || \builtin alias cdr ||
    \builtin alias waitvllm || \builtin alias deactivate; then
    _hpcsh_call prompt _hpcsh_keep
  fi >/dev/null
  precmd_functions+=(_hpcsh_precmd)
  # Before the first prompt: what only a prompt needs, and a warning. A byte on the terminal any earlier breaks Powerlevel10k's
  # instant prompt; and all of the rc file has been read, so what the user has of his own is there. What later prompts need
  # takes the place of this function.
  function _hpcsh_precmd {
    function _hpcsh_precmd {
    }
    _hpcsh_call prompt _hpcsh_first_prompt
  }
fi

function act {
  _hpcsh_call more _hpcsh_act "$@"
}

# One that its own script has entered keeps that script's way out.
if [[ -z ${_OLD_VIRTUAL_PATH+1} ]] || ! \builtin typeset -f deactivate >/dev/null; then
  function deactivate {
    _hpcsh_call more _hpcsh_deactivate "$@"
  }
fi

function mdcd {
  _hpcsh_call more _hpcsh_mdcd "$@"
}

function cdr {
  _hpcsh_call more _hpcsh_cdr "$@"
}

# Powerlevel10k's segment `hpcsh`, and what it shows before the rc file is read: the same calls, always.
function prompt_hpcsh instant_prompt_hpcsh {
  [[ -n ${_hpcsh_color-} ]] || _hpcsh_data
  p10k segment -f "${_hpcsh_color-}" -e -c '${HPCSH_PROMPT-}' -t '${HPCSH_PROMPT//\%/%%}'
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
