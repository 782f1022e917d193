#!/bin/sh
# Installs hpcsh, takes it back, or lets you try it in a throwaway home: `./install.sh --help`.
#
# It runs on login nodes and in containers whose only shell may be dash or busybox: POSIX sh, and no tool that busybox has
# not. It may be killed anywhere. So: all that could refuse is looked at before anything is written; a file is written beside
# its place and then renamed into it; the rest of an rc file is copied by `head` and `tail` alone, which keep any byte.

set -eu

caller_LC_ALL=${LC_ALL-}
caller_umask=$(umask)
# An rc file is bytes: no tool may take them for characters.
LC_ALL=C
export LC_ALL
unset CDPATH
IFS=' 	
'

program_name=install.sh
begin_mark='# >>> hpcsh >>>'
end_mark='# <<< hpcsh <<<'
# Notes on the begin marker: what uninstalling must know, kept where a lost state directory cannot lose it.
note_newline=' (with the newline before)'
note_new=' (new file)'
note_link=' (in place of a link)'

# --- talk

say() {
  printf '%s\n' "$*" >&2
}

# Ends with status 1: what and where, and below it what to do.
fail() {
  say "$program_name: error: $1"
  [ -z "${2-}" ] || say "hint: $2"
  exit 1
}

usage_error() {
  say "$program_name: error: $1"
  say "hint: ${2:-see ./install.sh --help}"
  exit 2
}

help() {
  cat <<'END'
Installs hpcsh, takes it back, or lets you try it.

Usage:
  ./install.sh [--from FILE] [--prefix DIR] [--rc [--local-first] [--shell zsh|bash|fish]] [--dry-run]
  ./install.sh --shared DIR [--from FILE] [--rc [--local-first] [--shell zsh|bash|fish]] [--dry-run]
  ./install.sh --uninstall [--prefix DIR | --shared DIR] [--dry-run]
  ./install.sh --try [zsh|bash] [-c COMMAND] [--from FILE]

Options:
  --from FILE     take this program instead of building one with cargo
  --prefix DIR    the program becomes DIR/bin/hpcsh [default: ~/.local]
  --shared DIR    one installation for all nodes that mount DIR: the program becomes DIR/bin/x86_64/hpcsh or
                  DIR/bin/aarch64/hpcsh (run this once for each), the configuration of all who use it is
                  DIR/etc/hpcsh/config.toml
  --rc            add the one line to ~/.zshrc ($ZDOTDIR counts), ~/.bashrc and ~/.config/fish/config.fish
                  ($XDG_CONFIG_HOME counts), of those shells that are installed; what was there before is kept
                  beside it as NAME.before-hpcsh
  --shell SHELL   with --rc: zsh, bash or fish alone
  --local-first   with --rc, for zsh and bash: a line that reads what this node has kept of the last login, and asks the
                  program where that does not hold; so a shell starts while the storage hangs that the program lies
                  on. A ~/.zshrc or ~/.bashrc that is a link into shared storage is replaced by a file that reads it
                  while that storage answers. Later runs of --rc keep both, --uninstall takes both back
  --uninstall     take the line and the program back; configuration and state stay
  --dry-run       say what would be done, and do nothing
  --try [SHELL]   open a shell with hpcsh active in a throwaway home, with a sample project; nothing stays
  -c COMMAND      with --try: run this command instead, with its status
  -h, --help      this text

Examples:
  ./install.sh --try                           have a look
  ./install.sh --try zsh -c 'cd project && act && python --version'
  ./install.sh --rc --dry-run                  what would an installation change?
  ./install.sh --rc                            install for yourself
  ./install.sh --from ./hpcsh --prefix /opt/hpcsh
  ./install.sh --shared /gpfs/tools            install for everybody; each user then: the same with --rc
  ./install.sh --shared /gpfs/tools --rc --local-first      a line that does without the storage while it hangs
  ./install.sh --uninstall

Exit codes: 0 done, 1 failed, 2 wrong usage; with -c the status of the command.
END
}

# --- the way out

temporary=
try_dir=

# Whatever ends this script, short of SIGKILL, leaves no temporary file.
clean_up() {
  [ -z "$temporary" ] || rm -f -- "$temporary"
  if [ -n "$try_dir" ]; then
    cd /
    # Package caches like read-only directories, which only root could empty.
    rm -rf -- "$try_dir" 2>/dev/null || { chmod -R u+rwX -- "$try_dir" && rm -rf -- "$try_dir"; } || :
  fi
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 131' QUIT
trap 'exit 141' PIPE
trap 'exit 143' TERM

# --- steps: one code path looks (check), tells (plan) and does (apply), so that the plan cannot lie

phase=check
steps=0

# Whether to do the step $1 now: while planning it is only told.
step() {
  case $phase in
    check) return 1 ;;
    plan)
      if [ "$steps" -eq 0 ]; then
        if [ "$dry_run" = yes ]; then
          say "$program_name: this would be done (nothing is changed now):"
        else
          say "$program_name: this is done now:"
        fi
      fi
      steps=$((steps + 1))
      say "  $1"
      return 1
      ;;
  esac
}

# --- files

# The directory of a path that has one.
parent() {
  case $1 in
    /*/*) printf '%s\n' "${1%/*}" ;;
    *) printf '/\n' ;;
  esac
}

# Makes an empty file in the directory $1: $temporary. The name tells whose it is if we are killed: numbers of processes
# are a node's own, and the directory may be on storage that many share.
fresh() {
  temporary=$(mktemp "$1/.hpcsh-install.$$.$node.XXXXXX") || fail "cannot write to the directory $1"
}

# Makes the directory $1 and those above it, with the mode that the umask $2 leaves them.
make_dir() {
  (umask "$2" && mkdir -p -- "$1") || fail "cannot make the directory $1"
}

# Refuses where the directory $1 is not there and cannot be made, or nothing can be written into it, which $2 needs.
demand_dir() {
  dir=$1
  while [ ! -e "$dir" ] && [ ! -L "$dir" ]; do
    dir=$(parent "$dir")
  done
  [ -d "$dir" ] || fail "$dir is no directory, so $2 cannot be written" "${3-}"
  { [ -w "$dir" ] && [ -x "$dir" ]; } || fail "$dir is not writable, so $2 cannot be written" "${3-}"
}

# Renames $temporary to $1. It is on the disk before its name is, else a crash could leave an empty file. Not `sync`: an
# old one syncs every file system of the node, and a hung one would never answer. Where dd cannot, the rename alone must do.
settle() {
  dd if=/dev/null of="$temporary" conv=notrunc,fsync 2>/dev/null || :
  mv -f -- "$temporary" "$1" || fail "cannot replace $1"
  temporary=
}

# Removes what killed runs left in the directory $1; not what a run has that is still alive, nor where we may not.
sweep() {
  [ -w "$1" ] || return 0
  case "
$swept
" in
    *"
$1
"*) return 0 ;;
  esac
  swept="$swept
$1"
  for left in "$1"/.hpcsh-install.*; do
    if [ ! -f "$left" ] || [ -L "$left" ]; then
      continue
    fi
    of=${left##*/.hpcsh-install.}
    pid=${of%%.*}
    of=${of#*.}
    case $pid in
      '' | *[!0-9]*) continue ;;
    esac
    if [ "${of%.*}" != "$node" ] && [ "$of" != "${of%.*}" ]; then
      # Another node's, whose processes cannot be seen from here: no run takes a day.
      [ -n "$(find "$left" -mtime +0)" ] || continue
    elif [ "$pid" != $$ ] && kill -0 "$pid" 2>/dev/null; then
      # In a container the same number comes back: one of ours that we have not made is from an earlier run.
      continue
    fi
    step "remove   $left (left by a run that was killed)" || continue
    rm -f -- "$left" || fail "cannot remove $left"
  done
}

