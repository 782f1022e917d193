# hpcsh for bash: what `act`, `deactivate`, `mdcd`, `cdr` and `hpcsh_off` do. `_hpcsh_call more` gets it at the first of them.
# The rules are those of hpcsh.bash, but for the way out and errors, which may start processes.

# What shellcheck cannot see: `\local` and the other files assign (2154), `deactivate` may be another's (2119), and users call
# it (2120, 2317). What it takes for a slip: an earlier alias is put back as it was (2139), code stays a string (2016), a status is
# passed on (2164) or not wanted (2015).
# shellcheck disable=SC2154,SC2119,SC2120,SC2317,SC2139,SC2016,SC2164,SC2015

# Says $1, with what to do about it in $2. Status 1.
function _hpcsh_error {
  \builtin printf 'Error: %s\n' "$1" >&2
  if [[ -n ${2-} ]]; then
    \builtin printf 'hint: %s\n' "$2" >&2
  fi
  \return 1
}

# --- environments

# The path $1 from the root, without `.`, `..` and doubled slashes, symlinks as they are: REPLY.
function _hpcsh_absolute {
  \local part rest
  case $1/ in
    *//* | */./* | */../*) ;;
    /*)
      REPLY=$1
      \return 0
      ;;
  esac
  [[ $1 == /* ]] && rest=$1/ || rest=$PWD/$1/
  REPLY=
  while [[ -n $rest ]]; do
    part=${rest%%/*}
    rest=${rest#*/}
    case $part in
      '' | .) ;;
      ..) REPLY=${REPLY%/*} ;;
      *) REPLY+=/$part ;;
    esac
  done
  REPLY=${REPLY:-/}
}

# Finds the environment of the directory $1, in it or it itself: REPLY. Status 1 where there is none.
function _hpcsh_find {
  for REPLY in "${1%/}/.venv" "$1"; do
    if [[ -f $REPLY/pyvenv.cfg || -f $REPLY/conda-meta/history || -f $REPLY/bin/activate ]]; then
      \return 0
    fi
  done
  \return 1
}

# Enters the environment of the directory $1; without one, the nearest upwards.
function _hpcsh_act {
  \local dir REPLY
  if [[ $# -gt 0 ]]; then
    dir=${1:-.}
    dir=${dir%/}
    dir=${dir:-/}
    if [[ ! -d $dir ]]; then
      _hpcsh_error "Directory $dir does not exist"
      \return
    fi
    _hpcsh_absolute "$dir"
    if ! _hpcsh_find "$REPLY"; then
      _hpcsh_error "Could not find activation script in $dir"
      \return
    fi
  else
    dir=$PWD
    until _hpcsh_find "${dir:-/}"; do
      if [[ -z ${dir%/} ]]; then
        _hpcsh_error 'Could not find activation script in . or above'
        \return
      fi
      dir=${dir%/*}
    done
    if [[ ${dir:-/} != "$PWD" && ! -O $REPLY ]]; then
      \builtin printf 'hpcsh: %s belongs to another user\n' "$REPLY" >&2
    fi
  fi
  # From now on it is his.
  _hpcsh_call venv _hpcsh_enter "$REPLY" && \builtin unset -v HPCSH_ENTERED
}

function _hpcsh_deactivate {
  # What a script that is sourced enters next is the user's.
  \builtin unset -v HPCSH_ENTERED
  if [[ -n ${VIRTUAL_ENV-} ]]; then
    _hpcsh_call venv _hpcsh_leave
  elif [[ ${1-} != nondestructive ]]; then
    _hpcsh_error 'no environment is active'
  fi
}

# Says why the environment $1 has no Python that could run.
function _hpcsh_no_python {
  \local "python=$1/bin/python"
  if [[ -L $python ]]; then
    \builtin printf -v REPLY %q "$1"
    _hpcsh_error "$python leads to $(\command readlink -m -- "$python"), which is not on this node" \
      "it was made on another node without a shared UV_PYTHON_INSTALL_DIR; make it again: uv venv --clear $REPLY"
  else
    _hpcsh_error "$1 has no bin/python"
  fi
}

# conda and mamba run the scripts of an environment's packages, so they enter it by their own `activate`.
function _hpcsh_enter_conda {
  \local name "base=${CONDA_EXE-}"
  for name in conda mamba micromamba; do
    if \builtin declare -f $name >/dev/null; then
      $name activate "$1"
      \return
    fi
  done
  base=${base%/*}
  for name in "${base%/*}" "$1" "${1%/*/*}"; do
    if [[ -f $name/bin/activate ]]; then
      \builtin source "$name/bin/activate" "$1"
      \return
    fi
  done
  _hpcsh_error "$1 is a conda environment, and this shell knows no conda" 'run the shell hook of conda or mamba first'
}

# --- directories

