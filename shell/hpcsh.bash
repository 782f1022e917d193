# hpcsh for bash (4.2 or newer): what every start needs. `hpcsh init bash` prints quoted assignments of _hpcsh_* variables
# and then this file, without its comments and indentation; nothing is ever interpolated into it. Behind it stand history.bash, with two
# quoted words, and session.bash. What a shell needs later is in prompt.bash, more.bash and others, which `_hpcsh_call` gets once: a shell
# reads and parses at 60 us a kilobyte, and every login would pay. Before it stands how the parts are read: rest.bash, or call.bash at
# once. It is the text of a file or a function.
#
# The data stand in one array, _hpcsh_data, which bash reads from a file at a quarter of what quoted words cost. Its first elements are
# for a login: 0, the records of the variables that are always set; 6 and 7, of those that are set while online, or else, as `online` has
# six letters, `offline` and `unknown` seven. A login without the program has more: login.bash. The rest is read with the first part: 9,
# the program; 10, what the names of the parts begin with; 11 and 12, which call.bash has names for, and 13, that itself.
#
# It is evaluated under anybody's options, aliases and functions. So: `\` before every command, since aliases expand where
# a function is read; `\builtin` and `\command` before what functions shadow; `function` before names that are aliases
# somewhere; every expansion quoted and with a default (`set -u`, any IFS), in the arguments of `\local` too, which bash
# splits; no command whose failure is not looked at (`set -e`). No process, no output, status 0 at the end, and the same
# when it is evaluated again.

# What shellcheck cannot see: the prologue's assignments and those of `\local` (2154), the callers of functions that users
# call (2119, 2120), a function in a function (2317). What it takes for a slip: a status that is passed on (2164) or not
# wanted (2015), a record (2163).
# shellcheck disable=SC2154,SC2119,SC2120,SC2163,SC2164,SC2015,SC2317,SC2034

# The facts stand before the data: _hpcsh_fact is the node's verdict; _hpcsh_first, what comes first in PATH and is not in it yet. Where
# nothing is _hpcsh_taken, the usual login, the verdict is known, nobody has exported a variable of ours, nor set one that the configuration
# names itself, no value looks like a pattern, and there is nothing to compare; and a shell that is not interactive has no next prompt to
# mend a verdict.
if [[ $- != *i* || -n ${HPCSH_EXPORTS-}${HPCSH_OFFLINE-}$_hpcsh_taken || $IFS != $' \t\n' ]]; then
  _hpcsh_call variables _hpcsh_begin || \return 0
else
  # The records are NAME=VALUE with U+001F behind each. HPCSH_EXPORTS tells which values are ours, to later calls and to nested shells;
  # HPCSH_NODE is the verdict, for other programs. One string that is split is half the cost of as many words.
  IFS=$'\x1f' _hpcsh_set=${#_hpcsh_fact}
  # shellcheck disable=SC2086
  \builtin export HPCSH_EXPORTS HPCSH_NODE=$_hpcsh_fact $_hpcsh_data ${_hpcsh_data[_hpcsh_set]}
  HPCSH_EXPORTS=$IFS$_hpcsh_data${_hpcsh_data[_hpcsh_set]}$_hpcsh_added IFS=$' \t\n'
fi

# --- an interactive shell, once

_hpcsh_loaded=$$ _hpcsh_hooked=''
# One look for functions and aliases with names like ours: act, mdcd, cdr, waitvllm, deactivate. What it finds beside them
# costs time, and nothing else.
if \builtin compgen -aA function -X '![acdmw][acde][acdirt]*'; then
  _hpcsh_call theirs _hpcsh_call prompt _hpcsh_keep
fi >/dev/null
# One that its own script has entered keeps that script's way out.
[[ -n ${_OLD_VIRTUAL_PATH+1} ]] || function deactivate {
  _hpcsh_call more _hpcsh_deactivate "$@"
}
