# hpcsh for zsh (5.0.2 or newer): what every start needs. `hpcsh init zsh` prints quoted assignments of _hpcsh_* parameters
# and then this file, without its comments and indentation; nothing is ever interpolated into it. What a shell needs later
# is in prompt.zsh and more.zsh, which `_hpcsh_call` gets once: a shell reads and parses at 60 us a kilobyte, and every
# login would pay.
#
# It is evaluated under anybody's options, aliases and functions. So: `\` before every command, since aliases expand where
# a function is read; `\builtin` and `\command` before what functions shadow; `function` before names that are aliases
# somewhere; a newline before every `}`; no pattern with bare `( )`; functions that begin with `emulate -L zsh`. No process,
# no output, status 0 at the end, and the same when it is evaluated again.

# Exports what the prologue's _hpcsh_always and _hpcsh_$1 assign. HPCSH_EXPORTS tells which values are ours, to later calls and to
# nested shells: those, and $2. HPCSH_NODE is the verdict, for other programs.
function _hpcsh_export {
  \builtin setopt local_options all_export no_warn_create_global
  _hpcsh_always
  "_hpcsh_$1"
  \builtin set -- "_hpcsh_records_$1" "$2"
  HPCSH_NODE=$_hpcsh_verdict HPCSH_EXPORTS=$'\x1f'$_hpcsh_records_always${(P)1}$2
}

# Reads the part $1 ("prompt", "more"): the node's own copy, which the program has put there, else what the program says.
function _hpcsh_part {
  \builtin emulate -L zsh
  \local copy=$_hpcsh_copy-$1.zsh
  if [[ -f $copy && -O $copy && -O ${copy:h} && ! -L ${copy:h} ]]; then
    \builtin source "$copy"
  else
    \builtin eval "$(\command "$_hpcsh_program" init zsh --part "$1")"
  fi
}

# Runs what follows $1, which that part defines, under the user's options.
function _hpcsh_call {
  if [[ ${_hpcsh_parts-} != *" $1 "* ]]; then
    _hpcsh_part "$1"
  fi
  \shift
  "$@"
}

# Of an outer shell that exports all that is assigned.
if [[ ${_hpcsh_loaded-} != "$$" ]]; then
  \builtin typeset -g _hpcsh_parts=
fi
# The node's facts stand before the prologue: _hpcsh_fact is its verdict. A shell that is not interactive has no next prompt to
# mend an unknown one, or one that has expired.
_hpcsh_verdict=$_hpcsh_fact
if [[ ( $_hpcsh_fact == unknown || -n $_hpcsh_expired ) && ! -o interactive ]]; then
  _hpcsh_call prompt _hpcsh_settle
fi
# The configured directories come first in PATH, where they are not in it. The marker has those that we added: _hpcsh_added.
for _hpcsh_dir in "${_hpcsh_path[@]}"; do
  if [[ :$PATH: != *":$_hpcsh_dir:"* ]]; then
    # Behind an environment that an outer shell entered, whose own python comes first.
    if [[ -n ${VIRTUAL_ENV-} && $PATH == "$VIRTUAL_ENV/bin:"* ]]; then
      PATH=$VIRTUAL_ENV/bin:$_hpcsh_dir:${PATH#"$VIRTUAL_ENV/bin:"}
    else
      PATH=$_hpcsh_dir${PATH:+:$PATH}
    fi
    _hpcsh_added+=PATH+=$_hpcsh_dir$'\x1f'
  fi
done
# Where none of the names is set, the usual login, there is nothing to compare.
if [[ -z ${HPCSH_EXPORTS-}${HPCSH_OFFLINE-}${HPCSH_STORAGE-}$_hpcsh_reader$_hpcsh_taken$_hpcsh_set ]]; then
  _hpcsh_export "${_hpcsh_verdict/unknown/$_hpcsh_unknown}" "$_hpcsh_added"
else
  _hpcsh_call prompt _hpcsh_renew
  HPCSH_EXPORTS+=$_hpcsh_added
fi
if [[ -n $_hpcsh_reader ]]; then
  _hpcsh_call prompt _hpcsh_shared_last
fi

if [[ ! -o interactive ]]; then
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

# In a function of its own, since an activation script that is sourced meanwhile replaces and removes `deactivate`.
function _hpcsh_claim {
  function deactivate {
    _hpcsh_call more _hpcsh_deactivate "$@"
  }
}
# One that its own script has entered keeps that script's way out.
if [[ -z ${_OLD_VIRTUAL_PATH+1} ]] || ! \builtin typeset -f deactivate >/dev/null; then
  _hpcsh_claim
fi

function mdcd {
  _hpcsh_call more _hpcsh_mdcd "$@"
}

function cdr {
  _hpcsh_call more _hpcsh_cdr "$@"
}

# Powerlevel10k's segment `hpcsh`, and what it shows before the rc file is read: the same calls, always.
function prompt_hpcsh instant_prompt_hpcsh {
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
