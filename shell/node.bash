# hpcsh for bash: the node's verdict in a running shell. `_hpcsh_call node` gets it when a prompt looks for the first time
# whether the verdict has turned. The rules are those of hpcsh.bash, and no process but the one that looks at the network, in the
# background, once in a `ttl`.
#
# $_hpcsh_memory-verdict is one line: VERDICT EXPIRES REASON, the time in seconds since the node started, as in /proc/uptime,
# so that no wall clock that steps can freeze it. $_hpcsh_memory-lock has the process that looks just now. $_hpcsh_reader is
# the record of a process that waits for shared storage; empty while that answers.

# What shellcheck cannot see: the other files assign (2154), and read what is assigned here (2034).
# shellcheck disable=SC2154,SC2034

# Every few seconds, before a prompt: has the verdict turned, has it expired, does the storage answer again?
function _hpcsh_watch {
  \local word='' expires='' rest='' now='' id='' since='' "old=$_hpcsh_verdict" ask='' gone=''
  _hpcsh_due=$((SECONDS + 5))
  if [[ -n $_hpcsh_reader && $_hpcsh_reader != /dev/null ]] && ! _hpcsh_is_held "$_hpcsh_reader"; then
    _hpcsh_reader=
    \builtin unset -v HPCSH_STORAGE
    \builtin printf 'hpcsh: the shared storage answers again; a new shell reads the configuration there\n' >&2
    _hpcsh_show
  fi
  if [[ -n $_hpcsh_memory ]]; then
    IFS=' ' \builtin read -r now rest </proc/uptime || now=
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
    if [[ -n $_hpcsh_login && $SECONDS -ge $_hpcsh_login_due ]]; then
      _hpcsh_login_due=$((SECONDS + _hpcsh_ttl))
      _hpcsh_is_fresh "$_hpcsh_memory-login.bash" || ask=1
    fi
    if [[ -n $ask ]]; then
      _hpcsh_refresh
    fi
  fi 2>/dev/null
  case ${HPCSH_OFFLINE-} in
    1) word=offline ;;
    0) word=online ;;
    *) word=$_hpcsh_fact ;;
  esac
  if [[ $word != "$old" ]]; then
    _hpcsh_call variables _hpcsh_renew
  fi
  if [[ $word != "$old" || $gone != "${_hpcsh_gone-}" ]]; then
    _hpcsh_gone=$gone
    _hpcsh_show
  fi
}

