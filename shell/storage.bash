# hpcsh for bash: shared storage that does not answer. `_hpcsh_call storage` gets it. The rules are those of hpcsh.bash, but for a
# process that looks, where a login without the program has to find out.

# What shellcheck cannot see: the other files assign (2154), and read what is assigned here (2034). What it takes for a slip: a status
# that is not wanted (2015), code stays a string (2016).
# shellcheck disable=SC2154,SC2034,SC2015,SC2016

# From now on shared storage is known not to answer: $1 is the record of who waits for it, $2 a line for the first prompt.
function _hpcsh_does_not_answer {
  _hpcsh_reader=$1
  _hpcsh_notice=${_hpcsh_notice:+$_hpcsh_notice; }$2
  \builtin export "HPCSH_STORAGE=stale"
  _hpcsh_shared_last
}

# Puts the directories of PATH that lie on the shared storage, which does not answer, behind the others: a command that is found
# before them does not wait for it.
function _hpcsh_shared_last {
  \local "rest=$PATH:" first='' last='' dir
  if [[ -n $_hpcsh_shared ]]; then
    while [[ -n $rest ]]; do
      dir=${rest%%:*}
      rest=${rest#*:}
      if [[ $dir/ == "$_hpcsh_shared"/* ]]; then
        last+=:$dir
      else
        first+=:$dir
      fi
    done
    first+=$last
    PATH=${first#:}
  fi
}

# No history file on storage that does not answer: nobody waits for that. It is not yet set.
function _hpcsh_history {
  if [[ ${HISTFILE-} == "${HOME-}/.bash_history" ]] && ! _hpcsh_answers "${_hpcsh_history_file%/*}"; then
    _hpcsh_moved=$$
    \builtin unset -v HISTFILE
  fi
}

# Whether the storage of the directory $1 answers: in a login without the program, which would have found out, a process looks,
# and leaves the record that the program's would leave. One that finds another at it waits for that one, and then looks too.
function _hpcsh_answers {
  \local said='' fd=''
  if [[ -n $_hpcsh_reader ]]; then
    \return 1
  elif [[ -z $_hpcsh_login ]]; then
    \return 0
  fi
  # Read where it is needed: under `set -o posix`, bash before 5.1 takes it for a slip.
  \builtin eval '\exec {fd}< <(_hpcsh_look_at "$1")' 2>/dev/null || \return 0
  IFS=' ' \builtin read -r -t 0.3 -u "$fd" said || said=
  \exec {fd}<&-
  if [[ -n $said ]]; then
    \return 0
  fi
  _hpcsh_reader=$_hpcsh_memory-reader
  _hpcsh_notice="$1 does not answer: the history stays in memory"
  _hpcsh_call variables _hpcsh_renew
  _hpcsh_shared_last
  \return 1
}

# In a process of its own: looks at $1 and says so. What hangs holds no stream of the shell's, and takes its record away itself.
function _hpcsh_look_at {
  \local "record=$_hpcsh_memory-reader" me='' now='' rest='' tries=0
  \builtin trap '' HUP INT QUIT PIPE TERM TSTP
  \exec </dev/null 2>/dev/null
  # The terminal.
  \exec 255>&-
  \set +e +u -C
  IFS=' ' \builtin read -r me rest </proc/self/stat
  while ((++tries < 30)); do
    IFS=' ' \builtin read -r now rest </proc/uptime
    # One that is empty is just being written by him who made it.
    if [[ -d ${record%/*} ]] && ! \builtin printf '%s %s\n' "$me" "$((10#${now/./}))" >"$record" &&
      { [[ -f $record && ! -s $record && $tries -lt 10 ]] || _hpcsh_call node _hpcsh_is_held "$record"; }; then
      # Nothing comes from a pipe that only we write.
      \builtin read -r -t 0.01 rest <>/proc/self/fd/1
      \continue
    fi
    [[ ! -d $1 ]] || \builtin :
    \builtin printf 'y\n'
    IFS=' ' \builtin read -r rest now <"$record"
    if [[ $rest == "$me" ]]; then
      PATH=/usr/bin:/bin:/run/current-system/sw/bin
      \command rm -f "$record"
    fi
    \return 0
  done
}

_hpcsh_parts="${_hpcsh_parts-} storage "