# Makes the directory $1 and enters it.
function _hpcsh_mdcd {
  if [[ $# -ne 1 || -z $1 ]]; then
    _hpcsh_error 'mdcd takes the name of one directory'
    \return
  fi
  # `./` keeps a leading dash, and CDPATH, out of it.
  case $1 in
    /*) ;;
    *) \set -- "./$1" ;;
  esac
  \command mkdir -p -- "$1" && \builtin cd -- "$1"
}

# Enters the real path of the directory $1, or of here.
function _hpcsh_cdr {
  case ${1-.} in
    /* | -) ;;
    *) \set -- "./${1-.}" ;;
  esac
  \builtin cd -P -- "$1"
}

# --- inference servers

# Waits until they are ready.
function _hpcsh_wait {
  \command "$_hpcsh_program" wait "$@"
}

# --- the way out

# Takes back everything that hpcsh brought, and puts back what was there before.
function _hpcsh_off {
  # What it brought may not be there yet, nor the list of what to put back.
  _hpcsh_call prompt builtin :
  # What the user entered by its own script is his.
  if [[ ${_hpcsh_venv-} == "${VIRTUAL_ENV-}" || ${HPCSH_ENTERED-} == "${VIRTUAL_ENV-}" ]]; then
    _hpcsh_call venv _hpcsh_leave
  fi
  _hpcsh_call variables _hpcsh_each _hpcsh_take_back "${HPCSH_EXPORTS-}"
  _hpcsh_unhook
  # The node, wherever others have put things around it.
  PS1=${PS1/"${_hpcsh_segment-}"/}
  \builtin unset -f act deactivate mdcd cdr waitvllm hpcsh_off _hpcsh
  # What the user has made of them since stays.
  if [[ ${_hpcsh_sized-} == "$$" && ${HISTSIZE-} == "$_hpcsh_history_size" ]]; then
    \builtin unset -v HISTSIZE
  fi
  if [[ ${_hpcsh_sized-} == "$$" && (-z ${HISTFILESIZE-} || $HISTFILESIZE == "$_hpcsh_history_size") ]]; then
    \builtin unset -v HISTFILESIZE
  fi
  if [[ ${_hpcsh_moved-} == "$$" && (-z ${HISTFILE-} || $HISTFILE == "$_hpcsh_history_file") ]]; then
    HISTFILE=${HOME-}/.bash_history
  fi
  \set -- ${_hpcsh_undo[@]+"${_hpcsh_undo[@]}"}
  while [[ $# -gt 0 ]]; do
    case $1 in
      function | completion) \builtin eval "$3" ;;
      alias) \builtin alias "$2=$3" ;;
      made) \builtin unalias "$2" 2>/dev/null || \builtin unset -f "$2" ;;
      key) \builtin bind "$2" ;;
      uncomplete) \builtin complete -r hpcsh waitvllm act mdcd cdr 2>/dev/null || \builtin true ;;
    esac
    \shift 3
  done
  \builtin unset -v HPCSH_EXPORTS HPCSH_ENTERED HPCSH_NODE HPCSH_STORAGE HPCSH_PROMPT
  _hpcsh_call variables _hpcsh_forget
}

# Takes our hook out, wherever it is.
function _hpcsh_unhook {
  \local at
  if [[ -z ${PROMPT_COMMAND[*]+x} ]]; then
    \return 0
  fi
  if [[ $BASH_VERSION == [1-4].* || $BASH_VERSION == 5.0.* ]]; then
    # A string, and no subscript: to assign by one makes an array of it, which others' code then takes for a list of commands,
    # and bash before 4.4 unsets no string by one.
    case $PROMPT_COMMAND in
      _hpcsh_precmd_keeping) \builtin unset -v PROMPT_COMMAND ;;
      *$'\n'_hpcsh_precmd_keeping) PROMPT_COMMAND=${PROMPT_COMMAND%$'\n'*} ;;
      *_hpcsh_precmd_keeping*) PROMPT_COMMAND=${PROMPT_COMMAND//_hpcsh_precmd_keeping/:} ;;
    esac
    \return 0
  else
    for at in "${!PROMPT_COMMAND[@]}"; do
      if [[ ${PROMPT_COMMAND[at]} == _hpcsh_precmd ]]; then
        \builtin unset -v "PROMPT_COMMAND[$at]"
      fi
    done
  fi
  # As it was before: unset, or a string, exported or not.
  if [[ -z ${_hpcsh_hooked-} && ${#PROMPT_COMMAND[@]} -eq 0 ]]; then
    \builtin unset -v PROMPT_COMMAND
  elif [[ -n ${_hpcsh_hooked-} && $_hpcsh_hooked != *[ar]* && ${#PROMPT_COMMAND[@]} -eq 1 ]]; then
    at=${PROMPT_COMMAND[0]-}
    \builtin unset -v PROMPT_COMMAND
    PROMPT_COMMAND=$at
    if [[ $_hpcsh_hooked == *x* ]]; then
      \builtin export PROMPT_COMMAND
    fi
  fi
}

# Takes back what the record $1 stands for.
function _hpcsh_take_back {
  case $1 in
    PATH+=*) _hpcsh_call venv _hpcsh_path_remove "${1#*=}" ;;
    *) _hpcsh_release "$1" ;;
  esac
}

_hpcsh_parts="${_hpcsh_parts-} more "
