# hpcsh for bash: environments that are entered and left on `cd`. `_hpcsh_call enter` gets it at the first prompt. The rules
# are those of hpcsh.bash; and no process but the program's word on an environment, asked once for each visit of a project.
#
# HPCSH_ENTERED is the environment that was entered unasked, exported, so that a nested shell can leave it. An active
# environment that is not it is the user's, and is never touched.

# What shellcheck cannot see: the other files assign (2154), and read what is assigned here (2034). What it takes for a slip: a
# status that is passed on (2164) or not wanted (2015), a function in a function (2317).
# shellcheck disable=SC2154,SC2034,SC2164,SC2015,SC2317

# Before each prompt, from the second on: looks where something has changed. bash has no hook for `cd`.
function _hpcsh_watch {
  \local "status=$?"
  if [[ $PWD != "$_hpcsh_pwd" || ${VIRTUAL_ENV-} != "$_hpcsh_was" ]]; then
    _hpcsh_look
  fi
  \return "$status"
}

# Enters and leaves as the directory asks. What the user did since the last look comes first.
function _hpcsh_look {
  \local "entered=${HPCSH_ENTERED-}" "active=${VIRTUAL_ENV-}" REPLY=
  if [[ -n $active && $active != "$entered" || -n ${CONDA_PREFIX-} && ${CONDA_DEFAULT_ENV-base} != base ]]; then
    # His own.
    \builtin unset -v HPCSH_ENTERED
  else
    _hpcsh_nearest
    if [[ -z $active && -n $entered$_hpcsh_was ]]; then
      # Left by hand: it stays left until the project is left.
      if [[ -n $entered ]]; then
        _hpcsh_left=${entered%/.venv}
        \builtin unset -v HPCSH_ENTERED
        entered=
      elif [[ $PWD == "$_hpcsh_pwd" ]]; then
        _hpcsh_left=${REPLY%/.venv}
      else
        _hpcsh_left=${_hpcsh_was%/*}
      fi
    fi
    if [[ $PWD/ != "$_hpcsh_left"/* ]]; then
      _hpcsh_left=
    fi
    if [[ $REPLY != "$_hpcsh_refused" ]]; then
      _hpcsh_refused=
    fi
    if [[ $REPLY != "$entered" ]]; then
      if [[ -n $entered ]]; then
        _hpcsh_call more _hpcsh_leave
        \builtin unset -v HPCSH_ENTERED
      fi
      if [[ -n $REPLY && ${REPLY%/.venv} != "$_hpcsh_left" && $REPLY != "$_hpcsh_refused" ]]; then
        _hpcsh_enter_trusted "$REPLY"
      fi
    fi
  fi
  _hpcsh_pwd=$PWD _hpcsh_was=${VIRTUAL_ENV-}
}

# The nearest environment upwards: REPLY, empty where there is none. One look per directory, up to the home, the shared home or
# the root of a mount: above those, a look may wake an automounter.
function _hpcsh_nearest {
  \local "dir=$PWD" "home=${HOME-}"
  home=${home%/}
  REPLY=
  while [[ -n $dir ]]; do
    if [[ -f $dir/.venv/pyvenv.cfg ]]; then
      REPLY=$dir/.venv
      \return 0
    elif [[ $dir == "$home" || $dir == "$_hpcsh_shared" ]]; then
      \return 0
    elif [[ $dir != "$home"/* && $dir != "${_hpcsh_shared:-/}"/* ]] && _hpcsh_is_mount "$dir"; then
      \return 0
    fi
    dir=${dir%/*}
  done
}

# Whether $1 is the root of a mount, as of the first time that somebody asked.
function _hpcsh_is_mount {
  \local point rest
  if [[ -z $_hpcsh_mounts ]]; then
    _hpcsh_mounts=:
    while IFS=' ' \builtin read -r rest rest rest rest point rest; do
      _hpcsh_mounts+=$point:
    done </proc/self/mountinfo
  fi 2>/dev/null
  [[ $_hpcsh_mounts == *":$1:"* ]]
}

# Enters $1, if the program says that it may be entered. It tells once why not.
function _hpcsh_enter_trusted {
  \local "venv=$1" quiet
  quiet=()
  if [[ $_hpcsh_told == *":$venv:"* ]]; then
    quiet=(--quiet)
  fi
  if ! \command "$_hpcsh_program" trust --ask ${quiet[@]+"${quiet[@]}"} -- "$venv"; then
    _hpcsh_refused=$venv
    _hpcsh_told+=$venv:
  elif _hpcsh_call more _hpcsh_enter "$venv"; then
    \builtin export "HPCSH_ENTERED=$venv"
  fi
}

# Before the first prompt: makes the hook that is there look from now on, and looks.
function _hpcsh_first_look {
  function _hpcsh_precmd {
    _hpcsh_watch
  }
  _hpcsh_pwd='' _hpcsh_was='' _hpcsh_left='' _hpcsh_refused='' _hpcsh_told=: _hpcsh_mounts=''
  # Of an outer shell, and an rc file has put its own directories in front since.
  if [[ -n ${VIRTUAL_ENV-} && ${HPCSH_ENTERED-} == "$VIRTUAL_ENV" && $PATH != "$VIRTUAL_ENV/bin:"* ]]; then
    _hpcsh_call more _hpcsh_path_remove "$VIRTUAL_ENV/bin"
    PATH=$VIRTUAL_ENV/bin:$PATH
  fi
  _hpcsh_look
}

_hpcsh_parts="${_hpcsh_parts-} enter "