# Mode, owner and group of the file $1.
ownership() {
  # shellcheck disable=SC2012 # stat is no POSIX tool, and the name is not looked at
  ls -ldn -- "$1" | sed -n '1s/^\(..........\)[^ ]* *[0-9]* *\([0-9]*\) *\([0-9]*\) .*/\1 \2 \3/p'
}

# Whether others may change the file or directory $1, be it by its group. In a sticky directory each only what is his.
is_open() {
  case $(ownership "$1") in
    ?????????[tT]*) return 1 ;;
    ?????w* | ????????w*) ;;
    *) return 1 ;;
  esac
}

# Whether the file $1 is this program: the shell code that it carries says so.
is_hpcsh() {
  tr '\000' '\n' <"$1" 2>/dev/null | grep -q _hpcsh_
}

# $1 as one word of a shell, whatever is in it.
quoted() {
  printf "'%s'\n" "$(printf '%s\n' "$1" | sed "s/'/'\\\\''/g")"
}

# --- the line in an rc file

# $1 as one word of fish, in whose quotes a backslash is one.
quoted_for_fish() {
  printf "'%s'\n" "$(printf '%s\n' "$1" | sed "s/[\\\\']/\\\\&/g")"
}

# What the line of the shell $1 calls the program: one word.
#
# On shared storage the shell itself says which machine it is on. zsh asks the kernel when it starts. Of bash BASH_VERSINFO is
# meant: HOSTTYPE may come from a csh, which calls it otherwise, or with a job from a node of the other kind. fish knows no such
# thing and has to ask `uname`.
# shellcheck disable=SC2016 # the other shells expand it
our_word() {
  case ${shared:+shared }$1 in
    'shared zsh') printf '%s\n' "$(quoted "$shared_bin/")"'"$CPUTYPE"/hpcsh' ;;
    'shared bash') printf '%s\n' "$(quoted "$shared_bin/")"'"${BASH_VERSINFO[5]%%-*}"/hpcsh' ;;
    'shared fish') printf '%s\n' "$(quoted_for_fish "$shared_bin/")(uname -m)/hpcsh" ;;
    fish) quoted_for_fish "$program_file" ;;
    *) quoted "$program_file" ;;
  esac
}

# The line for the shell $1, which calls the program $2. A program that is gone must not break a login, nor leave a status.
# shellcheck disable=SC2016 # the other shells expand it
line_for() {
  case $1 in
    fish) printf 'begin; set -l _hpcsh_file %s; if test -x "$_hpcsh_file"; $_hpcsh_file init fish | source; end; end\n' "$2" ;;
    *) printf 'if [ -x %s ]; then eval "$(%s init %s)"; fi\n' "$2" "$2" "$1" ;;
  esac
}

# The line of this installation for the shell $1.
our_line() {
  line_for "$1" "$(our_word "$1")"
}

# What a line that reads the node's own file first begins with.
# shellcheck disable=SC2016 # the other shells expand it
local_start='_hpcsh_login=${HPCSH_LOCAL_DIR:-/var/tmp/hpcsh-$UID}'

# The same line for zsh or bash, reading first what the node has kept of the last login. It is read where only we can have
# written it, and says itself whether it holds: for this boot, host, network, home. $2 is `guarded` in a file that can tell
# whether the storage of the program answers.
# shellcheck disable=SC2016 # the other shells expand it
our_local_line() {
  guard=
  if [ "$2" = guarded ] && leads_to_shared "$bin"; then
    guard="hpcsh_rc_answers $(our_word "$1") && "
  fi
  file=\$_hpcsh_login/login.$1
  printf '%s; if %s || ! %s && %s\n' "$local_start" \
    "[[ \$_hpcsh_login != /* || ! -O \$_hpcsh_login || -L \$_hpcsh_login || ! -f $file || ! -O $file || -L $file ]]" \
    "\\builtin source \"$file\"" \
    "$guard$(line_for "$1" "$(our_word "$1")" | sed 's/^if //')"
}

# Whether the line $1 is one that reads the node's own file first.
is_local_line() {
  case $1 in
    "$local_start"*) ;;
    *) return 1 ;;
  esac
}

# The rc file of the shell $1.
rc_of() {
  case $1 in
    zsh)
      zdotdir=${ZDOTDIR:-$HOME}
      printf '%s\n' "${zdotdir%/}/.zshrc"
      ;;
    bash) printf '%s\n' "$HOME/.bashrc" ;;
    fish)
      case ${XDG_CONFIG_HOME-} in
        /*) printf '%s\n' "${XDG_CONFIG_HOME%/}/fish/config.fish" ;;
        *) printf '%s\n' "$HOME/.config/fish/config.fish" ;;
      esac
      ;;
  esac
}

# The lines of the file $1 that match $2, by number. NUL would end a line for some tools.
numbers() {
  tr '\000' '\001' <"$1" | sed -n "/^[[:blank:]]*$2/="
}

# The line $2 of the file $1.
line_at() {
  tr '\000' '\001' <"$1" | sed -n "$2p"
}

# Finds our block in the file $1, called $2 in messages: $begin (empty: none), $note, $line. Refuses anything odd: what is
# not exactly as we wrote it may be the user's.
find_block() {
  begin='' note='' line=''
  begins=$(numbers "$1" "$begin_mark")
  ends=$(numbers "$1" "$end_mark")
  [ -n "$begins$ends" ] || return 0
  odd="mend or remove the lines of hpcsh's block by hand (\"$begin_mark\", one line, \"$end_mark\"), then run this again"
  # shellcheck disable=SC2086 # numbers, one a line
  set -- "$1" "$2" $begins
  [ $# -ge 3 ] || fail "$2:${ends%%
*}: an end marker without its begin marker" "$odd"
  [ $# -eq 3 ] || fail "$2:$4: a second begin marker" "$odd"
  begin=$3
  # shellcheck disable=SC2086
  set -- "$1" "$2" $ends
  [ $# -ge 3 ] || fail "$2:$begin: a begin marker without its end marker" "$odd"
  [ $# -eq 3 ] || fail "$2:$4: a second end marker" "$odd"
  [ "$3" -gt "$begin" ] || fail "$2:$3: an end marker before its begin marker" "$odd"
  [ "$3" -eq $((begin + 2)) ] || fail "$2:$begin: the block has not exactly one line" "$odd"
  note=$(line_at "$1" "$begin")
  case $note in
    "$begin_mark" | "$begin_mark$note_newline" | "$begin_mark$note_new" | "$begin_mark$note_link") note=${note#"$begin_mark"} ;;
    *) fail "$2:$begin: this marker is not as $program_name writes it" "$odd" ;;
  esac
  [ "$(line_at "$1" "$3")" = "$end_mark" ] || fail "$2:$3: this marker is not as $program_name writes it" "$odd"
  line=$(line_at "$1" $((begin + 1)))
}

# Prints the file $1 without the block at line $2 whose note is $3. The newline that we added goes with the block, unless
# something has come to stand behind it since.
without_block() {
  if [ "$3" = "$note_newline" ] && [ "$2" -gt 1 ] && [ "$(tail -n +"$(($2 + 3))" "$1" | wc -c)" -eq 0 ]; then
    head -c "$(($(head -n "$(($2 - 1))" "$1" | wc -c) - 1))" "$1"
  else
    head -n "$(($2 - 1))" "$1" && tail -n +"$(($2 + 3))" "$1"
  fi
}

# Looks at the rc file $1: $rc, $target (the file itself, behind links), $exists, and the block in it.
look() {
  rc=$1 target=$1 exists=no begin='' note='' line=''
  if [ -L "$rc" ]; then
    { target=$(readlink -f -- "$rc") && [ -e "$target" ]; } ||
      fail "$rc is a link to a file that is not there" "make that file, or remove the link"
  fi
  [ -e "$target" ] || return 0
  exists=yes
  [ -f "$target" ] || fail "$rc is no file"
  [ -r "$target" ] || fail "$rc cannot be read" "it belongs to another user, or chmod u+r it"
  find_block "$target" "$rc"
}

# Refuses where the rc file that was looked at, or what comes beside it, could not be written.
demand_writable() {
  for each_dir in "$(parent "$rc")" "$(parent "$target")"; do
    # A directory that $ZDOTDIR names is the user's to make; that of fish's file is fish's, which would make it as well.
    case $rc in
      */fish/config.fish) demand_dir "$each_dir" "$rc" ;;
      *) [ -d "$each_dir" ] || fail "$each_dir is no directory, so $rc cannot be written" "make it first" ;;
    esac
    [ ! -d "$each_dir" ] || { [ -w "$each_dir" ] && [ -x "$each_dir" ]; } ||
      fail "$each_dir is not writable, so $rc cannot be replaced"
  done
  if [ "$exists" = yes ] && [ ! -w "$target" ]; then
    fail "$rc is not writable" "make it writable (chmod u+w), or add the line by hand"
  fi
}

