# hpcsh for bash: what is seldom needed. `hpcsh init bash --more` prints it, and a function of hpcsh.bash evaluates that when
# it needs it. The rules are those of hpcsh.bash, but for processes, which are allowed here.

# What shellcheck cannot see: `\local` and the other file assign (2154). An earlier alias is put back as it was (2139).
# shellcheck disable=SC2154,SC2139

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

# Takes back everything that this file brought, and puts back what was there before.
function _hpcsh_off {
  \local REPLY "all=${HPCSH_EXPORTS-}"
  _hpcsh_leave
  while [[ -n $all ]]; do
    REPLY=${all%%$'\x1f'*}
    all=${all#"$REPLY"}
    all=${all#$'\x1f'}
    case $REPLY in
      PATH+=*) _hpcsh_path_remove "${REPLY#*=}" ;;
      ?*) _hpcsh_release "$REPLY" ;;
    esac
  done
  _hpcsh_unhook
  \set -- "${_hpcsh_undo[@]}"
  while [[ $# -gt 0 ]]; do
    case $1 in
      function) \builtin eval "$3" ;;
      nofunction) \builtin unset -f "$2" ;;
      alias) \builtin alias "$2=$3" ;;
      noalias) \builtin unalias "$2" 2>/dev/null || : ;;
      variable) \builtin printf -v "$2" %s "$3" ;;
      novariable) \builtin unset -v "$2" ;;
      key) \builtin bind "$2" ;;
    esac
    \shift 3
  done
  \builtin unset -v HPCSH_EXPORTS "${!_hpcsh_@}"
  \local IFS=$'\n'
  for REPLY in $(\builtin compgen -A function _hpcsh_); do
    \builtin unset -f "$REPLY"
  done
  \builtin unset -f hpcsh_off
}
