# hpcsh for zsh: what is seldom needed. `hpcsh init zsh --more` prints it, and a function of hpcsh.zsh evaluates that when
# it needs it. The rules are those of hpcsh.zsh, but for processes, which are allowed here.

# Says why the environment $1 has no Python that could run.
function _hpcsh_no_python {
  \builtin emulate -L zsh
  \local "python=$1/bin/python"
  if [[ -L $python ]]; then
    _hpcsh_error "$python leads to $(\command readlink -m -- "$python"), which is not on this node" \
      "it was made on another node without a shared UV_PYTHON_INSTALL_DIR; make it again: uv venv --clear ${(q)1}"
  else
    _hpcsh_error "$1 has no bin/python"
  fi
}

# conda and mamba run the scripts of an environment's packages, so they enter it by their own `activate`.
function _hpcsh_enter_conda {
  \builtin emulate -L zsh
  \local name
  for name in conda mamba micromamba; do
    if \builtin typeset -f $name >/dev/null; then
      $name activate "$1"
      \return
    fi
  done
  for name in "${${CONDA_EXE-}:h:h}" "$1" "${1:h:h}"; do
    if [[ -f $name/bin/activate ]]; then
      \builtin source "$name/bin/activate" "$1"
      \return
    fi
  done
  _hpcsh_error "$1 is a conda environment, and this shell knows no conda" 'run the shell hook of conda or mamba first'
}

# Takes back everything that this file brought, and puts back what was there before.
function _hpcsh_off {
  \builtin emulate -L zsh
  _hpcsh_leave
  for REPLY in "${(@ps:\x1f:)HPCSH_EXPORTS-}"; do
    case $REPLY in
      PATH+=*) _hpcsh_path_remove "${REPLY#*=}" ;;
      ?*) _hpcsh_release "$REPLY" ;;
    esac
  done
  precmd_functions=("${(@)precmd_functions:#_hpcsh_precmd}")
  \set -- "${_hpcsh_undo[@]}"
  while (( $# )); do
    case $1 in
      function) functions[$2]=$3 ;;
      nofunction) \builtin unset -f "$2" 2>/dev/null ;;
      alias) aliases[$2]=$3 ;;
      noalias) \builtin unalias "$2" 2>/dev/null ;;
      parameter) \builtin typeset -g "$2=$3" ;;
      noparameter) \builtin unset "$2" ;;
      key) \builtin bindkey "$2" "$3" ;;
    esac
    \shift 3
  done
  \builtin unset HPCSH_EXPORTS
  \builtin unset -m '_hpcsh_*'
  \builtin unfunction -m '_hpcsh_*' hpcsh_off
}