# Makes $temporary a file like the rc file in mode and owner, beside it.
fresh_like_target() {
  fresh "$(parent "$target")"
  cp -p -- "$target" "$temporary" || fail "cannot copy $target"
  [ "$(ownership "$target")" = "$(ownership "$temporary")" ] ||
    fail "$rc belongs to somebody else: replacing it would change its owner or group" "run this as the owner of the file"
}

# Gives $backup, where it is there, a number.
move_backup() {
  if [ -e "$backup" ] || [ -L "$backup" ]; then
    number=1
    while [ -e "$backup.$number" ] || [ -L "$backup.$number" ]; do
      number=$((number + 1))
    done
    mv -- "$backup" "$backup.$number" || fail "cannot rename $backup"
  fi
}

# Keeps the rc file as it is now. An earlier copy that says something else is the user's by now: it gets a number.
back_up() {
  backup=$rc.before-hpcsh
  if [ -f "$backup" ] && cmp -s "$target" "$backup"; then
    return 0
  fi
  move_backup
  fresh "$(parent "$rc")"
  cp -p -- "$target" "$temporary" || fail "cannot copy $target"
  settle "$backup"
}

# Brings the line $2 into the rc file $1.
add_line() {
  look "$1"
  wanted=$2
  sweep "$(parent "$target")"
  sweep "$(parent "$rc")"
  [ "$line" != "$wanted" ] || return 0
  demand_writable
  if [ "$exists" = no ]; then
    step "make     $rc with the line: $wanted" || return 0
    make_dir "$(parent "$target")" "$caller_umask"
    fresh "$(parent "$target")"
    printf '%s\n' "$begin_mark$note_new" "$wanted" "$end_mark" >"$temporary" || fail "cannot write $temporary"
    # Without `u`, `g` or `o` the umask counts, as for any file that the user makes.
    chmod '=rw' "$temporary" || fail "cannot write $temporary"
    settle "$target"
    return 0
  fi
  if [ -n "$begin" ]; then
    step "update   $rc, line $((begin + 1)): $wanted" || return 0
    fresh_like_target
    { head -n "$begin" "$target" && printf '%s\n' "$wanted" && tail -n +$((begin + 2)) "$target"; } >"$temporary" ||
      fail "cannot write $temporary"
  else
    # No newline at the end, or one that a backslash takes away: the block brings its own.
    note=
    case $(tail -c 2 "$target" | tr '\000\n' '\001\002') in
      "$(printf '\\\002')") note=$note_newline ;;
      *"$(printf '\002')" | '') ;;
      *\\) fail "$rc: the last line ends in a backslash, which would join the block to it" "end that line first" ;;
      *) note=$note_newline ;;
    esac
    step "back up  $rc as $rc.before-hpcsh" || :
    step "add to   $rc: $wanted" || return 0
    back_up
    fresh_like_target
    {
      cat "$target" &&
        { [ -z "$note" ] || printf '\n'; } &&
        printf '%s\n' "$begin_mark$note" "$wanted" "$end_mark"
    } >"$temporary" || fail "cannot write $temporary"
  fi
  check_new
  settle "$target"
}

# Refuses a new rc file from which the old one could not be had again.
check_new() {
  old_begin=$begin old_note=$note
  find_block "$temporary" "$rc (as it would be)"
  [ "$line" = "$wanted" ] || fail "$rc could not be edited safely; it is unchanged" "add the line by hand: $wanted"
  if [ -z "$old_begin" ]; then
    without_block "$temporary" "$begin" "$note" | cmp -s - "$target"
  else
    [ "$note" = "$old_note" ] && [ "$begin" = "$old_begin" ] &&
      [ "$(without_block "$temporary" "$begin" "$note" | cksum)" = "$(without_block "$target" "$begin" "$note" | cksum)" ]
  fi || fail "$rc could not be edited safely; it is unchanged" "add the line by hand: $wanted"
}

# Takes the block out of the rc file $1, and the backup away where it says nothing more than the file.
take_line() {
  sweep "$(parent "$1")"
  [ -e "$1" ] || [ -L "$1" ] || return 0
  # A link into a dotfiles directory that is not mounted has no block to take.
  [ -e "$1" ] || { say "$program_name: $1 is a link to a file that is not there: left alone" && return 0; }
  look "$1"
  sweep "$(parent "$target")"
  backup=$rc.before-hpcsh
  if [ -n "$begin" ]; then
    demand_writable
    case $line in
      "$(our_line zsh)" | "$(our_line bash)" | "$(our_line fish)") ;;
      "$(our_local_line zsh '')" | "$(our_local_line bash '')") ;;
      "$(our_local_line zsh guarded)" | "$(our_local_line bash guarded)") ;;
      *) others="$others
$line" ;;
    esac
    ! is_local_line "$line" || take_kept
    if [ "$note" = "$note_link" ]; then
      take_stand_in
      return 0
    fi
    if step "restore  $rc: lines $begin to $((begin + 2)) go"; then
      fresh_like_target
      without_block "$target" "$begin" "$note" >"$temporary" || fail "cannot write $temporary"
      if [ "$note" = "$note_new" ] && [ ! -s "$temporary" ]; then
        rm -f -- "$temporary" "$target" || fail "cannot remove $target"
        temporary=
      else
        settle "$target"
      fi
    fi
  fi
  if [ -L "$rc" ] && [ -L "$backup" ] && [ "$(readlink -- "$rc")" = "$(readlink -- "$backup")" ]; then
    # Of a run that was killed before the link was replaced.
    step "remove   $backup, which says the same" || return 0
    rm -f -- "$backup" || fail "cannot remove $backup"
  fi
  [ -f "$backup" ] && [ ! -L "$backup" ] || return 0
  # While planning the block is still there: compare with what the file will be.
  if [ "$phase" != apply ] && [ -n "$begin" ]; then
    without_block "$target" "$begin" "$note" | cmp -s - "$backup" && same=yes || same=no
  else
    cmp -s "$target" "$backup" && same=yes || same=no
  fi
  if [ "$same" = yes ]; then
    step "remove   $backup, which says the same" || return 0
    rm -f -- "$backup" || fail "cannot remove $backup"
  elif [ "$phase" = plan ]; then
    say "$program_name: $backup differs from what $rc will be: left alone"
  fi
}

