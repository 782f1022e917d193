# hpcsh for zsh: environments that are entered and left on `cd`. `_hpcsh_call enter` gets it at the first prompt. The rules are
# those of hpcsh.zsh; and no process but the program's word on an environment, asked once for each.
#
# HPCSH_ENTERED is the environment that was entered unasked, exported, so that a nested shell can leave it. An active
# environment that is not it is the user's, and is never touched.

# When the directory changes, and before a prompt where something has changed since; but not where the directory changes in a
# substitution or while a completion tries. Most often there was no environment and is none up to the home, which one
# condition says: each command more costs zsh four system calls.
function _hpcsh_look {
  if [[ $ZSH_SUBSHELL == 0 && -z ${compstate+1} ]]; then
    if [[ $_hpcsh_settled$_hpcsh_was${VIRTUAL_ENV-} != none || $PWD != "$_hpcsh_home"/* || $PWD == "$_hpcsh_home"/*/*/*/* ||
      -f $PWD/.venv/pyvenv.cfg || -f ${PWD:h}/.venv/pyvenv.cfg ||
      $PWD == "$_hpcsh_home"/*/* && -f ${PWD:h:h}/.venv/pyvenv.cfg ||
      $PWD == "$_hpcsh_home"/*/*/* && -f ${PWD:h:h:h}/.venv/pyvenv.cfg ]]; then
      _hpcsh_walk
    fi
    _hpcsh_pwd=$PWD
  fi
}

