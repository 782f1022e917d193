# hpcsh for zsh: what `act`, `deactivate`, `mdcd`, `cdr` and `hpcsh_off` do. `_hpcsh_call more` gets it at the first of them.
# The rules are those of hpcsh.zsh, but for the way out and errors, which may start processes; and `emulate -L zsh`, which is dear,
# is left to those functions that the user calls.

# Says $1, with what to do about it in $2. Status 1.
function _hpcsh_error {
  \builtin print -ru2 "Error: $1"
  if [[ -n ${2-} ]]; then
    \builtin print -ru2 "hint: $2"
  fi
  \return 1
}

# --- environments

# Finds the environment of the directory $1, in it or it itself: REPLY. Status 1 where there is none.
function _hpcsh_find {
  for REPLY in "${1%/}/.venv" "$1"; do
    if [[ -f $REPLY/pyvenv.cfg || -f $REPLY/conda-meta/history || -f $REPLY/bin/activate ]]; then
      \return 0
    fi
  done
  \return 1
}

# Takes $1 out of PATH.
function _hpcsh_path_remove {
  \local all
  [[ -n $1 ]] || \return 0
  if [[ $PATH == "$1:"* ]]; then
    PATH=${PATH#"$1:"}
  fi
  while [[ :$PATH: == *":$1:"* ]]; do
    all=:$PATH:
    all=${all%%":$1:"*}:${all#*":$1:"}
    all=${all#:}
    PATH=${all%:}
  done
}

# Enters the environment of the directory $1; without one, the nearest upwards.
function _hpcsh_act {
  \builtin emulate -L zsh
  \local dir REPLY
  if (( $# )); then
    dir=${1:-.}
    dir=${dir%/}
    dir=${dir:-/}
    if [[ ! -d $dir ]]; then
      _hpcsh_error "Directory $dir does not exist"
      \return
    elif ! _hpcsh_find "${dir:a}"; then
      _hpcsh_error "Could not find activation script in $dir"
      \return
    fi
  else
    dir=$PWD
    until _hpcsh_find "$dir"; do
      if [[ $dir == / ]]; then
        _hpcsh_error 'Could not find activation script in . or above'
        \return
      fi
      dir=${dir:h}
    done
    if [[ $dir != "$PWD" && ! -O $REPLY ]]; then
      \builtin print -ru2 "hpcsh: $REPLY belongs to another user"
    fi
  fi
  # From now on it is his.
  _hpcsh_enter "$REPLY" && \builtin unset HPCSH_ENTERED
}

# Enters the environment $1: natively where it has a pyvenv.cfg, so that no code of its own runs; with $2, natively or not at
# all, since what it has may have changed since somebody looked.
function _hpcsh_enter {
  \local "venv=$1" "label=${1:t}" line
  if [[ -n ${2-} ]]; then
    [[ -f $venv/pyvenv.cfg && -e $venv/bin/python ]] || \return
  elif [[ -f $venv/conda-meta/history ]]; then
    _hpcsh_leave
    _hpcsh_enter_conda "$venv"
    \return
  elif [[ ! -f $venv/pyvenv.cfg ]]; then
    _hpcsh_leave
    \builtin source "$venv/bin/activate"
    \return
  elif [[ ! -e $venv/bin/python ]]; then
    _hpcsh_no_python "$venv"
    \return
  fi
  # `prompt = NAME`: bare from uv, quoted by repr() from venv, in double quotes from virtualenv.
  for line in "${(@f)$(<$venv/pyvenv.cfg)}"; do
    if [[ ${line%%[[:blank:]=]*} == prompt && $line == *=* ]]; then
      line=${line#*=}
      line=${line#"${line%%[^[:blank:]]*}"}
      line=${line%"${line##*[^[:space:]]}"}
      if [[ $line == \'*\' || $line == \"*\" ]]; then
        line=${line[2,-2]}
      fi
      label=$line
    fi
  done
  _hpcsh_switch "$venv" "$label"
}

# An activation script that was sourced meanwhile has replaced or removed it.
function _hpcsh_claim {
  function deactivate {
    _hpcsh_call more _hpcsh_deactivate "$@"
  }
}

# Leaves what is active and enters the environment $1, whose label is $2.
function _hpcsh_switch {
  \local "venv=$1" "label=$2"
  if [[ -n ${VIRTUAL_ENV-} ]]; then
    _hpcsh_leave
  fi
  # Under the names that the environments' own scripts use: one that is sourced over ours puts these back first.
  \builtin typeset -g "_OLD_VIRTUAL_PATH=$PATH" "_OLD_VIRTUAL_PS1=${PS1-}"
  if (( ${+PYTHONHOME} )); then
    \builtin typeset -g "_OLD_VIRTUAL_PYTHONHOME=$PYTHONHOME"
    \builtin unset PYTHONHOME
  fi
  \builtin export "VIRTUAL_ENV=$venv" "VIRTUAL_ENV_PROMPT=$label"
  \builtin typeset -g "_hpcsh_venv=$venv"
  PATH=$venv/bin:$PATH
  if [[ -z ${VIRTUAL_ENV_DISABLE_PROMPT-} && $_hpcsh_switches == *' label '* ]]; then
    # An element of psvar is shown as it is; the same text in PS1 would be taken for code.
    psvar[9]=$label
    PS1="(%9v) ${PS1-}"
  fi
  _hpcsh_claim
}

function _hpcsh_deactivate {
  \builtin emulate -L zsh
  # What a script that is sourced enters next is the user's; what is active now was still ours.
  _hpcsh_venv=${HPCSH_ENTERED:-${_hpcsh_venv-}}
  \builtin unset HPCSH_ENTERED
  if [[ -n ${VIRTUAL_ENV-} ]]; then
    _hpcsh_leave
  elif [[ ${1-} != nondestructive ]]; then
    _hpcsh_error 'no environment is active'
  fi
}

# Leaves the active environment, whoever entered it. What was added to PATH since then stays.
function _hpcsh_leave {
  if [[ -z ${VIRTUAL_ENV-} ]]; then
    \return 0
  elif [[ -z ${_hpcsh_leaving-} && ${_hpcsh_venv-} != "$VIRTUAL_ENV" && ${HPCSH_ENTERED-} != "$VIRTUAL_ENV" &&
    -n ${_OLD_VIRTUAL_PATH+1} ]]; then
    # Entered by its own script, which left its own way out; should that be ours by now, it comes back here.
    \local _hpcsh_leaving=1
    deactivate
    \return 0
  fi
  PATH=${PATH#"$VIRTUAL_ENV/bin:"}
  if [[ :$PATH: == *":$VIRTUAL_ENV/bin:"* ]]; then
    _hpcsh_path_remove "$VIRTUAL_ENV/bin"
  fi
  # A label in front goes; a prompt that somebody has made anew stays.
  if [[ -n ${_OLD_VIRTUAL_PS1+1} && ${PS1-} == *"$_OLD_VIRTUAL_PS1" ]]; then
    PS1=$_OLD_VIRTUAL_PS1
    # The node may have been put in front since then.
    if [[ -n ${HPCSH_PROMPT-} && $PS1 != *%10v* ]]; then
      _hpcsh_call prompt _hpcsh_show
    fi
  fi
  psvar[9]=
  if (( ${+_OLD_VIRTUAL_PYTHONHOME} )); then
    \builtin export "PYTHONHOME=$_OLD_VIRTUAL_PYTHONHOME"
  fi
  \builtin unset VIRTUAL_ENV VIRTUAL_ENV_PROMPT _OLD_VIRTUAL_PATH _OLD_VIRTUAL_PS1 _OLD_VIRTUAL_PYTHONHOME _hpcsh_venv
}

# Says why the environment $1 has no Python that could run.
function _hpcsh_no_python {
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

# --- directories

# Makes the directory $1 and enters it. The user's options stay: `cd` runs his hooks.
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

# --- the way out

# Takes back everything that hpcsh brought, and puts back what was there before.
function _hpcsh_off {
  \builtin emulate -L zsh
  # What the user entered by its own script is his.
  if [[ ${_hpcsh_venv-} == "${VIRTUAL_ENV-}" || ${HPCSH_ENTERED-} == "${VIRTUAL_ENV-}" ]]; then
    _hpcsh_leave
  fi
  for REPLY in "${(@ps:\x1f:)HPCSH_EXPORTS-}"; do
    case $REPLY in
      PATH+=*) _hpcsh_path_remove "${REPLY#*=}" ;;
      ?*) _hpcsh_release "$REPLY" ;;
    esac
  done
  precmd_functions=("${(@)precmd_functions:#_hpcsh_*}")
  chpwd_functions=("${(@)chpwd_functions:#_hpcsh_*}")
  if [[ -n ${_hpcsh_period-} ]]; then
    periodic_functions=("${(@)periodic_functions:#_hpcsh_*}")
    if [[ -z ${periodic_functions[*]} ]]; then
      \builtin unset periodic_functions
    fi
    if [[ ${PERIOD-} == "$_hpcsh_period" ]]; then
      \builtin unset PERIOD
    fi
  fi
  # The node, wherever others have put things around it.
  PS1=${PS1/"${_hpcsh_segment-}"/}
  RPS1=${${RPS1-}/"${_hpcsh_segment-}"/}
  psvar[9]= psvar[10]=
  \builtin unfunction act deactivate mdcd cdr waitvllm prompt_hpcsh instant_prompt_hpcsh _hpcsh 2>/dev/null
  \set -- "${_hpcsh_undo[@]}"
  while (( $# )); do
    case $1 in
      function) functions[$2]=$3 ;;
      alias) aliases[$2]=$3 ;;
      made) \builtin unalias "$2" 2>/dev/null || \builtin unset -f "$2" 2>/dev/null ;;
      set) \builtin typeset -g "$2=$3" ;;
      unset) \builtin unset "$2" ;;
      key) \builtin bindkey "$2" "$3" ;;
      completion)
        \builtin unset "_comps[$2]"
        if [[ -n $3 ]]; then
          _comps[$2]=$3
        fi
        ;;
    esac
    \shift 3
  done
  \builtin unset HPCSH_EXPORTS HPCSH_ENTERED HPCSH_NODE HPCSH_STORAGE HPCSH_PROMPT
  \builtin unset -m '_hpcsh_*'
  \builtin unfunction -m '_hpcsh_*' hpcsh_off
}

\builtin typeset -g "_hpcsh_parts=${_hpcsh_parts-} more "
