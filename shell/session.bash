# hpcsh for bash: the hook and the functions, of each login of an interactive shell; it stands last. The rules are those of hpcsh.bash.

# What shellcheck cannot see: the assignments above it (2154), and who reads these (2034), the callers of functions that users call (2119,
# 2120). What it takes for a slip: a status that is not wanted (2015).
# shellcheck disable=SC2154,SC2119,SC2120,SC2015,SC2034

# Behind everybody's. What it was is put back; a readonly one, as audits set it, is left alone: then there is no first prompt.
# Where nobody has one, others may still assign the first element of the array.
[[ ${PROMPT_COMMAND[*]+1}$BASH_VERSION == 5.[1-9]* ]] && PROMPT_COMMAND[99]=_hpcsh_precmd || _hpcsh_call theirs _hpcsh_append

# Before the first prompt: what only a prompt needs, and a warning. All of the rc file has been read by then, so what the user
# has of his own is there. What later prompts need takes the place of this function.
function _hpcsh_precmd {
  _hpcsh_call prompt _hpcsh_first_prompt "$?"
}

function act {
  _hpcsh_call more _hpcsh_act "$@"
}

function mdcd {
  _hpcsh_call more _hpcsh_mdcd "$@"
}

function cdr {
  _hpcsh_call more _hpcsh_cdr "$@"
}

function waitvllm {
  _hpcsh_call more _hpcsh_wait "$@"
}

# Takes back everything that hpcsh brought, and puts back what was there before.
function hpcsh_off {
  _hpcsh_call more _hpcsh_off
}
