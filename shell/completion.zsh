# hpcsh for zsh: what TAB brings. `_hpcsh_complete` gets it at the first one behind a word of ours, with the text of
# completions/_hpcsh in front of it, which completes `hpcsh` itself. The rules are those of hpcsh.zsh, but that zsh's
# completion system has set the options: `_arguments` and `_path_files` want those.

# Completes the words of the command $service.
function _hpcsh_completion {
  case $service in
    act) _hpcsh_environments ;;
    mdcd | cdr) _path_files -/ ;;
    waitvllm)
      words=(hpcsh wait "${(@)words[2,-1]}")
      (( CURRENT += 1 ))
      _hpcsh
      ;;
    *)
      if [[ ${words[2]-} == hf && ${words[3]-} == (path|check) && $CURRENT -gt 3 && ${words[CURRENT-1]} != --* && ${words[CURRENT]} != -* ]]; then
        _hpcsh_models
      else
        _hpcsh
      fi
      ;;
  esac
}

# The names of the models in the cache: one look at one directory, which the program gives up where the storage hangs.
function _hpcsh_models {
  \local -a names
  names=("${(@f)$(\command "$_hpcsh_program" hf ls --names 2>/dev/null)}")
  compadd -- "${(@)names:#}"
}

# Directories that `act` would enter; where none begins so, all, since one may be on the way. Deeper than that nobody
# looks: on shared storage each look costs a millisecond.
function _hpcsh_environments {
  _path_files -g '*(-/+_hpcsh_is_environment)' || _path_files -/
}

# Whether the file REPLY of a pattern is one of them.
function _hpcsh_is_environment {
  \local "dir=$REPLY" REPLY
  _hpcsh_call more _hpcsh_find "$dir"
}

_comps[hpcsh]=_hpcsh_completion
_comps[waitvllm]=_hpcsh_completion
_comps[act]=_hpcsh_completion
_comps[mdcd]=_hpcsh_completion
_comps[cdr]=_hpcsh_completion
