# hpcsh for bash: an environment entered and left, natively. `_hpcsh_call venv` gets it at the first of them. The rules are those of
# hpcsh.bash.

# What shellcheck cannot see: `\local` and the other files assign (2154), `deactivate` may be another's (2119), and users call it (2120,
# 2317). What it takes for a slip: a single-quoted expansion, which the prompt makes (2016).
# shellcheck disable=SC2154,SC2119,SC2120,SC2317,SC2016

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

# Enters the environment $1: natively where it has a pyvenv.cfg, so that no code of its own runs; with $2, natively or not at
# all, since what it has may have changed since somebody looked.
function _hpcsh_enter {
  \local "venv=$1" "label=${1##*/}" line _hpcsh_lines
  if [[ -n ${2-} ]]; then
    [[ -f $venv/pyvenv.cfg && -e $venv/bin/python ]] || \return
  elif [[ -f $venv/conda-meta/history ]]; then
    _hpcsh_leave
    _hpcsh_call more _hpcsh_enter_conda "$venv"
    \return
  elif [[ ! -f $venv/pyvenv.cfg ]]; then
    _hpcsh_leave
    \builtin source "$venv/bin/activate"
    \return
  elif [[ ! -e $venv/bin/python ]]; then
    _hpcsh_call more _hpcsh_no_python "$venv"
    \return
  fi
  # `prompt = NAME`: bare from uv, quoted by repr() from venv, in double quotes from virtualenv.
  \builtin mapfile -t _hpcsh_lines <"$venv/pyvenv.cfg"
  for line in ${_hpcsh_lines[@]+"${_hpcsh_lines[@]}"}; do
    case $line in
      prompt[[:blank:]]*=* | prompt=*)
        line=${line#*=}
        line=${line#"${line%%[^[:blank:]]*}"}
        line=${line%"${line##*[^[:space:]]}"}
        if [[ $line == \'*\' || $line == \"*\" ]]; then
          line=${line:1:${#line}-2}
        fi
        label=$line
        ;;
    esac
  done
  _hpcsh_leave
  # Under the names that the environments' own scripts use: one that is sourced over ours puts these back first.
  _OLD_VIRTUAL_PATH=$PATH _OLD_VIRTUAL_PS1=${PS1-}
  if [[ -n ${PYTHONHOME+x} ]]; then
    _OLD_VIRTUAL_PYTHONHOME=$PYTHONHOME
    \builtin unset -v PYTHONHOME
  fi
  \builtin export "VIRTUAL_ENV=$venv" "VIRTUAL_ENV_PROMPT=$label"
  _hpcsh_venv=$venv
  PATH=$venv/bin:$PATH
  if [[ -z ${VIRTUAL_ENV_DISABLE_PROMPT-} && $_hpcsh_switches == *' label '* ]] && \builtin shopt -q promptvars; then
    # The value of a variable is shown as it is; the same text in PS1 would be taken for code.
    PS1='(${VIRTUAL_ENV_PROMPT-}) '${PS1-}
  fi
  _hpcsh_claim
}

# In a function of its own, since an activation script that is sourced meanwhile replaces and removes `deactivate`.
function _hpcsh_claim {
  function deactivate {
    _hpcsh_call more _hpcsh_deactivate "$@"
  }
}

# Leaves the active environment, whoever entered it. What was added to PATH since then stays.
function _hpcsh_leave {
  if [[ -z ${VIRTUAL_ENV-} ]]; then
    \return 0
  elif [[ -z ${_hpcsh_leaving-} && ${_hpcsh_venv-} != "$VIRTUAL_ENV" && -n ${_OLD_VIRTUAL_PATH+x} ]]; then
    # Entered by its own script, which left its own way out; should that be ours by now, it comes back here.
    \local _hpcsh_leaving=1
    deactivate
    \return 0
  fi
  _hpcsh_path_remove "$VIRTUAL_ENV/bin"
  # A label in front goes; a prompt that somebody has made anew stays.
  if [[ -n ${_OLD_VIRTUAL_PS1+x} && ${PS1-} == *"$_OLD_VIRTUAL_PS1" ]]; then
    PS1=$_OLD_VIRTUAL_PS1
    # The node may have been put in front since then.
    if [[ -n ${HPCSH_PROMPT-} ]]; then
      _hpcsh_call prompt _hpcsh_show
    fi
  fi
  if [[ -n ${_OLD_VIRTUAL_PYTHONHOME+x} ]]; then
    \builtin export "PYTHONHOME=$_OLD_VIRTUAL_PYTHONHOME"
  fi
  \builtin unset -v VIRTUAL_ENV VIRTUAL_ENV_PROMPT _OLD_VIRTUAL_PATH _OLD_VIRTUAL_PS1 _OLD_VIRTUAL_PYTHONHOME _hpcsh_venv
}

_hpcsh_parts="${_hpcsh_parts-} venv "