# Finds the nearest directory upwards with an environment, one look for each, up to the home or what _hpcsh_stop finds. So far
# without `emulate`, which would be half of the time.
function _hpcsh_walk {
  \local "dir=$PWD" "stop=$_hpcsh_home" REPLY=
  if [[ $dir/ != "$stop"/* ]]; then
    _hpcsh_stop
  fi
  until [[ -f $dir/.venv/pyvenv.cfg ]]; do
    if [[ $dir == "$stop" ]]; then
      dir=none
      break
    fi
    dir=${dir:h}
  done
  if [[ $dir != "$_hpcsh_settled" || ${VIRTUAL_ENV-} != "$_hpcsh_was" ]]; then
    _hpcsh_settled=$dir
    _hpcsh_move "$dir"
    _hpcsh_was=${VIRTUAL_ENV-}
  fi
}

# Where the way upwards from $PWD, which is not in the home, ends: stop. The shared home, or the root of a mount; above those, and
# in an automounter's own directory, a look may wake the automounter. As of the first time that somebody asked.
function _hpcsh_stop {
  \builtin emulate -L zsh
  \local line lines below=
  stop=$dir
  if [[ $dir != /* ]]; then
    # Nobody should have set it so.
    dir=/ stop=/
    \return
  elif [[ -n $_hpcsh_shared && $dir/ == "$_hpcsh_shared"/* ]]; then
    stop=$_hpcsh_shared
    \return
  elif [[ -z $_hpcsh_mounts ]]; then
    # The whole of it: a directory that stands between blanks is a mount, or as good as one.
    lines=$(</proc/self/mountinfo)
    _hpcsh_mounts=" / ${lines//$'\n'/ } "
    for line in "${(@M)${(@f)lines}:#* - autofs *}"; do
      _hpcsh_automounts+=" ${${(@s: :)line}[5]} "
    done
  fi 2>/dev/null
  until [[ $_hpcsh_automounts == *" $stop "* ]]; do
    if [[ $stop == / || $_hpcsh_mounts == *" $stop "* ]]; then
      \return
    fi
    below=$stop
    stop=${stop:h}
  done
  # Without a directory below it nothing is looked at but the root of all.
  dir=${below:+$dir}
  dir=${dir:-/}
  stop=${below:-/}
}

# Leaves and enters as $1, the nearest directory with an environment, or `none`, asks. What the user did since the last look
# comes first.
function _hpcsh_move {
  \builtin emulate -L zsh
  \local "found=${1%/}/.venv" "entered=${HPCSH_ENTERED-}" "active=${VIRTUAL_ENV-}"
  if [[ $1 == none ]]; then
    found=
  fi
  if [[ -n $active && $active != "$entered" || -n ${CONDA_PREFIX-} && ${CONDA_DEFAULT_ENV-base} != base ]]; then
    # His own. conda puts its own in front of one that it found.
    if [[ -n $entered && $active == "$entered" ]]; then
      _hpcsh_leave
    fi
    \builtin unset HPCSH_ENTERED
    \return
  fi
  if [[ -z $active && -n $entered$_hpcsh_was ]]; then
    # Left by hand: it stays left until the project is left.
    if [[ -n $entered ]]; then
      _hpcsh_left+=("$entered")
      \builtin unset HPCSH_ENTERED
      entered=
    elif [[ $PWD == "$_hpcsh_pwd" ]]; then
      _hpcsh_left+=("$found")
    else
      _hpcsh_left+=("$_hpcsh_was")
    fi
  fi
  for active in "${_hpcsh_left[@]}"; do
    if [[ $PWD/ != "${active%/*}"/* ]]; then
      _hpcsh_left=("${(@)_hpcsh_left:#$active}")
    fi
  done
  if [[ $found != "$entered" ]]; then
    if [[ -n $entered ]]; then
      _hpcsh_leave
      \builtin unset HPCSH_ENTERED
    fi
    if [[ -n $found && -z ${_hpcsh_left[(re)$found]} ]]; then
      _hpcsh_enter_trusted "$found"
    fi
  fi
}

# Enters $1, natively or not at all, if it is as it was when the program said that it may be entered, or if the program says so
# now. What has changed in the last seconds may change again without another time, and is not remembered.
function _hpcsh_enter_trusted {
  # Who would tell whether it may waits for storage.
  [[ -z $_hpcsh_reader ]] || \return 0
  \local venv=$1 told
  \local -i at
  at=${_hpcsh_known[(ie)$venv]}
  _hpcsh_signature "$venv"
  if [[ -n $REPLY && ${_hpcsh_signatures[at]-} == "$REPLY" ]]; then
    _hpcsh_switch "$venv" "${_hpcsh_labels[at]}"
  else
    if ! _hpcsh_ask "$venv"; then
      _hpcsh_told+=$venv:
      \return
    fi
    told=$REPLY
    _hpcsh_call more _hpcsh_enter "$venv" native || \return
    if (( ${(%):-%D{%s\}} - _hpcsh_newest > 2 )); then
      _hpcsh_known[at]=$venv
      _hpcsh_signatures[at]=$told
      _hpcsh_labels[at]=$VIRTUAL_ENV_PROMPT
    fi
  fi
  \builtin export "HPCSH_ENTERED=$venv"
}

# Whether the program says that the environment $1 may be entered. It tells once why not.
function _hpcsh_ask {
  \local quiet
  [[ $_hpcsh_told == *":$1:"* ]] && quiet=--quiet
  [[ -z $_hpcsh_reader && -x $_hpcsh_program ]] && \command "$_hpcsh_program" trust --ask $quiet -- "$1"
}

# What tells whether the environment $1 has changed, or what the user said of any: REPLY, the number and the time of the last
# change of all that the program looked at, and _hpcsh_newest, the newest of the times. That time, which nobody can set,
# changes with owner, mode and content.
function _hpcsh_signature {
  \local time
  \local -a all said
  REPLY=
  if \builtin zstat -A all -- "$1" "$1/bin" "$1/pyvenv.cfg" "$1/bin/python" 2>/dev/null; then
    \builtin zstat -A said +ctime -- "$_hpcsh_records" 2>/dev/null || said=()
    # Fourteen words for each file: its device, its number, ... and in the eleventh place that time.
    REPLY=" $all[2] $all[16] $all[30] $all[44] $all[11] $all[25] $all[39] $all[53] $said "
    _hpcsh_newest=$all[11]
    for time in $all[25] $all[39] $all[53]; do
      (( time > _hpcsh_newest )) && _hpcsh_newest=$time
    done
  fi
  \return 0
}

# Before the first prompt: puts the hook in, and looks.
function _hpcsh_first_look {
  \builtin emulate -L zsh
  \builtin zmodload -F zsh/stat b:zstat 2>/dev/null
  \builtin typeset -g _hpcsh_pwd= _hpcsh_was= _hpcsh_settled=none _hpcsh_told=: _hpcsh_mounts= _hpcsh_automounts= _hpcsh_newest=0
  \builtin typeset -ga _hpcsh_left _hpcsh_known _hpcsh_signatures _hpcsh_labels chpwd_functions
  chpwd_functions=("${(@)chpwd_functions:#_hpcsh_look}" _hpcsh_look)
  # None, and the root of all, have nothing below them.
  \builtin typeset -g "_hpcsh_home=${${HOME-}%/}"
  _hpcsh_home=${_hpcsh_home:-/dev/null}
  if [[ -n ${HPCSH_ENTERED-} ]]; then
    _hpcsh_inherited
  fi
  _hpcsh_look
}

# Judges again what an outer shell has entered, as somebody else perhaps; and an rc file may have put its own directories in
# front of it since.
function _hpcsh_inherited {
  _hpcsh_call more _hpcsh_path_remove "$HPCSH_ENTERED/bin"
  if [[ ${VIRTUAL_ENV-} != "$HPCSH_ENTERED" ]]; then
    \builtin unset HPCSH_ENTERED
  elif _hpcsh_ask "$VIRTUAL_ENV"; then
    PATH=$VIRTUAL_ENV/bin:$PATH
  else
    _hpcsh_told+=$VIRTUAL_ENV:
    _hpcsh_leave
    \builtin unset HPCSH_ENTERED
  fi
}

\builtin typeset -g "_hpcsh_parts=${_hpcsh_parts-} enter "
