# hpcsh for zsh: environments that are entered and left on `cd`. `_hpcsh_call enter` gets it at the first prompt. The rules are
# those of hpcsh.zsh; and no process but the program's word on an environment, asked once for each.
#
# HPCSH_ENTERED is the environment that was entered unasked, exported, so that a nested shell can leave it. An active
# environment that is not it is the user's, and is never touched.

# When the directory changes, and before a prompt some seconds after something has changed; but not where the directory changes in a
# substitution or while a completion tries. A call of a function costs zsh as much as ten conditions, each command four system
# calls, each expansion the length of name and value; so what is usual is done here, in few commands, under the user's options.
function _hpcsh_look {
  # The way in again, at _hpcsh_door, of the environment that was entered last: all is as _hpcsh_remember saw it. An error of
  # zstat's says nothing that anybody needs, and to close a stream is cheaper than to open another.
  if [[ -z $_hpcsh_was && $PWD == "$_hpcsh_door" &&
    $ZSH_SUBSHELL${compstate+1}${VIRTUAL_ENV-}${PYTHONHOME+1}$_hpcsh_reader:${CONDA_PREFIX:+${CONDA_DEFAULT_ENV-base}}:${VIRTUAL_ENV_DISABLE_PROMPT-} == "$_hpcsh_outside" &&
    ( -n $_hpcsh_recorded || ! -e $_hpcsh_records ) && ! -o ksh_arrays && ! -o all_export && ! -o warn_create_global ]] &&
    \builtin zstat -A _hpcsh_stat +ctime -- "${_hpcsh_files[@]}" 2>&- && \builtin zstat -A argv +inode -- "$_hpcsh_env" &&
    [[ "${(j: :)_hpcsh_stat} $1" == "$_hpcsh_seen" ]]; then
    _OLD_VIRTUAL_PATH=$PATH PATH=$_hpcsh_env/bin:$_OLD_VIRTUAL_PATH _OLD_VIRTUAL_PS1=${PS1-} PS1=$_hpcsh_mark$_OLD_VIRTUAL_PS1 \
      psvar[9]=$_hpcsh_label _hpcsh_was=$_hpcsh_env _hpcsh_settled=$_hpcsh_env _hpcsh_top=${_hpcsh_env:h} _hpcsh_at=$PWD:$_hpcsh_env
    \builtin export "HPCSH_ENTERED=$_hpcsh_env" "VIRTUAL_ENV=$_hpcsh_env" "VIRTUAL_ENV_PROMPT=$_hpcsh_label"
    function deactivate {
      _hpcsh_call more _hpcsh_deactivate "$@"
    }
  # Most often all is as it was: the same environment is active, and the nearest directory with one is still _hpcsh_top, or there
  # is still none up to there. One condition says so for the first directories upwards.
  elif [[ ${VIRTUAL_ENV-} == "$_hpcsh_was" && $PWD/ == "$_hpcsh_top"/* &&
    ( $PWD == "$_hpcsh_top" || ! -f $PWD/.venv/pyvenv.cfg && ( ${PWD:h} == "$_hpcsh_top" || ! -f ${PWD:h}/.venv/pyvenv.cfg &&
    ( ${PWD:h:h} == "$_hpcsh_top" || ! -f ${PWD:h:h}/.venv/pyvenv.cfg && ${PWD:h:h:h} == "$_hpcsh_top" ) ) ) &&
    ( -z $_hpcsh_settled && ! -f $_hpcsh_top/.venv/pyvenv.cfg || -n $_hpcsh_settled && -f $_hpcsh_top/.venv/pyvenv.cfg ) ]]; then
    _hpcsh_at=$PWD:$_hpcsh_was
  # The way out of it, to _hpcsh_far, or to where there is none up to the home. How far that is is asked first: nothing above it may
  # be looked at. The label stays in psvar, where nothing shows it any more.
  elif [[ $ZSH_SUBSHELL${compstate+1}:${VIRTUAL_ENV-}:${HPCSH_ENTERED-}:${PS1-}:$PATH == "$_hpcsh_inside" &&
    ( $PWD == "$_hpcsh_far" || ! -f $_hpcsh_home/.venv/pyvenv.cfg &&
    ( $PWD == "$_hpcsh_home" || ( ${PWD:h} == "$_hpcsh_home" || ( ${PWD:h:h} == "$_hpcsh_home" ||
    ${PWD:h:h:h} == "$_hpcsh_home" && ! -f ${PWD:h:h}/.venv/pyvenv.cfg ) && ! -f ${PWD:h}/.venv/pyvenv.cfg ) &&
    ! -f $PWD/.venv/pyvenv.cfg ) ) ]]; then
    PATH=$_hpcsh_path_before PS1=$_hpcsh_ps1_before _hpcsh_was= _hpcsh_settled= _hpcsh_top=$_hpcsh_home _hpcsh_at=$PWD:
    \builtin unset HPCSH_ENTERED VIRTUAL_ENV VIRTUAL_ENV_PROMPT _OLD_VIRTUAL_PATH _OLD_VIRTUAL_PS1
  elif [[ $ZSH_SUBSHELL == 0 && -z ${compstate+1} ]]; then
    _hpcsh_walk
  fi
  # Somebody has taken zsh's clock since, or its list of functions.
  if [[ -n ${_hpcsh_period-} && "${PERIOD-} ${periodic_functions[*]-}" != "$_hpcsh_period _hpcsh_precmd" ]]; then
    _hpcsh_pace
  fi
}

# What is not as usual. The nearest environment upwards, one look for each directory, up to the home or what _hpcsh_stop finds:
# _hpcsh_found. Leaves and enters where it is another one.
function _hpcsh_walk {
  _hpcsh_found= _hpcsh_dir=$PWD _hpcsh_end=$_hpcsh_home
  if [[ $PWD/ != "$_hpcsh_home"/* ]]; then
    _hpcsh_stop
  fi
  until [[ -f $_hpcsh_dir/.venv/pyvenv.cfg && -n ${_hpcsh_found::=${_hpcsh_dir%/}/.venv} || $_hpcsh_dir == "$_hpcsh_end" ]]; do
    _hpcsh_dir=${_hpcsh_dir:h}
  done
  # The short ways in and out again, from and to a directory that is further away. Who comes here from there knows none.
  if [[ -n $_hpcsh_env && $PWD != "$_hpcsh_far" ]]; then
    _hpcsh_far=$PWD
    if [[ $_hpcsh_found == "$_hpcsh_env" && -z $_hpcsh_was && $PWD != "$_hpcsh_door" ]]; then
      _hpcsh_door=$PWD
      _hpcsh_look
      _hpcsh_door=${_hpcsh_env:h}
    elif [[ $_hpcsh_found != "$_hpcsh_env" && $_hpcsh_was == "$_hpcsh_env" ]]; then
      _hpcsh_look
    fi
    _hpcsh_far=
  fi
  if [[ $_hpcsh_found != "$_hpcsh_settled" || ${VIRTUAL_ENV-} != "$_hpcsh_was" ]]; then
    if [[ -n $_hpcsh_found$_hpcsh_was${VIRTUAL_ENV-}${HPCSH_ENTERED-}${_hpcsh_left[*]-} ]]; then
      _hpcsh_move
    fi
    _hpcsh_was=${VIRTUAL_ENV-} _hpcsh_settled=$_hpcsh_found
  fi
  _hpcsh_top=$_hpcsh_dir _hpcsh_at=$PWD:$_hpcsh_was
  if [[ $_hpcsh_end != "$_hpcsh_home" &&
    ( $_hpcsh_end != "$_hpcsh_shared" || -n $_hpcsh_found && $_hpcsh_home/ == "$_hpcsh_dir"/* ) ]]; then
    # A mount, or the home, where the way upwards ends, may lie below it: each time is looked from anew.
    _hpcsh_top=/dev/null
  fi
}

# Where the way upwards from $PWD, which is not in the home, ends: _hpcsh_end. The shared home, or the root of a mount; above
# those, and in an automounter's own directory, a look may wake the automounter. As of the first time that somebody asked.
function _hpcsh_stop {
  \builtin emulate -L zsh
  \local line lines below=
  _hpcsh_end=$_hpcsh_dir
  if [[ $_hpcsh_dir != /* ]]; then
    # Nobody should have set it so.
    _hpcsh_dir=/ _hpcsh_end=/
    \return
  elif [[ -n $_hpcsh_shared && $_hpcsh_dir/ == "$_hpcsh_shared"/* ]]; then
    _hpcsh_end=$_hpcsh_shared
    \return
  elif [[ -z $_hpcsh_mounts ]]; then
    # The whole of it: a directory that stands between blanks is a mount, or as good as one.
    lines=$(</proc/self/mountinfo)
    _hpcsh_mounts=" / ${lines//$'\n'/ } "
    for line in "${(@M)${(@f)lines}:#* - autofs *}"; do
      _hpcsh_automounts+=" ${${(@s: :)line}[5]} "
    done
  fi 2>/dev/null
  until [[ $_hpcsh_automounts == *" $_hpcsh_end "* ]]; do
    if [[ $_hpcsh_end == / || $_hpcsh_mounts == *" $_hpcsh_end "* ]]; then
      \return
    fi
    below=$_hpcsh_end
    _hpcsh_end=${_hpcsh_end:h}
  done
  # Without a directory below it nothing is looked at but the root of all.
  _hpcsh_dir=${below:+$_hpcsh_dir}
  _hpcsh_dir=${_hpcsh_dir:-/}
  _hpcsh_end=${below:-/}
}

# Leaves and enters as _hpcsh_found asks. What the user did since the last look comes first.
function _hpcsh_move {
  \builtin emulate -L zsh
  _hpcsh_env= _hpcsh_door= _hpcsh_inside=
  \local "found=$_hpcsh_found" "entered=${HPCSH_ENTERED-}" "active=${VIRTUAL_ENV-}" REPLY=
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
    elif [[ $_hpcsh_at == "$PWD:"* ]]; then
      _hpcsh_left+=("$found")
    else
      # Since then the directory has changed: left is what was the nearest there.
      _hpcsh_left+=($_hpcsh_settled)
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
  _hpcsh_signature "$venv"
  if [[ -n $REPLY && ${_hpcsh_signatures[$venv]-} == "$REPLY" ]]; then
    _hpcsh_switch "$venv" "${_hpcsh_labels[$venv]}"
  else
    if ! _hpcsh_ask "$venv"; then
      _hpcsh_told+=$venv:
      \return
    fi
    told=$REPLY
    _hpcsh_call more _hpcsh_enter "$venv" native || \return
    if (( ${(%):-%D{%s\}} - _hpcsh_newest > 2 )); then
      _hpcsh_signatures[$venv]=$told
      _hpcsh_labels[$venv]=$VIRTUAL_ENV_PROMPT
    fi
  fi
  \builtin export "HPCSH_ENTERED=$venv"
  _hpcsh_remember "$venv"
}

# Remembers what it takes to leave the environment $1, just entered, and to enter it again: the values before and after, and of the
# files what _hpcsh_signature has looked at. What lies in a directory whose time is the same lies there still, and where its links lead
# only he can change who may be trusted with it; so only the environment, beside which others may write, has its number kept. Who
# finds it otherwise takes the longer way, and comes here. Not where to leave is more than to put values back: a Python home, or a
# prompt into which _hpcsh_show has not put the node.
function _hpcsh_remember {
  # HPCSH_ENTERED says now whose it is.
  _hpcsh_venv=
  if [[ -n ${_hpcsh_signatures[$1]-} && -z ${_OLD_VIRTUAL_PYTHONHOME+1} && ${#_hpcsh_left} == 0 &&
    :$_OLD_VIRTUAL_PATH: != *":$1/bin:"* && ! -L $1/bin && ! -L $1/pyvenv.cfg ]] &&
    [[ -z ${HPCSH_PROMPT-} || -z $_hpcsh_side ||
      $_OLD_VIRTUAL_PS1${RPS1-} == *%10v* || $_OLD_VIRTUAL_PS1${RPS1-} == *HPCSH_PROMPT* ||
      -n ${POWERLEVEL9K_MODE+1}${POWERLEVEL9K_LEFT_PROMPT_ELEMENTS+1}${STARSHIP_SHELL+1} ]]; then
    _hpcsh_env=$1 _hpcsh_door=${1:h} _hpcsh_label=$VIRTUAL_ENV_PROMPT
    _hpcsh_path_before=$_OLD_VIRTUAL_PATH _hpcsh_ps1_before=$_OLD_VIRTUAL_PS1 _hpcsh_mark=${PS1%"$_OLD_VIRTUAL_PS1"}
    _hpcsh_inside=0:$1:$1:${PS1-}:$PATH
    _hpcsh_outside=0:${CONDA_PREFIX:+${CONDA_DEFAULT_ENV-base}}:${VIRTUAL_ENV_DISABLE_PROMPT-}
    _hpcsh_files=("$1" "$1/bin" "$1/pyvenv.cfg" "$1/bin/python" $_hpcsh_recorded)
    _hpcsh_seen="$_hpcsh_stat[11] $_hpcsh_stat[25] $_hpcsh_stat[39] $_hpcsh_stat[53]${_hpcsh_recorded:+ $_hpcsh_stat[67]}"
    _hpcsh_seen+=" $_hpcsh_stat[2]"
  fi
}

# Whether the program says that the environment $1 may be entered. It tells once why not.
function _hpcsh_ask {
  \local quiet
  [[ $_hpcsh_told == *":$1:"* ]] && quiet=--quiet
  [[ -z $_hpcsh_reader && -x $_hpcsh_program ]] && \command "$_hpcsh_program" trust --ask $quiet -- "$1"
}

# What tells whether the environment $1 has changed, or what the user said of any: REPLY, the number and the time of the last
# change of all that the program looked at, and _hpcsh_newest, the newest of the times. That time, which nobody can set,
# changes with owner, mode and content. Where there are records, _hpcsh_recorded is their directory.
function _hpcsh_signature {
  \local time
  REPLY= _hpcsh_recorded=
  if [[ -e $_hpcsh_records ]]; then
    _hpcsh_recorded=$_hpcsh_records
  fi
  # Not before there is something to look at: most shells never need the module.
  if \builtin zmodload -F zsh/stat b:zstat &&
    \builtin zstat -A _hpcsh_stat -- "$1" "$1/bin" "$1/pyvenv.cfg" "$1/bin/python" $_hpcsh_recorded; then
    # Fourteen words for each file: its device, its number, ... and in the eleventh place that time.
    REPLY="$_hpcsh_stat[2] $_hpcsh_stat[16] $_hpcsh_stat[30] $_hpcsh_stat[44]"
    REPLY+=" $_hpcsh_stat[11] $_hpcsh_stat[25] $_hpcsh_stat[39] $_hpcsh_stat[53] $_hpcsh_stat[67]"
    _hpcsh_newest=$_hpcsh_stat[11]
    for time in $_hpcsh_stat[25] $_hpcsh_stat[39] $_hpcsh_stat[53]; do
      (( time > _hpcsh_newest )) && _hpcsh_newest=$time
    done
  fi 2>/dev/null
  \return 0
}

# Before the first prompt: puts the hook in, and looks.
function _hpcsh_first_look {
  \builtin emulate -L zsh
  \builtin typeset -g _hpcsh_{at,was,settled,found,dir,end,far,mounts,automounts,recorded}= _hpcsh_top=/dev/null _hpcsh_told=:
  \builtin typeset -g _hpcsh_{env,door,inside,outside,path_before,ps1_before,mark,label,seen}= _hpcsh_newest=0
  \builtin typeset -g "_hpcsh_venv=${_hpcsh_venv-}"
  \builtin typeset -ga _hpcsh_left _hpcsh_stat _hpcsh_files chpwd_functions
  \builtin typeset -gA _hpcsh_signatures _hpcsh_labels
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