# --- an rc file that is a link into shared storage

# Whether the path $1 leads to storage that another machine, or a program, answers for. The kernel's table of mounts tells;
# nothing is looked at that does not lie in a local mount, since that may hang. Links are followed, and `..` after them.
leads_to_shared() {
  ahead=$1 at='' links=0
  while [ -n "$ahead" ]; do
    part=${ahead%%/*}
    case $ahead in
      */*) ahead=${ahead#*/} ;;
      *) ahead= ;;
    esac
    case $part in
      '' | .) continue ;;
      ..)
        at=${at%/*}
        continue
        ;;
    esac
    at=$at/$part
    ! is_on_shared "$at" || return 0
    [ -L "$at" ] || continue
    links=$((links + 1))
    [ "$links" -le 40 ] || return 1
    link=$(readlink -- "$at") || return 1
    case $link in
      /*) at= ;;
      *) at=${at%/*} ;;
    esac
    ahead=$link/$ahead
  done
  return 1
}

# Whether the mount that holds the path $1, which has no links in it, is shared storage: src/host/mounts.rs has the same list.
# The root counts as local, whatever it is: this shell lies there too.
is_on_shared() {
  path=$1 found='' type=''
  case $path in
    *[!A-Za-z0-9_./-]*) path=$(printf '%s\n' "$path" | sed 's/\\/\\134/g; s/ /\\040/g; s/	/\\011/g') ;;
  esac
  # `ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG…] - TYPE SOURCE SUPER`. A later one hides an earlier one at its place.
  while read -r _ _ _ _ point rest; do
    case $path/ in
      "$point"/*)
        if [ "${#point}" -ge "${#found}" ]; then
          found=$point
          type=${rest#* - }
          type=${type%% *}
        fi
        ;;
    esac
  done 2>/dev/null </proc/self/mountinfo || :
  case $type in
    9p | afs | autofs | beegfs | ceph | cifs | coda | cvfs | dvs | fhgfs | fuse | fuse.* | gfs2 | glusterfs | gpfs | kafs | lustre) ;;
    mmfs | ncpfs | nfs | nfs4 | ocfs2 | orangefs | panfs | pvfs2 | smb3 | smbfs | virtiofs | wekafs) ;;
    *) return 1 ;;
  esac
}

# Where the link $1 leads, one step, as an absolute path.
link_of() {
  link=$(readlink -- "$1")
  case $link in
    /*) printf '%s\n' "$link" ;;
    *) printf '%s/%s\n' "$(parent "$1")" "$link" ;;
  esac
}

# What stands in place of the link: our line, then the file $2, which zsh or bash ($1) reads while its storage answers.
#
# One text for both shells, which must work where nothing else does: the storage may hang just now for the first time.
stand_in() {
  sed "s/login\\.SHELL\$/login.$1/" <<'END'
# Of hpcsh (install.sh --rc --local-first), in place of a link: what it led to lies on storage that may hang, and is read below
# while that answers. `install.sh --uninstall` brings the link back.

# Whether the process that the record $1 names, `PROCESS SINCE`, still lives. Left in `age`: hundredths of a second since then.
function hpcsh_rc_held {
  id='' since='' age=0
  if [[ ! -f $1 || ! -O $1 || -L $1 ]]; then
    \return 1
  fi
  {
    IFS=' ' \builtin read -r id since rest <"$1"
    IFS=' ' \builtin read -r now rest </proc/uptime
    if [[ -z $id || $id == *[^0-9]* || -z $since || $since == *[^0-9]* ]]; then
      \return 1
    fi
    name='' began=''
    IFS=' ' \builtin read -r rest name state rest rest rest rest rest rest rest rest rest rest rest rest rest rest rest rest rest rest began rest </proc/"$id"/stat
  } 2>/dev/null
  # Not a later process of the same number, nor one that has ended.
  if [[ $name != *')' || $state == [ZXx] || -z $began || $began == *[^0-9]* ]] || ((10#$began > 10#$since)); then
    \return 1
  fi
  age=$((10#${now/./} - 10#$since))
  ((age >= 0))
}

# In a process of its own: looks at the file $2, and leaves the record $1 while it does; says whether it can be read. While another
# looks, it waits; where that one has come through, storage answers, and nobody need queue.
function hpcsh_rc_look {
  # What hangs ignores signals: so it takes its record away when it comes through.
  \builtin trap '' HUP INT QUIT PIPE TERM TSTP
  \exec </dev/null 2>/dev/null
  if [[ -z ${ZSH_VERSION-} ]]; then
    # The terminal.
    \exec 255>&-
  fi
  \set +e +u -C
  IFS=' ' \builtin read -r me rest </proc/self/stat
  while [[ -n $1 ]]; do
    IFS=' ' \builtin read -r now rest </proc/uptime
    now="$me $((10#${now/./}))"
    if \builtin printf '%s\n' "$now" >"$1"; then
      mine=1
      \break
    elif hpcsh_rc_held "$1"; then
      if ((age >= limit)); then
        \builtin exit
      elif [[ -n $first && $first != "$id" ]]; then
        \break
      fi
      first=$id
    elif [[ ! -e $1 && ! -L $1 ]]; then
      if [[ -n $first ]]; then
        \break
      fi
    elif ((++odd > 2)); then
      # Of one that has ended, or is none. Two may find it at once: the second to write has it.
      \builtin printf '%s\n' "$now" >|"$1" || \break
      \builtin read -r -t 0.02 rest <>/proc/self/fd/1
      IFS= \builtin read -r rest <"$1"
      if [[ $rest == "$now" ]]; then
        mine=1
        \break
      fi
    fi
    # Nothing comes from a pipe that only we write.
    \builtin read -r -t 0.005 rest <>/proc/self/fd/1
  done
  id=n
  if [[ -r $2 ]]; then
    IFS= \builtin read -r rest <"$2"
    id=y
  fi
  # Before anybody hears of it: who comes next finds no record of one that is through.
  if [[ -n $mine ]]; then
    PATH=/usr/bin:/bin:/run/current-system/sw/bin
    \command rm -f "$1"
  fi
  \builtin printf '%s\n' "$id"
}

# Whether the storage of the file $1 answers, and the file can be read: of all shells of this node's at most one process waits
# for that, each shell no longer than `node.storage_wait`. Where it does not answer, the first prompt says so.
function hpcsh_rc_answers {
  if [[ -n ${ZSH_VERSION-} ]]; then
    \builtin emulate -L zsh
  fi
  \local dir='' record='' id='' since='' age='' now='' rest='' name='' state='' began='' me='' mine='' first='' odd=0 limit='' patience='' said='' fd=''
  for dir in "${XDG_RUNTIME_DIR:-/nowhere}/hpcsh" "/dev/shm/hpcsh-$UID" "/tmp/hpcsh-$UID" "${HPCSH_LOCAL_DIR:-/var/tmp/hpcsh-$UID}" ''; do
    # A runtime directory elsewhere may hang.
    if [[ $dir == */hpcsh && $dir != /run/* && $dir != /tmp/* && $dir != /dev/shm/* && $dir != /var/* ]]; then
      \continue
    elif [[ -d $dir && -O $dir && ! -L $dir ]]; then
      \break
    fi
  done
  # How long the configuration of the last login lets one wait.
  rest=${HPCSH_LOCAL_DIR:-/var/tmp/hpcsh-$UID}/login.SHELL
  if [[ -f $rest && -O $rest && ! -L $rest ]]; then
    IFS=' ' \builtin read -r id id id limit rest <"$rest"
  fi
  if [[ -z $limit || $limit == *[^0-9]* ]] || ((10#$limit < 10)); then
    limit=300
  fi
  rest=$((10#$limit % 1000 + 1000))
  patience=$((10#$limit / 1000)).${rest#1}
  limit=$((10#$limit / 10))
  # The program's own reader and ours are one, where this shell knows the name of its record.
  record=${dir:+$dir/rc-reader}
  if [[ -n $record ]] && hpcsh_rc_held "$record" && ((age >= limit)); then
    said=hangs
  elif [[ ${_hpcsh_loaded-} == "$$" && -n ${_hpcsh_memory-} ]]; then
    record=$_hpcsh_memory-reader
    if hpcsh_rc_held "$record" && ((age >= limit)); then
      said=hangs
    fi
  fi
  if [[ -z $said ]]; then
    # Not a redirection of the command: zsh would wait for the process.
    \exec {fd}< <(hpcsh_rc_look "$record" "$1")
    IFS=' ' \builtin read -r -t "$patience" -u "$fd" said || said=hangs
    \exec {fd}<&-
  fi
  if [[ $said == hangs && ${_hpcsh_loaded-} == "$$" ]]; then
    _hpcsh_call prompt _hpcsh_stale "${record:-/dev/null}" "$1 does not answer: it is left out"
  elif [[ $said == hangs ]]; then
    \builtin export "HPCSH_STORAGE=stale"
    \builtin printf 'hpcsh: %s does not answer: it is left out\n' "$1" >&2
  fi
  [[ $said == y ]]
}

END
  printf '%s\n' "$begin_mark$note_link" "$(our_local_line "$1" guarded)" "$end_mark" ''
  printf 'if hpcsh_rc_answers %s; then\n' "$(quoted "$2")"
  printf '  \\builtin unset -f hpcsh_rc_answers hpcsh_rc_look hpcsh_rc_held\n'
  printf '  \\builtin source %s\n' "$(quoted "$2")"
  printf 'else\n  \\builtin unset -f hpcsh_rc_answers hpcsh_rc_look hpcsh_rc_held\nfi\n'
}

# Puts such a file in place of the link $2, the rc file of the shell $1.
put_stand_in() {
  rc=$2 target=$2 exists=no
  led=$(link_of "$rc")
  sweep "$(parent "$rc")"
  demand_writable
  step "keep     the link $rc as $rc.before-hpcsh" || :
  step "replace  $rc by a file with the line, which reads $led while that answers" || return 0
  backup=$rc.before-hpcsh
  link=$(readlink -- "$rc")
  if ! { [ -L "$backup" ] && [ "$(readlink -- "$backup")" = "$link" ]; }; then
    move_backup
    ln -s -- "$link" "$backup" || fail "cannot make the link $backup"
  fi
  fresh "$(parent "$rc")"
  stand_in "$1" "$led" >"$temporary" || fail "cannot write $temporary"
  chmod '=rw' "$temporary" || fail "cannot write $temporary"
  settle "$rc"
}

# Takes the file that was looked at away again: the link comes back in one step. What somebody has added to it is kept.
take_stand_in() {
  [ -L "$backup" ] || fail "$backup, the link that $rc stands for, is gone" "put it back with ln -s, or edit $rc by hand"
  led=$(link_of "$backup")
  shell=${rc##*/.}
  edited=no
  [ "$(stand_in "${shell%rc}" "$led" | grep -vxF "$(our_local_line "${shell%rc}" guarded)" | cksum)" = \
    "$(grep -vxF "$line" "$rc" | cksum)" ] || edited=yes
  if [ "$edited" = yes ]; then
    step "keep     $rc, which was edited, as $rc.edited" || :
  fi
  if step "restore  $rc, the link to $(readlink -- "$backup")"; then
    if [ "$edited" = yes ]; then
      fresh "$(parent "$rc")"
      cp -p -- "$rc" "$temporary" || fail "cannot copy $rc"
      settle "$rc.edited"
    fi
    mv -f -- "$backup" "$rc" || fail "cannot replace $rc"
  fi
  # The line may be in what it leads to as well.
  take_line "$led"
}

