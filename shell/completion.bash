# hpcsh for bash: what TAB brings. `_hpcsh_complete` gets it at the first one behind a word of ours, with the text of
# completions/hpcsh.bash in front of it, which completes `hpcsh` itself. The rules are those of hpcsh.bash, but that a TAB may
# start processes.

# What shellcheck cannot see: `\local` and bash assign (2154), the other files define.
# shellcheck disable=SC2154

# Completes $2, which stands behind $3, a word of the command $1.
function _hpcsh_completion {
  \local IFS=$' \t\n'
  case ${1##*/} in
    act) _hpcsh_environments "$2" ;;
    waitvllm)
      \set -- "$2" "$3" "${COMP_WORDS[@]:1}"
      \local "COMP_CWORD=$((COMP_CWORD + 1))" COMP_WORDS
      COMP_WORDS=(hpcsh wait "${@:3}")
      _hpcsh hpcsh "$1" "$2"
      ;;
    *)
      if [[ ${COMP_WORDS[1]-} == hf && ${COMP_WORDS[2]-} == @(path|check) && $COMP_CWORD -gt 2 && $3 != --* && $2 != -* ]]; then
        _hpcsh_models "$2"
      else
        _hpcsh "$@"
      fi
      ;;
  esac 2>/dev/null || \builtin true
}

# The names of the models in the cache that begin with $1: one look at one directory, which the program gives up where the
# storage hangs.
function _hpcsh_models {
  \local name names
  COMPREPLY=()
  \builtin mapfile -t names <<<"$(\command "$_hpcsh_program" hf ls --names)"
  for name in "${names[@]}"; do
    if [[ -n $name && $name == "$1"* ]]; then
      COMPREPLY+=("$name")
    fi
  done
}

# The directories beginning with $1 that `act` would enter; where there are none, bash offers all (`-o dirnames`), since one
# may be on the way. Deeper than that nobody looks: on shared storage each look costs a millisecond.
function _hpcsh_environments {
  \local dir dirs "held=" REPLY
  COMPREPLY=()
  \builtin mapfile -t dirs <<<"$(\builtin compgen -A directory -- "$1")"
  for dir in ${dirs[@]+"${dirs[@]}"}; do
    # What is no directory is one line of a name that goes over several.
    dir=$held$dir
    held=
    REPLY=$dir
    if [[ $dir == \~/* ]]; then
      REPLY=${HOME-}/${dir#*/}
    fi
    if [[ ! -d $REPLY ]]; then
      held=$dir$'\n'
    elif _hpcsh_call more _hpcsh_find "$REPLY"; then
      COMPREPLY+=("$dir")
    fi
  done
}

# The text in front has registered its own function, which would run under any IFS.
\builtin complete -F _hpcsh_completion hpcsh waitvllm
\builtin complete -o filenames -o dirnames -F _hpcsh_completion act
