# hpcsh for bash: an environment entered and left, natively, by hand or as enter.bash has found. `_hpcsh_call venv` gets it at the first of
# them. The rules are those of hpcsh.bash; and no process but the program's word on an environment, asked once for each visit of a project.

# What shellcheck cannot see: `\local` and the other files assign (2154), `deactivate` may be another's (2119), and users call it (2120,
# 2317), the other files read (2034). What it takes for a slip: a single-quoted expansion, which the prompt makes (2016), a status that is
# not wanted (2015).
# shellcheck disable=SC2154,SC2119,SC2120,SC2317,SC2016,SC2034,SC2015

# Takes $1 out of PATH.
function _hpcsh_path_remove {
  \local all rest
  [[ -n $1 ]] || \return 0
  if [[ $PATH == "$1:"* ]]; then
    PATH=${PATH#"$1:"}
  fi
  while [[ :$PATH: == *":$1:"* ]]; do
    all=:$PATH:
    rest=${all#*":$1:"}
    # The comparison may ignore case, which the cut does not.
    [[ ${#rest} -lt ${#all} ]] || \break
    all=${all%%":$1:"*}:$rest
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

# --- unasked

# Leaves and enters as _hpcsh_found asks. What the user did since the last look comes first.
function _hpcsh_move {
  \local "found=$_hpcsh_found" "entered=${HPCSH_ENTERED-}" "active=${VIRTUAL_ENV-}" "before=$_hpcsh_settled" is_left='' kept
  kept=()
  _hpcsh_settled=$_hpcsh_found
  if [[ -n $active && $active != "$entered" || -n ${CONDA_PREFIX-} && ${CONDA_DEFAULT_ENV-base} != base ]]; then
    # His own. conda puts its own in front of one that it found.
    if [[ -n $entered && $active == "$entered" ]]; then
      _hpcsh_leave
    fi
    \builtin unset -v HPCSH_ENTERED
    _hpcsh_was=${VIRTUAL_ENV-}
    \return 0
  fi
  if [[ -z $active && -n $entered$_hpcsh_was ]]; then
    # Left by hand: it stays left until the project is left.
    if [[ -n $entered ]]; then
      _hpcsh_left+=("$entered")
      \builtin unset -v HPCSH_ENTERED
      entered=
    elif [[ $_hpcsh_at == "$PWD":* ]]; then
      _hpcsh_left+=("$found")
    elif [[ -n $before ]]; then
      # Since then the directory has changed: left is what was the nearest there.
      _hpcsh_left+=("$before")
    fi
  fi
  for active in ${_hpcsh_left[@]+"${_hpcsh_left[@]}"}; do
    if [[ $PWD/ == "${active%/*}"/* ]]; then
      kept+=("$active")
      [[ $active == "$found" ]] && is_left=1
    fi
  done
  _hpcsh_left=(${kept[@]+"${kept[@]}"})
  if [[ $found != "$entered" ]]; then
    if [[ -n $entered ]]; then
      _hpcsh_leave
      \builtin unset -v HPCSH_ENTERED
    fi
    if [[ -n $found && -z $is_left ]]; then
      _hpcsh_enter_trusted "$found"
    fi
  fi
  _hpcsh_was=${VIRTUAL_ENV-}
}

# Enters $1, natively or not at all, if the program says that it may be entered.
function _hpcsh_enter_trusted {
  if [[ -n $_hpcsh_reader ]]; then
    # Who would tell whether it may waits for storage.
    \return 0
  elif ! _hpcsh_ask "$1"; then
    _hpcsh_told+=$1:
  elif _hpcsh_enter "$1" native; then
    \builtin export "HPCSH_ENTERED=$1"
  fi
}

# Whether the program says that the environment $1 may be entered. It tells once why not.
function _hpcsh_ask {
  \local quiet
  quiet=()
  if [[ $_hpcsh_told == *":$1:"* ]]; then
    quiet=(--quiet)
  fi
  [[ -z $_hpcsh_reader && -x $_hpcsh_program ]] && \command "$_hpcsh_program" trust --ask ${quiet[@]+"${quiet[@]}"} -- "$1"
}

# Judges again what an outer shell has entered, as somebody else perhaps; and an rc file may have put its own directories in
# front of it since.
function _hpcsh_inherited {
  _hpcsh_path_remove "$HPCSH_ENTERED/bin"
  if [[ ${VIRTUAL_ENV-} != "$HPCSH_ENTERED" ]]; then
    \builtin unset -v HPCSH_ENTERED
  elif _hpcsh_ask "$VIRTUAL_ENV"; then
    PATH=$VIRTUAL_ENV/bin:$PATH
  else
    _hpcsh_told+=$VIRTUAL_ENV:
    _hpcsh_leave
    \builtin unset -v HPCSH_ENTERED
  fi
}

_hpcsh_parts="${_hpcsh_parts-} venv "