# Takes what the node has kept for lines that read it first.
take_kept() {
  dir=${HPCSH_LOCAL_DIR:-/var/tmp/hpcsh-$(id -u)}
  if [ ! -d "$dir" ] || [ -L "$dir" ]; then
    return 0
  fi
  # In a directory that everybody may write, another may have made it.
  case " $(ownership "$dir")" in
    *" $(id -u) "*) ;;
    *) return 0 ;;
  esac
  for each_file in "$dir/login.zsh" "$dir/login.bash"; do
    case "
$taken
" in
      *"
$each_file
"*) continue ;;
    esac
    if [ -f "$each_file" ]; then
      taken="$taken
$each_file"
      step "remove   $each_file" || continue
      rm -f -- "$each_file" || fail "cannot remove $each_file"
    fi
  done
}

# --- the program

# Builds the program: $program. The path is cargo's own word, since targets and target directories are configured anywhere.
build() {
  here=$(cd -- "$(dirname -- "$0")" && pwd -P)
  { [ -f "$here/Cargo.toml" ] && [ -f "$here/shell/hpcsh.zsh" ]; } ||
    fail "$here holds no sources of hpcsh to build" "run install.sh where it lies in a checkout, or name a program with --from FILE"
  cargo=$(command -v cargo) || cargo=${CARGO_HOME:-${HOME-}/.cargo}/bin/cargo
  [ -x "$cargo" ] ||
    fail "cargo is not installed, so hpcsh cannot be built" "install Rust (https://rustup.rs), or name a program with --from FILE"
  [ "$1" = now ] || return 0
  say "$program_name: building with cargo in $here"
  messages=$(cd -- "$here" && LC_ALL=$caller_LC_ALL "$cargo" build --release --locked --bin hpcsh \
    --message-format=json-render-diagnostics </dev/null) ||
    fail "the build failed; cargo says above why" "or name a program with --from FILE"
  program=$(printf '%s\n' "$messages" | sed -n 's/.*"executable":"\([^"]*\/hpcsh\)".*/\1/p' | tail -n 1)
  [ -f "$program" ] || fail "cargo built no program that could be found (\"$program\")" "name it with --from FILE"
}

# Whether the program is in its place as it should be. One that many use must be readable, and writable by its owner alone.
is_in_place() {
  [ -n "$program" ] && [ -f "$program_file" ] && [ -x "$program_file" ] && cmp -s "$program" "$program_file" || return 1
  [ -n "$shared" ] || return 0
  case $(ownership "$program_file") in
    -rwxr-xr-x*) ;;
    *) return 1 ;;
  esac
}