# What a login without the program has left to find out: where the node's memory lies, and the verdict; whether that has expired, for one
# who has no next prompt; and whether somebody waits for storage. Of one who has only just begun to nobody knows: others look as well.
function _hpcsh_find_out {
  \local word='' expires='' rest='' now='' since='' id='' dir hundredths
  # A runtime directory elsewhere may hang.
  for dir in "${XDG_RUNTIME_DIR:-/nowhere}/hpcsh" "/dev/shm/hpcsh-$UID" "/tmp/hpcsh-$UID" "/dev/shm/hpcsh-$UID"; do
    if [[ ($dir == /run/* || $dir == /tmp/* || $dir == /dev/shm/* || $dir == /var/*) && -d $dir && -O $dir && ! -L $dir ]]; then
      \break
    fi
  done
  _hpcsh_memory=$dir/$_hpcsh_key
  IFS=' ' \builtin read -r hundredths rest </proc/uptime || hundredths=0
  now=${hundredths%.*}
  if [[ -z $_hpcsh_fixed ]]; then
    _hpcsh_is_fresh "$_hpcsh_memory-verdict" || _hpcsh_expired=1
    case ${expires:+$word} in
      online | offline) _hpcsh_fact=$word ;;
      *) _hpcsh_fact=unknown ;;
    esac
    if [[ $- == *i* ]]; then
      _hpcsh_expired=
    fi
  fi
  if _hpcsh_is_held "$_hpcsh_memory-reader" && [[ $((10#${hundredths/./} - 10#$since)) -ge 30 ]]; then
    _hpcsh_reader=$_hpcsh_memory-reader
  fi
  _hpcsh_verdict=$_hpcsh_fact
}

# Whether the line of $1 still holds: its first word, which is left in `word`, its time.
function _hpcsh_is_fresh {
  word='' expires=''
  if _hpcsh_is_ours "$1"; then
    IFS=' ' \builtin read -r word expires rest <"$1" || expires=
  fi
  [[ -n $expires && $expires != *[^0-9]* && ${#expires} -lt 13 && -n $now && $now != *[^0-9]* &&
    $now -lt $((10#${expires:-0})) && $((10#${expires:-0} - ${now:-0})) -le $_hpcsh_ttl ]]
}

# Whether $1 is a file that only we can have written.
function _hpcsh_is_ours {
  [[ -f $1 && -O $1 && ! -L $1 ]]
}

# Whether the process that $1 names, `PROCESS SINCE`, still lives. Its words are left in `id` and `since`: seconds in a lock, which
# may be a little early, else hundredths. A later process of the same number is none, nor is one that has ended.
function _hpcsh_is_held {
  \local name='' state='' began=''
  id='' since=''
  if _hpcsh_is_ours "$1"; then
    IFS=' ' \builtin read -r id since rest <"$1" || id=
  fi
  [[ -n $id && $id != *[^0-9]* && -n $since && $since != *[^0-9]* && ${#since} -lt 13 && -d /proc/$id ]] || \return 1
  IFS=' ' \builtin read -r rest name state rest rest rest rest rest rest rest rest rest rest rest rest rest rest rest rest rest rest \
    began rest <"/proc/$id/stat" || began=
  rest=$((10#$since))
  if [[ $1 == *-lock ]]; then
    rest=$(((rest + 5) * 100))
  fi
  [[ $name == *\) && $state != [ZXx] && -n $began && $began != *[^0-9]* && $began -le $rest ]]
}

# Has the program look again, in the background, unless one does so already. The lock is taken here: a program on storage that
# hangs would never get to. Where nothing comes of it, as on a full disk, it is asked again after a while and not at each prompt.
function _hpcsh_refresh {
  \local id='' since='' "flags=$-" dir lock
  if [[ ${HPCSH_OFFLINE-} == [01] || $now -ge $_hpcsh_asked && $now -lt $((_hpcsh_asked + 10)) ]]; then
    \return 0
  fi
  # Nor may a program be asked for that lies on the storage that does not answer.
  if [[ -n $_hpcsh_reader && $_hpcsh_program == "${_hpcsh_shared:-/nowhere}"/* ]]; then
    \return 0
  fi
  # Where the program has its files by now: a runtime directory goes with the last logout, and comes with the next login.
  for dir in "${XDG_RUNTIME_DIR:-/nowhere}/hpcsh" "/dev/shm/hpcsh-$UID" "/tmp/hpcsh-$UID"; do
    if [[ ($dir == /run/* || $dir == /tmp/* || $dir == /dev/shm/* || $dir == /var/*) && -d $dir && -O $dir && ! -L $dir &&
      (-O ${dir%/*} || $dir == */hpcsh-$UID) ]]; then
      _hpcsh_memory=$dir/${_hpcsh_memory##*/}
      \break
    fi
  done
  lock=$_hpcsh_memory-lock
  if _hpcsh_is_held "$lock"; then
    # So long nobody looks at a network: the program lies on storage that hangs.
    if [[ -z $_hpcsh_reader && -n $since && $since != *[^0-9]* && $((now - 10#$since)) -gt 30 ]]; then
      _hpcsh_reader=$lock
      \builtin export HPCSH_STORAGE=stale
      _hpcsh_show
    fi
    \return 0
  elif _hpcsh_is_ours "$lock"; then
    # Of one that has ended; one that is empty, at second sight: it may just be being written.
    if [[ -z $id$_hpcsh_empty ]]; then
      _hpcsh_empty=1
      \return 0
    fi
    _hpcsh_empty=
    _hpcsh_write_lock "$$" '|' || \return 0
  elif [[ ! -e $lock && ! -L $lock && -d ${lock%/*} ]]; then
    \set -C
    _hpcsh_write_lock "$$" '' && id=$$
    [[ $flags == *C* ]] || \set +C
    [[ -n $id ]] || \return 0
  fi
  # In no process group of its own, so that it can leave this session.
  \set +m
  {
    # The lock is that process's before it becomes the program, which gives it back.
    if _hpcsh_is_ours "$lock"; then
      _hpcsh_write_lock "$BASHPID" '|' || \builtin true
    fi
    \builtin exec "$_hpcsh_program" status --locked "$$" --memory "$_hpcsh_memory" --keep bash
  } </dev/null >/dev/null 2>&1 &
  \builtin disown "$!"
  [[ $flags != *m* ]] || \set -m
  _hpcsh_asked=$now _hpcsh_due=$((SECONDS + 1))
}

# Writes the lock for the process $1; over another one where $2 is not empty.
function _hpcsh_write_lock {
  if [[ -n $2 ]]; then
    \builtin printf '%s %s\n' "$1" "$now" >|"$_hpcsh_memory-lock"
  else
    \builtin printf '%s %s\n' "$1" "$now" >"$_hpcsh_memory-lock"
  fi
} 2>/dev/null

_hpcsh_empty='' _hpcsh_login_due=0 _hpcsh_asked=-10
_hpcsh_parts="${_hpcsh_parts-} node "
