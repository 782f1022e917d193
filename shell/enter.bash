# hpcsh for bash: environments that are entered and left on `cd`. `_hpcsh_call enter` gets it at the first prompt. The rules
# are those of hpcsh.bash; and no process.
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

# What the user is in is another environment than was found: leaves and enters. Most shells find none at first.
[[ $_hpcsh_parts == *' venv '* ]] || function _hpcsh_move {
  _hpcsh_call venv _hpcsh_move
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
    _hpcsh_call venv _hpcsh_inherited
  fi
  _hpcsh_walk
}

_hpcsh_parts="${_hpcsh_parts-} enter "