# Brings the program to its directory.
put_program() {
  sweep "$bin"
  ! is_in_place || return 0
  demand_ours
  demand_dir "$bin" "$program_file" "name another place with $place DIR"
  verb='write'
  [ ! -e "$program_file" ] || verb=replace
  if [ -z "$program" ]; then
    step "build    hpcsh with cargo, and write $program_file where it differs" || return 0
  fi
  step "$(printf '%-8s' "$verb") $program_file" || return 0
  make_dir "$bin" "$place_umask"
  fresh "$bin"
  { cp -- "$program" "$temporary" && chmod 755 "$temporary"; } || fail "cannot copy $program to $bin"
  cmp -s "$program" "$temporary" || fail "the copy of $program in $bin is not the same" "is the disk full?"
  # Renamed, never written over: a shell may be running the old one.
  settle "$program_file"
}

# Takes the program away again.
take_program() {
  sweep "$bin"
  [ -e "$program_file" ] || [ -L "$program_file" ] || return 0
  demand_ours
  if [ ! -w "$bin" ]; then
    # Who may only use an installation takes his line back, and that is all.
    [ -n "$shared" ] || fail "$bin is not writable, so $program_file cannot be removed"
    return 0
  fi
  step "remove   $program_file" || return 0
  rm -f -- "$program_file" || fail "cannot remove $program_file"
}

# Refuses a file of that name that is something else.
demand_ours() {
  [ ! -d "$program_file" ] || fail "$program_file is a directory"
  [ ! -e "$program_file" ] || is_hpcsh "$program_file" ||
    fail "$program_file is there and is not hpcsh" "move it away, or name another place with $place DIR"
}

# --- an installation that many share

# The machine that the program is for, as its header says; of a script, or of one that is yet to be built, this machine.
machine() {
  here=$(uname -m)
  case $([ -z "$program" ] || od -An -tx1 -j18 -N2 "$program" | tr -d ' ') in
    3e00) here=x86_64 ;;
    b700) here=aarch64 ;;
  esac
  case $here in
    x86_64 | aarch64) printf '%s\n' "$here" ;;
    *) fail "--shared knows x86_64 and aarch64, and this machine is $here" "install with --prefix DIR instead" ;;
  esac
}

# What the configuration of all is until somebody writes one.
sample() {
  cat <<'END'
# hpcsh: what holds for all who use this installation. A user's own ~/.config/hpcsh/config.toml comes after it and wins;
# `hpcsh config path` lists the files, `hpcsh config check` finds mistakes. Take the `#` away where a line is wanted.
#
#shared_home = "/gpfs"
#state_dir = "$shared_home/home/$USER/.local/state/hpcsh"
#
#[env]
#presets = ["huggingface", "uv", "wandb"]
#[env.set]
#UV_INDEX = "http://nexus.your.mirror/pypi/simple"
#
#[node]
#offline_hosts = ["gpu*"]
#online_hosts = ["login*"]
END
}

# Brings the sample where there is no configuration. One that is there is the site's, whatever it says.
put_sample() {
  sweep "$config_dir"
  if [ -e "$config_file" ] || [ -L "$config_file" ]; then
    return 0
  fi
  demand_dir "$config_dir" "$config_file" "name another place with $place DIR"
  step "write    $config_file, a sample in which every line is a comment" || return 0
  make_dir "$config_dir" "$place_umask"
  fresh "$config_dir"
  { sample >"$temporary" && chmod 644 "$temporary"; } || fail "cannot write $temporary"
  settle "$config_file"
}

