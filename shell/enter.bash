# hpcsh for bash: environments that are entered and left on `cd`. `_hpcsh_call enter` gets it at the first prompt. The rules
# are those of hpcsh.bash; and no process but the program's word on an environment, asked once for each visit of a project.
#
# HPCSH_ENTERED is the environment that was entered unasked, exported, so that a nested shell can leave it. An active
# environment that is not it is the user's, and is never touched.

# What shellcheck cannot see: the other files assign (2154), and read what is assigned here (2034). What it takes for a slip: a
# status that is passed on (2164) or not wanted (2015), a function in a function (2317).
# shellcheck disable=SC2154,SC2034,SC2164,SC2015,SC2317

# Before each prompt where something has changed, unless the hook, in prompt.bash, sees that it makes no difference. Finds the
# nearest environment upwards, one look for each directory, up to the home or what _hpcsh_stop finds: _hpcsh_found. Leaves and
# enters where it is another one.
function _hpcsh_walk {
  \local "end=$_hpcsh_home"
  _hpcsh_top=${PWD-} _hpcsh_found=
  if [[ ${PWD-}/ != "$_hpcsh_home"/* ]]; then
    _hpcsh_stop
  fi
  until [[ -f $_hpcsh_top/.venv/pyvenv.cfg && -n ${_hpcsh_found:=$_hpcsh_top/.venv} || $_hpcsh_top == "$end" ]]; do
    _hpcsh_top=${_hpcsh_top%/*}
  done
  if [[ $end != "$_hpcsh_home" &&
    (-z $end || $end != "$_hpcsh_shared" || -n $_hpcsh_found && $_hpcsh_home/ == "$_hpcsh_top"/*) ]]; then
    # A mount, or the home, where the way upwards ends, may lie below it: each time is looked from anew.
    _hpcsh_top=/dev/null
  fi
  # What the hook compares with: the file that has to be there, or must not be; and how far below _hpcsh_top a directory is, told by
  # patterns that are nothing but `/*` so many times, which bash matches faster than any that begins with a name.
  _hpcsh_has='' _hpcsh_lacks=$_hpcsh_top/.venv/pyvenv.cfg
  if [[ -n $_hpcsh_found ]]; then
    _hpcsh_has=$_hpcsh_lacks _hpcsh_lacks=
  fi
  _hpcsh_below1=${_hpcsh_top//[!\/]/}/
  _hpcsh_below1=${_hpcsh_below1//\//\/*}
  _hpcsh_below2="$_hpcsh_below1/*" _hpcsh_below3="$_hpcsh_below1/*/*" _hpcsh_below4="$_hpcsh_below1/*/*/*"
  if [[ $_hpcsh_found != "$_hpcsh_settled" || ${VIRTUAL_ENV-} != "$_hpcsh_was" ]]; then
    _hpcsh_move
  fi
  _hpcsh_at=${PWD-}:$_hpcsh_was
}

# Where the way upwards from $PWD, which is not in the home, has its `end`. The shared home, or the root of a mount; above those,
# and in an automounter's own directory, a look may wake the automounter. As of the first time that somebody asked. The root of
# all is empty here.
function _hpcsh_stop {
  \local line lines below='' IFS=' '
  # One that does not begin at the root somebody has assigned; its way upwards would have no end.
  [[ ${PWD-} == /* ]] && end=${PWD%/} || end=
  _hpcsh_top=$end
  if [[ -n $_hpcsh_shared && $end/ == "$_hpcsh_shared"/* ]]; then
    end=$_hpcsh_shared
    \return 0
  elif [[ -z $_hpcsh_mounts ]]; then
    lines=()
    \builtin mapfile -t lines </proc/self/mountinfo
    # The whole of it: a directory that stands between blanks is a mount, or as good as one.
    _hpcsh_mounts="/ ${lines[*]-} "
    for line in ${lines[@]+"${lines[@]}"}; do
      if [[ $line == *' - autofs '* ]]; then
        line=${line#* * * * }
        _hpcsh_automounts+=" ${line%% *} "
      fi
    done
  fi 2>/dev/null
  until [[ $_hpcsh_automounts == *" $end "* ]]; do
    if [[ -z $end || $_hpcsh_mounts == *" $end "* ]]; then
      \return 0
    fi
    below=$end
    end=${end%/*}
  done
  # Without a directory below it nothing is looked at but the root of all.
  _hpcsh_top=${below:+$_hpcsh_top}
  end=$below
}

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
  elif _hpcsh_call venv _hpcsh_enter "$1" native; then
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
  _hpcsh_call venv _hpcsh_path_remove "$HPCSH_ENTERED/bin"
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

# Before the first prompt: looks, for the hook that is there by now.
function _hpcsh_first_look {
  _hpcsh_home=${HOME-}
  _hpcsh_home=${_hpcsh_home%/}
  # None, and the root of all, have nothing below them.
  : "${_hpcsh_home:=/dev/null}"
  _hpcsh_at='' _hpcsh_was='' _hpcsh_settled='' _hpcsh_told=: _hpcsh_mounts='' _hpcsh_automounts=''
  _hpcsh_left=()
  if [[ -n ${HPCSH_ENTERED-} ]]; then
    _hpcsh_inherited
  fi
  _hpcsh_walk
}

_hpcsh_parts="${_hpcsh_parts-} enter "
