# hpcsh for zsh: the node's verdict in a running shell. `_hpcsh_call node` gets it when a prompt looks for the first time
# whether the verdict has turned. The rules are those of hpcsh.zsh, and no process but the one that looks at the network, in the
# background, once in a `ttl`.
#
# $_hpcsh_memory-verdict is one line: VERDICT EXPIRES REASON, the time in seconds since the node started, as in /proc/uptime,
# so that no wall clock that steps can freeze it. $_hpcsh_memory-lock has the process that looks just now. $_hpcsh_reader is
# the record of a process that waits for shared storage; empty while that answers.

# Every few seconds, before a prompt: has the verdict turned, has it expired, does the storage answer again?
function _hpcsh_watch {
  \builtin emulate -L zsh
  \local word expires rest now id since old=$_hpcsh_verdict ask= gone=
  _hpcsh_due=$(( SECONDS + 5 ))
  if [[ -n $_hpcsh_reader && $_hpcsh_reader != /dev/null ]] && ! _hpcsh_is_held "$_hpcsh_reader"; then
    _hpcsh_reader=
    \builtin unset HPCSH_STORAGE
    \builtin print -ru2 'hpcsh: the shared storage answers again; a new shell reads the configuration there'
    _hpcsh_show
  fi
  if [[ -n $_hpcsh_memory ]]; then
    IFS=' ' \builtin read -r now rest </proc/uptime
    now=${now%.*}
    # Proxies have been set or unset since, and what is remembered of them has another name.
    if _hpcsh_is_ours "$_hpcsh_memory-of-$$"; then
      IFS=' ' \builtin read -r word rest <"$_hpcsh_memory-of-$$" || word=
      if [[ ${#word} -eq 16 && $word != *[^0-9a-f]* ]]; then
        _hpcsh_memory=${_hpcsh_memory%/*}/$word
      fi
    fi
    if [[ -z $_hpcsh_fixed ]]; then
      _hpcsh_is_fresh "$_hpcsh_memory-verdict" || ask=1
      case $word in
        online | offline | unknown) _hpcsh_fact=$word ;;
        ?*) ask=1 ;;
      esac
      # The other servers of resolv.conf answer in its place, so nobody else would tell.
      if [[ $rest == *"; resolv.conf names hpcsh's resolver at "*', which is not there'* ]]; then
        gone=1
      fi
    fi
    # Of a login through the last good script, which nobody has asked yet whether it still is one.
    if [[ -n $_hpcsh_login ]] && (( SECONDS >= _hpcsh_login_due )); then
      (( _hpcsh_login_due = SECONDS + _hpcsh_ttl ))
      rest=$word
      _hpcsh_is_fresh "$_hpcsh_memory-login.zsh" || ask=1
      word=$rest
    fi
    if [[ -n $ask ]]; then
      _hpcsh_refresh
    fi
  fi 2>/dev/null
  if [[ ${HPCSH_OFFLINE-} == [01] ]]; then
    word=${${HPCSH_OFFLINE/1/offline}/0/online}
  else
    word=$_hpcsh_fact
  fi
  if [[ $word != "$old" ]]; then
    _hpcsh_renew
  fi
  if [[ $word != "$old" || $gone != "${_hpcsh_gone-}" ]]; then
    \builtin typeset -g _hpcsh_gone=$gone
    _hpcsh_show
  fi
  _hpcsh_pace $ask
}

# What a login without the program has left to find out: where the node's memory lies, and the verdict; whether that has expired, for one
# who has no next prompt; and whether somebody waits for storage. Of one who has only just begun to nobody knows: others look as well.
function _hpcsh_find_out {
  \builtin emulate -L zsh
  \local word expires rest now id since dir hundredths
  # A runtime directory elsewhere may hang.
  for dir in "${XDG_RUNTIME_DIR:-/nowhere}/hpcsh" "/dev/shm/hpcsh-$UID" "/tmp/hpcsh-$UID" "/dev/shm/hpcsh-$UID"; do
    if [[ ( $dir == /run/* || $dir == /tmp/* || $dir == /dev/shm/* || $dir == /var/* ) && -d $dir && -O $dir && ! -L $dir ]]; then
      \break
    fi
  done
  _hpcsh_memory=$dir/$_hpcsh_key
  IFS=' ' \builtin read -r hundredths rest </proc/uptime
  now=${hundredths%.*}
  if [[ -z $_hpcsh_fixed ]]; then
    _hpcsh_is_fresh "$_hpcsh_memory-verdict" || _hpcsh_expired=1
    _hpcsh_fact=unknown
    if [[ -n $expires && $word == (online|offline) ]]; then
      _hpcsh_fact=$word
    fi
    if [[ -o interactive ]]; then
      _hpcsh_expired=
    fi
  fi
  hundredths=${hundredths/./}
  if _hpcsh_is_held "$_hpcsh_memory-reader" && (( hundredths - since >= 30 )); then
    _hpcsh_reader=$_hpcsh_memory-reader
  fi
  _hpcsh_verdict=$_hpcsh_fact
}

# Whether the line of $1 still holds: its first word, which is left in `word`, its time.
function _hpcsh_is_fresh {
  word= expires=
  _hpcsh_is_ours "$1" && IFS=' ' \builtin read -r word expires rest <"$1"
  [[ -n $expires && $expires != *[^0-9]* && ${#expires} -lt 13 && -n $now && $now != *[^0-9]* ]] &&
    (( now < expires && expires - now <= _hpcsh_ttl ))
}

# Whether $1 is a file that only we can have written.
function _hpcsh_is_ours {
  [[ -f $1 && -O $1 && ! -L $1 ]]
}

# Whether the process that $1 names, `PROCESS SINCE`, still lives. Its words are left in `id` and `since`: seconds in a lock, which
# may be a little early, else hundredths. A later process of the same number is none, nor is one that has ended.
function _hpcsh_is_held {
  \local name state began
  id= since=
  _hpcsh_is_ours "$1" && IFS=' ' \builtin read -r id since rest <"$1"
  [[ -n $id && $id != *[^0-9]* && -n $since && $since != *[^0-9]* && ${#since} -lt 13 && -d /proc/$id ]] || \return 1
  IFS=' ' \builtin read -r rest name state rest rest rest rest rest rest rest rest rest rest rest rest rest rest rest rest rest rest \
    began rest </proc/$id/stat
  if [[ $1 == *-lock ]]; then
    (( rest = (since + 5) * 100 ))
  else
    rest=$since
  fi
  [[ $name == *\) && $state != [ZXx] && -n $began && $began != *[^0-9]* ]] && (( began <= rest ))
}

# Has the program look again, in the background, unless one does so already. The lock is taken here: a program on storage that
# hangs would never get to. Where nothing comes of it, as on a full disk, it is asked again after a while and not at each prompt.
function _hpcsh_refresh {
  \local id= since= rest dir lock
  if [[ ${HPCSH_OFFLINE-} == [01] ]] || (( now >= _hpcsh_asked && now < _hpcsh_asked + 10 )); then
    \return
  fi
  # Nor may a program be asked for that lies on the storage that does not answer.
  if [[ -n $_hpcsh_reader && $_hpcsh_program == "${_hpcsh_shared:-/nowhere}"/* ]]; then
    \return
  fi
  # Where the program has its files by now: a runtime directory goes with the last logout, and comes with the next login.
  for dir in "${XDG_RUNTIME_DIR:-/nowhere}/hpcsh" /dev/shm/hpcsh-$UID /tmp/hpcsh-$UID; do
    if [[ ( $dir == /run/* || $dir == /tmp/* || $dir == /dev/shm/* || $dir == /var/* ) && -d $dir && -O $dir && ! -L $dir &&
      ( -O ${dir:h} || $dir == */hpcsh-$UID ) ]]; then
      _hpcsh_memory=$dir/${_hpcsh_memory:t}
      \break
    fi
  done
  lock=$_hpcsh_memory-lock
  if _hpcsh_is_held "$lock"; then
    # So long nobody looks at a network: the program lies on storage that hangs.
    if [[ -z $_hpcsh_reader && -n $since && $since != *[^0-9]* ]] && (( now - since > 30 )); then
      _hpcsh_reader=$lock
      \builtin export HPCSH_STORAGE=stale
      _hpcsh_show
    fi
    \return
  elif _hpcsh_is_ours "$lock"; then
    # Of one that has ended; one that is empty, at second sight: it may just be being written.
    if [[ -z $id$_hpcsh_empty ]]; then
      _hpcsh_empty=1
      \return
    fi
    _hpcsh_empty=
    \builtin setopt clobber
    _hpcsh_mark "$$" || \return
  elif [[ ! -e $lock && ! -L $lock && -d ${lock:h} ]]; then
    \builtin setopt no_clobber
    _hpcsh_mark "$$" || \return
  fi
  # In no process group of its own, so that it can leave this session.
  \builtin setopt clobber no_monitor
  {
    # The lock is that process's before it becomes the program, which gives it back.
    IFS=' ' \builtin read -r id rest </proc/self/stat
    if _hpcsh_is_ours "$lock"; then
      _hpcsh_mark "$id"
    fi
    \exec "$_hpcsh_program" status --locked "$$" --memory "$_hpcsh_memory" --keep zsh
  } </dev/null >/dev/null 2>&1 &!
  (( _hpcsh_asked = now, _hpcsh_due = SECONDS + 1 ))
}

# Writes the lock for the process $1.
function _hpcsh_mark {
  \builtin print -r -- "$1 $now" >"$_hpcsh_memory-lock"
} 2>/dev/null

\builtin typeset -g _hpcsh_empty=
\builtin typeset -gi _hpcsh_login_due _hpcsh_asked=-10
\builtin typeset -g "_hpcsh_parts=${_hpcsh_parts-} node "