# The programs of other machines, one a line.
other_programs() {
  for each in "$shared_bin"/*/hpcsh; do
    if [ -e "$each" ] && [ "$each" != "$program_file" ]; then
      printf '%s\n' "$each"
    fi
  done
}

# Takes the sample back where it is as we wrote it, and no other machine's program is left that might read it.
take_sample() {
  sweep "$config_dir"
  [ -f "$config_file" ] && [ -w "$config_dir" ] && [ -z "$(other_programs)" ] && sample | cmp -s - "$config_file" || return 0
  [ -w "$bin" ] || [ ! -e "$program_file" ] || return 0
  step "remove   $config_file, which is the sample" || return 0
  rm -f -- "$config_file" || fail "cannot remove $config_file"
}

# Takes back the directories that bear our names, where nothing is in them any more.
take_dirs() {
  for dir in "$bin" "$config_dir"; do
    if [ ! -d "$dir" ] || [ ! -w "$(parent "$dir")" ]; then
      continue
    elif [ "$phase" = apply ]; then
      rmdir -- "$dir" 2>/dev/null || :
    elif [ -z "$(ls -A -- "$dir")" ]; then
      step "remove   $dir, which is empty" || :
    fi
  done
}

# Tells of directories on the way to the programs, and of a configuration, that others can write. The names of links count
# as well as what they lead to.
warn_open() {
  [ "$phase" = plan ] || return 0
  told='
'
  real=$bin
  while [ ! -d "$real" ]; do
    real=$(parent "$real")
  done
  warn_open_way "$bin"
  warn_open_way "$(cd -- "$real" && pwd -P)"
  if [ -f "$config_file" ] && is_open "$(readlink -f -- "$config_file")"; then
    say "$program_name: warning: others can write $config_file, so hpcsh will not read it
hint: chmod go-w $(quoted "$config_file")"
  fi
}

# The same for the directory $1 and those above it.
warn_open_way() {
  way=$1
  while :; do
    if [ -d "$way" ] && is_open "$way/."; then
      case $told in
        *"
$way
"*) ;;
        *)
          told="$told$way
"
          say "$program_name: warning: others can write $way: whoever can runs code in every shell that uses this installation
hint: chmod go-w $(quoted "$way")"
          ;;
      esac
    fi
    [ "$way" != / ] || return 0
    way=$(parent "$way")
  done
}

# --- install and uninstall

# All rc files that may be ours, one a line: ZDOTDIR and XDG_CONFIG_HOME may have come or gone since.
rc_files() {
  for each in zsh bash fish; do
    rc_of "$each"
  done
  [ "$(rc_of zsh)" = "$HOME/.zshrc" ] || printf '%s\n' "$HOME/.zshrc"
  [ "$(rc_of fish)" = "$HOME/.config/fish/config.fish" ] || printf '%s\n' "$HOME/.config/fish/config.fish"
}

# A login shell of bash's reads none of the files that we edit; a home that is made anew each time has nothing else either.
warn_login_bash() {
  if [ "$phase" = plan ] && [ "$steps" -gt 0 ] &&
    [ ! -e "$HOME/.bash_profile" ] && [ ! -e "$HOME/.bash_login" ] && [ ! -e "$HOME/.profile" ]; then
    say "$program_name: a login bash reads ~/.bash_profile or ~/.profile, and neither is there
hint: let one of them say: [ ! -f ~/.bashrc ] || . ~/.bashrc"
  fi
}

# Brings the line to the rc file of the shell $1: the one that reads the node's own file first where that is asked for, or there.
put_line() {
  file=$(rc_of "$1")
  if [ "$1" = fish ]; then
    before=$steps
    add_line "$file" "$(our_line fish)"
    [ "$local_first$phase" != yesplan ] || [ "$before" -eq "$steps" ] ||
      say "$program_name: fish gets the usual line, which asks the program: --local-first is for zsh and bash"
    return 0
  fi
  if [ -L "$file" ] && leads_to_shared "$file"; then
    if [ "$local_first" = yes ]; then
      put_stand_in "$1" "$file"
      # The line in what it leads to has become a second one: it is not to ask the program either.
      look "$led"
      [ -z "$begin" ] || add_line "$led" "$(our_local_line "$1" '')"
      return 0
    elif [ "$phase" = plan ]; then
      say "$program_name: $file leads to shared storage: no shell starts while that hangs, unless you say --local-first"
    fi
  fi
  look "$file"
  if [ "$note" = "$note_link" ]; then
    add_line "$file" "$(our_local_line "$1" guarded)"
  elif [ "$local_first" = yes ] || is_local_line "$line"; then
    add_line "$file" "$(our_local_line "$1" '')"
  else
    add_line "$file" "$(our_line "$1")"
  fi
}

# Tells of other files that a shell reads at its start, and that hang with shared storage.
warn_other_links() {
  [ "$phase$local_first" = planyes ] && [ "$steps" -gt 0 ] || return 0
  for each in .zshenv .zprofile .zlogin .bash_profile .bash_login .profile .inputrc .bash_history; do
    if [ -L "$HOME/$each" ] && leads_to_shared "$HOME/$each"; then
      say "$program_name: warning: ~/$each leads to shared storage: a shell that reads it does not start while that hangs"
    fi
  done
}

install_all() {
  swept=
  put_program
  if [ -n "$shared" ]; then
    put_sample
    warn_open
  fi
  for shell in $shells; do
    put_line "$shell"
  done
  warn_other_links
  case " $shells " in
    *' bash '*) warn_login_bash ;;
  esac
}

uninstall_all() {
  swept='' others='' taken=''
  # The line first: a program without a line harms nobody.
  each=$(rc_files)
  set -f
  IFS='
'
  # shellcheck disable=SC2086 # one a line
  set -- $each
  IFS=' 	
'
  set +f
  for each in "$@"; do
    take_line "$each"
  done
  take_program
  if [ -n "$shared" ]; then
    take_sample
    take_dirs
  fi
}

# Checks, tells, does $1; what there is to say when nothing is to do: $2.
carry_out() {
  phase=check
  "$1"
  if [ "$1" = install_all ] && [ -z "$program" ] && [ "$dry_run" = no ]; then
    build now
  fi
  phase=plan
  "$1"
  if [ "$steps" -eq 0 ]; then
    say "$program_name: $2"
  elif [ "$dry_run" = no ]; then
    phase=apply
    "$1"
    say "$program_name: done"
  fi
}

# What stays after uninstalling, and where.
say_what_stays() {
  for each in "${XDG_CONFIG_HOME:-$HOME/.config}/hpcsh" "$HOME/.local/state/hpcsh" "/var/tmp/hpcsh-$(id -u)"; do
    [ ! -e "$each" ] || say "$program_name: left alone: $each (configuration and state are yours; so is a state_dir that you configured)"
  done
  if [ -n "$shared" ]; then
    for each in "$program_file" "$config_file"; do
      [ ! -e "$each" ] || say "$program_name: left alone: $each (others may use it)"
    done
    other_programs | while IFS= read -r each; do
      say "$program_name: left alone: $each (nodes of that kind use it)"
    done
  fi
  [ -z "$others" ] || say "$program_name: a line named another program than $program_file:$others
hint: remove that one with --uninstall --prefix DIR, or --shared DIR"
}

# --- try

# $1 as a TOML string in which `$` stands for itself.
toml() {
  printf '"%s"\n' "$(printf '%s\n' "$1" | sed -e 's/[\\"]/\\&/g' -e 's/\$/$$/g')"
}

# An environment at $1 without the network: Python's own, else one made by hand, which `act` enters all the same.
make_environment() {
  if env -i PATH="$PATH" HOME="$try_dir/home" LD_LIBRARY_PATH="${LD_LIBRARY_PATH-}" \
    python3 -B -I -m venv --without-pip --prompt project "$1" </dev/null >/dev/null 2>&1 && [ -e "$1/bin/python" ]; then
    return 0
  fi
  rm -rf -- "$1"
  python=$(command -v python3) || python=$(command -v sh)
  mkdir -p -- "$1/bin"
  ln -s -- "$python" "$1/bin/python"
  printf '%s\n' "home = $(parent "$python")" 'include-system-site-packages = false' 'prompt = project' >"$1/pyvenv.cfg"
}

# Becomes the command $@ in the throwaway home, with the variables of a fresh login. What else the caller has (HF_HOME, XDG_*,
# ZDOTDIR, an active environment) leads out of that home.
try_shell() {
  set -- "HOME=$try_dir/home" "TMPDIR=$try_dir/tmp" "SHELL=$shell_file" "PATH=$try_dir/bin:$PATH" \
    "HPCSH_LOCAL_DIR=$try_dir/local" "XDG_RUNTIME_DIR=$try_dir/tmp" "$@"
  for name in USER LOGNAME TERM COLORTERM TERMINFO TERMINFO_DIRS LANG LANGUAGE LC_CTYPE LC_MESSAGES LC_COLLATE LC_TIME \
    LC_NUMERIC TZ NO_COLOR CLICOLOR_FORCE LD_LIBRARY_PATH; do
    eval "value=\${$name-}"
    [ -z "$value" ] || set -- "$name=$value" "$@"
  done
  [ -z "$caller_LC_ALL" ] || set -- "LC_ALL=$caller_LC_ALL" "$@"
  cd -- "$try_dir/home"
  umask "$caller_umask"
  exec env -i "$@"
}

try() {
  if [ "$dry_run" = yes ]; then
    [ -n "$program" ] || say "$program_name: would build hpcsh with cargo"
    say "$program_name: would open $shell in a throwaway directory below ${TMPDIR:-/tmp}, and remove it afterwards"
    return 0
  fi
  [ -n "$program" ] || build now
  # `--help`, since everything else reads a configuration of the caller's.
  "$program" --help >/dev/null 2>&1 || fail "$program does not run here" "is it built for this machine?"
  umask 077
  try_dir=$(mktemp -d "${TMPDIR:-/tmp}/hpcsh-try.XXXXXX") || fail "cannot make a directory in ${TMPDIR:-/tmp}" "set TMPDIR"
  try_dir=$(cd -- "$try_dir" && pwd -P)
  mkdir -p "$try_dir/bin" "$try_dir/tmp" "$try_dir/home/.config/hpcsh" "$try_dir/shared/project"
  # A link, not a copy: temporary directories are often mounted so that nothing in them can be run.
  ln -s -- "$program" "$try_dir/bin/hpcsh"
  cat >"$try_dir/home/.config/hpcsh/config.toml" <<END
# The configuration of \`install.sh --try\`. Your own begins with \`hpcsh config init\`.
shared_home = $(toml "$try_dir/shared")
state_dir = "\$shared_home/state"
local_dir = $(toml "$try_dir/local")

[env]
presets = ["huggingface", "uv", "wandb"]

[node]
verdict = "offline"  # as on a compute node
END
  cat >"$try_dir/shared/project/README.md" <<'END'
# A sample project

It lies on the shared home, with its environment in `.venv`. `act` enters it, `deactivate` leaves it.
END
  ln -s ../shared/project "$try_dir/home/project"
  make_environment "$try_dir/shared/project/.venv"
  printf '%s\n' "$begin_mark" "$(line_for "$shell" "$(quoted "$try_dir/bin/hpcsh")")" "$end_mark" >"$try_dir/home/.${shell}rc"

  if [ "$has_command" = no ]; then
    say "hpcsh is active in this $shell. Its home and its shared home are thrown away when you leave. Try:
  cd project && act      enter the sample project and its environment
  hpcsh env --explain    the variables that it sets, each with its reason
  hpcsh_off              take hpcsh out of this shell again
  exit                   leave; nothing stays"
    (try_shell "$shell_file" -i) || status=$?
  elif [ "$shell" = bash ]; then
    # Without a terminal bash complains about job control before it reads anything: that goes, what follows stays.
    printf '%s\n' 'exec 2>&9 9>&-' | cat - "$try_dir/home/.bashrc" >"$try_dir/tmp/rc"
    mv -f "$try_dir/tmp/rc" "$try_dir/home/.bashrc"
    (try_shell "$shell_file" -i -c "$command") 9>&2 2>/dev/null || status=$?
  else
    (try_shell "$shell_file" -i -c "$command") || status=$?
  fi
}

# The shell to try: the user's own, else what there is.
choose_shell() {
  if [ -z "$shell" ]; then
    shell=${SHELL-}
    shell=${shell##*/}
    case $shell in
      zsh | bash) command -v "$shell" >/dev/null || shell= ;;
      *) shell= ;;
    esac
  fi
  if [ -z "$shell" ]; then
    if command -v zsh >/dev/null; then
      shell=zsh
    else
      shell=bash
    fi
  fi
  shell_file=$(command -v "$shell") || fail "$shell is not installed" "--try is for zsh and bash"
}

