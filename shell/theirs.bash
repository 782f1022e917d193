# hpcsh for bash: what the user has already. `_hpcsh_call theirs` gets it. The rules are those of hpcsh.bash.

# What shellcheck cannot see: the other files assign (2154), and read what is assigned here (2034).
# shellcheck disable=SC2154,SC2034

# --- mirrors

# What holds only while the node is offline a mirror may leave out: a tool with one is neither cut off from it nor told to try only once.
# The program knows those that the configuration names, and left out what they leave out; in the environment stand others.
#
# _hpcsh_mirrors, which stands before this, has lines `NAME NAME=MIRROR MIRROR`; _hpcsh_explicit, the names that the configuration gives
# a value itself.

# Puts into _hpcsh_mirrored the names, with blanks around them, that mirrors of the user's leave out. The exported variables may have any
# name, and so none of our own is a plain word.
function _hpcsh_find_mirrored {
  \local IFS=$'\n' "_hpcsh_globbing=$-" _hpcsh_group _hpcsh_name
  _hpcsh_mirrored=' '
  \set -f
  for _hpcsh_group in $_hpcsh_mirrors; do
    IFS=' '
    # shellcheck disable=SC2086
    \set -- ${_hpcsh_group#*=}
    while [[ $# -gt 0 ]]; do
      if [[ $1 == *\* ]]; then
        # shellcheck disable=SC2086
        \set -- ${!CARGO_REGISTRIES_@} "${@:2}"
      elif [[ -n ${!1-} && ${HPCSH_EXPORTS-} != *$'\x1f'"$1=${!1-}"$'\x1f'* ]]; then
        for _hpcsh_name in ${_hpcsh_group%%=*}; do
          [[ $_hpcsh_explicit == *" $_hpcsh_name "* ]] || _hpcsh_mirrored+="$_hpcsh_name "
        done
        \break
      else
        \shift
      fi
    done
  done
  [[ $_hpcsh_globbing == *f* ]] || \set +f
}

# Takes out of _hpcsh_records what mirrors leave out.
function _hpcsh_spare {
  \local IFS=' ' _hpcsh_name _hpcsh_rest
  _hpcsh_find_mirrored
  for _hpcsh_name in $_hpcsh_mirrored; do
    _hpcsh_rest=$'\x1f'$_hpcsh_records
    if [[ $_hpcsh_rest == *$'\x1f'"$_hpcsh_name="* ]]; then
      _hpcsh_records=${_hpcsh_rest%%$'\x1f'"$_hpcsh_name="*}$'\x1f'
      _hpcsh_rest=${_hpcsh_rest#*$'\x1f'"$_hpcsh_name="}
      _hpcsh_records=${_hpcsh_records#$'\x1f'}${_hpcsh_rest#*$'\x1f'}
    fi
  done
}

# Whether we have exported something that a mirror leaves out, which an rc file has named behind our line.
function _hpcsh_has_mirrored {
  \local IFS=' ' _hpcsh_name
  _hpcsh_find_mirrored
  for _hpcsh_name in $_hpcsh_mirrored; do
    if [[ ${HPCSH_EXPORTS-} == *$'\x1f'"$_hpcsh_name="* ]]; then
      \return 0
    fi
  done
  \return 1
}

# --- our names, and the hook

# Remembers what the user has under our names, for hpcsh_off, and takes aliases out of the way of our functions.
function _hpcsh_keep {
  \local name REPLY
  for name in act mdcd cdr waitvllm deactivate; do
    if \builtin declare -f "$name" >/dev/null; then
      _hpcsh_capture declare -f "$name"
      _hpcsh_undo+=(function "$name" "$REPLY")
    fi
    if [[ -n ${BASH_ALIASES[$name]+1} ]]; then
      _hpcsh_undo+=(alias "$name" "${BASH_ALIASES[$name]}")
      \builtin unalias "$name"
    fi
  done
}

# The hook where PROMPT_COMMAND is somebody's, or no array: before 5.1 it is one string. A readonly one stays as it is.
function _hpcsh_append {
  if [[ $BASH_VERSION == [1-4].* || $BASH_VERSION == 5.0.* ]]; then
    _hpcsh_hooked=
    \builtin printf -v PROMPT_COMMAND %s "${PROMPT_COMMAND:+${PROMPT_COMMAND[0]}$'\n'}_hpcsh_precmd_keeping" 2>/dev/null || \builtin true
  else
    _hpcsh_hooked=${PROMPT_COMMAND+${PROMPT_COMMAND@a}s}
    [[ $_hpcsh_hooked == *r* ]] || PROMPT_COMMAND+=(_hpcsh_precmd)
  fi
}

# What stands there: of commands in one string, each leaves its status to the next. From 5.1 on each element of the array sees the
# status of the command line, whatever the others return.
function _hpcsh_precmd_keeping {
  \local "status=$?"
  _hpcsh_precmd
  [[ $- == *e* ]] || \return "$status"
}

_hpcsh_parts="${_hpcsh_parts-} theirs "