# --- the command line

# Refuses the option $1 without a value; $2 words are left, the next is $3.
demand_value() {
  [ "$2" -ge 2 ] || usage_error "$1 needs a value"
  case $3 in
    '') usage_error "$1 needs a value that is not empty" ;;
    -*) usage_error "$1 needs a value, and $3 looks like an option" "./$3 if it is a name" ;;
  esac
}

# Makes $1 an absolute path without slashes at its end: $absolute. The option $2 named it.
make_absolute() {
  absolute=$1
  case $absolute in
    *'
'*) usage_error "$2: a line break cannot be in it" ;;
    /*) ;;
    *) absolute=$PWD/$absolute ;;
  esac
  while :; do
    case $absolute in
      /) break ;;
      */) absolute=${absolute%/} ;;
      *) break ;;
    esac
  done
}

mode=install edit_rc=no local_first=no dry_run=no has_command=no
program='' prefix='' shared='' shells='' only_shell='' shell='' command=''
node=$(uname -n)

while [ $# -gt 0 ]; do
  case $1 in
    --from=* | --prefix=* | --shared=* | --shell=* | --try=*)
      option=${1%%=*}
      value=${1#*=}
      shift
      set -- "$option" "$value" "$@"
      [ -n "$value" ] || usage_error "$option needs a value that is not empty"
      ;;
  esac
  case $1 in
    -h | --help)
      help
      exit 0
      ;;
    --from)
      demand_value "$1" $# "${2-}"
      program=$2
      shift
      ;;
    --prefix)
      demand_value "$1" $# "${2-}"
      prefix=$2
      shift
      ;;
    --shared)
      demand_value "$1" $# "${2-}"
      shared=$2
      shift
      ;;
    --rc) edit_rc=yes ;;
    --local-first) local_first=yes ;;
    --shell)
      demand_value "$1" $# "${2-}"
      case $2 in
        zsh | bash | fish) ;;
        *) usage_error "\"$2\" is no shell that hpcsh knows" "zsh, bash or fish" ;;
      esac
      only_shell=$2
      shift
      ;;
    --dry-run) dry_run=yes ;;
    --uninstall)
      [ "$mode" != try ] || usage_error "--uninstall and --try do not go together"
      mode=uninstall
      ;;
    --try)
      [ "$mode" != uninstall ] || usage_error "--uninstall and --try do not go together"
      mode=try
      case ${2--} in
        -*) ;;
        *)
          case $2 in
            zsh | bash) ;;
            *) usage_error "--try knows no shell \"$2\"" "zsh or bash" ;;
          esac
          shell=$2
          shift
          ;;
      esac
      ;;
    -c)
      [ $# -ge 2 ] || usage_error "-c needs a command"
      command=$2
      has_command=yes
      shift
      ;;
    *) usage_error "unknown argument \"$1\"" ;;
  esac
  shift
done

[ -z "$only_shell" ] || [ "$edit_rc" = yes ] || usage_error "--shell goes with --rc" "--try takes its shell as the next word"
[ "$local_first" = no ] || [ "$edit_rc" = yes ] || usage_error "--local-first goes with --rc"
[ "$local_first$only_shell" != yesfish ] ||
  usage_error "--local-first is for zsh and bash" "fish cannot tell without a process whether what was kept holds: --rc gives it the usual line"
[ "$has_command" = no ] || [ "$mode" = try ] || usage_error "-c goes with --try"
if [ "$mode" = try ] && [ -n "$prefix$shared$only_shell" ] || [ "$mode$edit_rc" = tryyes ]; then
  usage_error "--try installs nothing: --prefix, --shared, --rc and --shell do not go with it"
fi
[ -z "$prefix" ] || [ -z "$shared" ] || usage_error "--prefix and --shared do not go together"
if [ "$mode" = uninstall ] && [ -n "$program$only_shell" ]; then
  usage_error "--uninstall takes everything back: --from and --shell do not go with it"
fi

if [ -n "$program" ]; then
  case $program in
    /*) ;;
    *) program=$PWD/$program ;;
  esac
  [ -f "$program" ] || usage_error "--from: there is no file $program"
  [ -r "$program" ] || usage_error "--from: $program cannot be read"
  is_hpcsh "$program" || usage_error "--from: $program is not hpcsh" "name the program, not an archive that holds it"
elif [ "$mode" != uninstall ]; then
  build later
fi

if [ "$mode" = try ]; then
  choose_shell
  status=0
  try
  exit "$status"
fi

case ${HOME-} in
  *'
'*) fail 'HOME has a line break in it' ;;
  /*) ;;
  *) fail 'HOME is not set to an absolute path' 'set HOME' ;;
esac
HOME=${HOME%/}
if [ -n "$shared" ]; then
  make_absolute "$shared" --shared
  shared=$absolute place=--shared
  # Whatever the caller's umask: others are to read what is here, and never to write it.
  place_umask=022
  shared_bin=${shared%/}/bin
  machine=$(machine)
  bin=$shared_bin/$machine
  config_dir=${shared%/}/etc/hpcsh
  config_file=$config_dir/config.toml
else
  make_absolute "${prefix:-$HOME/.local}" --prefix
  prefix=$absolute place=--prefix
  place_umask=$caller_umask
  bin=${prefix%/}/bin
fi
program_file=$bin/hpcsh

if [ "$mode" = uninstall ]; then
  carry_out uninstall_all 'nothing is installed: nothing changed'
  say_what_stays
  exit 0
fi

if [ "$edit_rc" = yes ]; then
  shells=$only_shell
  if [ -z "$shells" ]; then
    for each in zsh bash fish; do
      ! command -v "$each" >/dev/null || shells="$shells $each"
    done
  fi
  [ -n "$shells" ] || fail 'none of zsh, bash and fish is installed' 'name the shell of another node with --rc --shell zsh'
fi
carry_out install_all 'everything is in place: nothing changed'
if [ "$dry_run" = no ] && [ "$steps" -gt 0 ]; then
  if [ -z "$shared" ] || [ "$machine" = "$(uname -m)" ]; then
    "$program_file" --help >/dev/null 2>&1 || say "$program_name: warning: $program_file does not run on this machine"
  fi
  [ -z "$shared" ] || say "$program_name: the configuration of all who use this is $config_file"
  if [ "$edit_rc" = yes ]; then
    say "$program_name: open a new shell; begin a configuration with: $program_file config init"
  else
    say "$program_name: put the line of your shell at the end of its rc file, or run again with --rc:"
    for each in zsh bash fish; do
      say "  $(rc_of "$each"): $(our_line "$each")"
    done
  fi
fi
