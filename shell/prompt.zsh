# hpcsh for zsh: what the first prompt needs, and a login where some of the variables are set already. `_hpcsh_call prompt`
# gets it. The rules are those of hpcsh.zsh.

# --- variables, where some of the names are set already

# The variables of a login that is not the usual one. The exported variables may have any name, and so none of our own is a plain word.
function _hpcsh_begin {
  \builtin emulate -L zsh
  if [[ $_hpcsh_taken == find ]]; then
    _hpcsh_call node _hpcsh_find_out
  fi
  if [[ ! -o interactive && ( $_hpcsh_fact == unknown || -n $_hpcsh_expired ) ]]; then
    _hpcsh_settle
  fi
  # The configured directories come first in PATH, where they are not in it. The marker has those that we added.
  _hpcsh_added=
  for _hpcsh_dir in "${_hpcsh_path[@]}"; do
    if [[ :$PATH: != *":$_hpcsh_dir:"* ]]; then
      # Behind an environment that an outer shell entered, whose own python comes first.
      if [[ -n ${VIRTUAL_ENV-} && $PATH == "$VIRTUAL_ENV/bin:"* ]]; then
        PATH=$VIRTUAL_ENV/bin:$_hpcsh_dir:${PATH#"$VIRTUAL_ENV/bin:"}
      else
        PATH=$_hpcsh_dir${PATH:+:$PATH}
      fi
      _hpcsh_added+=PATH+=$_hpcsh_dir$'\x1f'
    fi
  done
  _hpcsh_choose
  _hpcsh_dir=_hpcsh_records_${_hpcsh_verdict/unknown/$_hpcsh_unknown}
  if [[ -o interactive && -z $_hpcsh_reader${HPCSH_STORAGE-} ]] && _hpcsh_is_same "$_hpcsh_records_always${(P)_hpcsh_dir}"; then
    # Mirrors that have come since the first prompt looks for.
    \builtin export "HPCSH_NODE=$_hpcsh_verdict"
  else
    _hpcsh_renew
  fi
  for _hpcsh_dir in "${(@ps:\x1f:)_hpcsh_added}"; do
    if [[ -n $_hpcsh_dir && $HPCSH_EXPORTS != *$'\x1f'"$_hpcsh_dir"$'\x1f'* ]]; then
      HPCSH_EXPORTS+=$_hpcsh_dir$'\x1f'
    fi
  done
}

# Takes HPCSH_OFFLINE's word, else the node's verdict.
function _hpcsh_choose {
  case ${HPCSH_OFFLINE-} in
    1) _hpcsh_verdict=offline ;;
    0) _hpcsh_verdict=online ;;
    *) _hpcsh_verdict=$_hpcsh_fact ;;
  esac
}

# Whether an outer shell has exported just the records $1, and nothing has become of them since: so it is in most panes of a terminal.
# What is behind them was inherited, and its names may be anything.
function _hpcsh_is_same {
  \builtin emulate -L zsh
  if [[ -z $1 || ${HPCSH_EXPORTS-} != $'\x1f'"$1"* ]]; then
    \return 1
  fi
  \local _hpcsh_record _hpcsh_name _hpcsh_rest=${HPCSH_EXPORTS[$#1+2,-1]}
  for _hpcsh_record in "${(@ps:\x1f:)_hpcsh_rest}"; do
    [[ -z $_hpcsh_record || ${_hpcsh_record%%=*} == *+ ]] || \return 1
  done
  for _hpcsh_record in "${(@ps:\x1f:)1}"; do
    _hpcsh_name=${_hpcsh_record%%=*}
    [[ -z $_hpcsh_name || ${(P)_hpcsh_name-} == "${_hpcsh_record#*=}" ]] || \return 1
  done
}

# Sets the variables again.
function _hpcsh_renew {
  \builtin emulate -L zsh
  _hpcsh_choose
  \local _hpcsh_name
  \local -a _hpcsh_records _hpcsh_mirrored
  \builtin set -- "_hpcsh_records_${_hpcsh_verdict/unknown/$_hpcsh_unknown}"
  _hpcsh_records=("${(@ps:\x1f:)_hpcsh_records_always}" "${(@ps:\x1f:)${(P)1}}")
  if [[ $1 == *_offline ]] && _hpcsh_has_sought; then
    _hpcsh_find_mirrored
    for _hpcsh_name in $_hpcsh_mirrored; do
      _hpcsh_records=("${(@)_hpcsh_records:#$_hpcsh_name=*}")
    done
  fi
  _hpcsh_merge "${_hpcsh_records[@]}"
  # Of another node's storage perhaps, where it was inherited.
  if [[ -n $_hpcsh_reader ]]; then
    \builtin export HPCSH_STORAGE=stale
    _hpcsh_shared_last
  else
    \builtin unset HPCSH_STORAGE
  fi
}

# Whether the environment has a mirror that leaves out some of the variables, of those that the configuration has not named itself: most
# often none, and then nobody need know more.
function _hpcsh_has_sought {
  \builtin emulate -L zsh
  \local _hpcsh_name
  for _hpcsh_name in "${(@s: :)_hpcsh_sought}"; do
    if [[ $_hpcsh_name == *@ ]]; then
      [[ -z ${(k)parameters[(I)${_hpcsh_name%@}*]} ]] || \return 0
    elif [[ -n $_hpcsh_name && -n ${(P)_hpcsh_name-} && ${HPCSH_EXPORTS-} != *$'\x1f'"$_hpcsh_name=${(P)_hpcsh_name}"$'\x1f'* ]]; then
      \return 0
    fi
  done
  \return 1
}

# Puts into the array _hpcsh_mirrored the names that mirrors of the user's leave out. A tool with a mirror is neither cut off from it
# nor told to try only once; the program knows those that the configuration names, and in the environment stand others.
# _hpcsh_mirrors, which stands before this, has lines `NAME NAME=MIRROR MIRROR`; _hpcsh_explicit, the names that the configuration
# gives a value itself.
function _hpcsh_find_mirrored {
  \local _hpcsh_group _hpcsh_name
  for _hpcsh_group in "${(@f)_hpcsh_mirrors}"; do
    \builtin set -- "${(@s: :)_hpcsh_group#*=}"
    while (( $# )); do
      if [[ $1 == *\* ]]; then
        \builtin set -- "${(@k)parameters[(I)$1]}" "${@[2,-1]}"
      elif [[ -n ${(P)1-} && ${HPCSH_EXPORTS-} != *$'\x1f'"$1=${(P)1}"$'\x1f'* ]]; then
        for _hpcsh_name in "${(@s: :)_hpcsh_group%%=*}"; do
          [[ $_hpcsh_explicit == *" $_hpcsh_name "* ]] || _hpcsh_mirrored+=("$_hpcsh_name")
        done
        \break
      else
        \shift
      fi
    done
  done
}

# Leaves out what has come with a login that did not look at mirrors, where the node counts as offline. The exported variables may have
# any name, and so none of our own is a plain word.
function _hpcsh_spare_mirrors {
  \builtin emulate -L zsh
  \local _hpcsh_name
  \local -a _hpcsh_mirrored
  if [[ ${_hpcsh_verdict/unknown/$_hpcsh_unknown} == offline ]] && _hpcsh_has_sought; then
    _hpcsh_find_mirrored
    for _hpcsh_name in $_hpcsh_mirrored; do
      if [[ ${HPCSH_EXPORTS-} == *$'\x1f'$_hpcsh_name=* ]]; then
        _hpcsh_renew
        \break
      fi
    done
  fi
}

# Puts the directories of PATH that lie on the shared storage, which does not answer, behind the others: a command that is found
# before them does not wait for it.
function _hpcsh_shared_last {
  \local dir first= last=
  if [[ -n $_hpcsh_shared ]]; then
    for dir in "${(@s.:.)PATH}"; do
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

# From now on shared storage is known not to answer: $1 is the record of who waits for it, $2 a line for the first prompt. Called by
# the file that `install.sh --local-first` has put in place of a link, be it an older one.
function _hpcsh_stale {
  _hpcsh_reader=$1
  _hpcsh_notice=${_hpcsh_notice:+$_hpcsh_notice; }$2
  \builtin export "HPCSH_STORAGE=stale"
  _hpcsh_shared_last
}

# Waits for the node's first verdict. Without a memory there is none to wait for; and the program itself waits for storage.
function _hpcsh_settle {
  if [[ -n $_hpcsh_memory && -z ${HPCSH_OFFLINE-}$_hpcsh_reader ]]; then
    case $(\command "$_hpcsh_program" status --word) in
      online) _hpcsh_verdict=online ;;
      offline) _hpcsh_verdict=offline ;;
    esac
    _hpcsh_fact=$_hpcsh_verdict
  fi
}

# Exports those of the records $@ whose variables are unset or ours: HPCSH_EXPORTS holds, between separators, what hpcsh has
# exported. A variable whose record is not in it is the user's, and stays; one that is no longer wanted is taken back. A `+`
# behind the name marks what hpcsh adds beside the configured variables, which is nobody's to take back but hpcsh_off's.
function _hpcsh_merge {
  \builtin emulate -L zsh
  \local _hpcsh_old=${HPCSH_EXPORTS-} _hpcsh_record
  \local -a _hpcsh_ours
  for _hpcsh_record in "${(@)@:#}"; do
    \builtin set -- "${_hpcsh_record%%=*}"
    # To assign a readonly one would end all that is under way.
    if (( ! ${(P)+1} )) || [[ $_hpcsh_old == *$'\x1f'"$1=${(P)1}"$'\x1f'* && ${(Pt)1} != *readonly* ]]; then
      _hpcsh_ours+=("$_hpcsh_record")
    fi
  done
  \builtin export "${_hpcsh_ours[@]}" "HPCSH_NODE=$_hpcsh_verdict" "HPCSH_EXPORTS="$'\x1f'"${(pj:\x1f:)_hpcsh_ours}"$'\x1f'
  for _hpcsh_record in "${(@ps:\x1f:)_hpcsh_old}"; do
    if [[ ${_hpcsh_record%%=*} == *+ ]]; then
      HPCSH_EXPORTS+=$_hpcsh_record$'\x1f'
    elif [[ -n $_hpcsh_record && $HPCSH_EXPORTS != *$'\x1f'"${_hpcsh_record%%=*}="* ]]; then
      _hpcsh_release "$_hpcsh_record"
    fi
  done
}

# Unsets the variable of the record $1 if it still has that value. The record was inherited: its name may be anything.
function _hpcsh_release {
  \builtin emulate -L zsh
  \builtin set -- "${${1%%=*}%+}" "${1#*=}"
  if [[ $1 == [a-zA-Z_]* && $1 != *[^a-zA-Z0-9_]* && $1 != HPCSH_EXPORTS && ${(P)1-} == "$2" && ${(Pt)1-} != *readonly* ]]; then
    \builtin unset "$1"
  fi
}

# --- the first prompt

# Remembers what the user has under our names, for hpcsh_off, and takes aliases out of the way of our functions.
function _hpcsh_keep {
  \builtin emulate -L zsh
  \local name
  for name in act mdcd cdr waitvllm deactivate; do
    if \builtin typeset -f $name >/dev/null; then
      _hpcsh_undo+=(function $name "${functions[$name]}")
    fi
    if \builtin alias $name >/dev/null; then
      _hpcsh_undo+=(alias $name "${aliases[$name]}")
      \builtin unalias $name
    fi
  done
}

# The warning, the history, and the habits, each of which is a switch, and off where the user has his own.
function _hpcsh_first_prompt {
  \builtin emulate -L zsh
  _hpcsh_spare_mirrors
  \local name
  # Now and then a prompt looks at the node's verdict: not in the eight seconds before _hpcsh_due, so one who sets SECONDS back does
  # not stop it.
  \builtin typeset -gi _hpcsh_due
  (( _hpcsh_due = SECONDS + 1 ))
  if [[ $_hpcsh_verdict == unknown ]]; then
    _hpcsh_due=0
  fi
  if [[ $_hpcsh_switches == *' enter '* ]]; then
    function _hpcsh_precmd {
      if [[ $PWD:${VIRTUAL_ENV-} != "$_hpcsh_at" || '(SECONDS-_hpcsh_due+8)&~7' -ne 0 ]]; then
        if [[ $PWD:${VIRTUAL_ENV-} != "$_hpcsh_at" ]]; then
          _hpcsh_look
        fi
        if (( (SECONDS - _hpcsh_due + 8) & ~7 )); then
          _hpcsh_call node _hpcsh_watch
        fi
      fi
    }
  elif [[ -n $_hpcsh_fixed && -z $_hpcsh_reader$_hpcsh_login ]]; then
    precmd_functions=("${(@)precmd_functions:#_hpcsh_precmd}")
  else
    function _hpcsh_precmd {
      if (( (SECONDS - _hpcsh_due + 8) & ~7 )); then
        _hpcsh_call node _hpcsh_watch
      fi
    }
  fi
  if [[ ${precmd_functions[(r)_hpcsh_precmd]-} ]]; then
    _hpcsh_pace
  fi
  # First, since it may find out that storage does not answer.
  if [[ -n $_hpcsh_history_size ]]; then
    _hpcsh_history
  fi
  if [[ $_hpcsh_verdict != online || -n $_hpcsh_text_online$_hpcsh_reader ]]; then
    _hpcsh_show
  fi
  for name in "$_hpcsh_notice" "$_hpcsh_warning"; do
    [[ -n $name ]] && \builtin print -ru2 "hpcsh: $name"
  done
  if [[ -n ${_hpcsh_script-} && ! -e $_hpcsh_script.zwc || -n ${_hpcsh_kept-} && ! -e $_hpcsh_kept.zwc ]]; then
    _hpcsh_compile
  fi
  for name in hist cp ls; do
    if [[ $_hpcsh_switches != *" $name "* ]] || \builtin typeset -f $name || \builtin alias $name; then
      \continue
    fi
    _hpcsh_undo+=(made $name '')
    case $name in
      cp) \builtin alias cp='cp -i' ;;
      hist)
        function hist {
          \builtin fc -lDd "$@"
        }
        ;;
      ls)
        function ls {
          \command ls --color=auto "$@"
        }
        ;;
    esac
  done >/dev/null
  if [[ -n $_hpcsh_ls_colors && -z ${LS_COLORS+1} ]]; then
    \builtin export "LS_COLORS=$_hpcsh_ls_colors"
    HPCSH_EXPORTS+=LS_COLORS+=$_hpcsh_ls_colors$'\x1f'
  fi
  if [[ $_hpcsh_switches == *' ctrl_backspace '* && -o zle ]]; then
    # What `bindkey` prints is read back through an unlinked file: a substitution would fork.
    {
      \builtin bindkey '^H' >|/proc/self/fd/9
      \builtin read -r -u 9 name
    } 9<<<'' 2>/dev/null
    case $name in
      *' backward-delete-char' | *' vi-backward-delete-char')
        _hpcsh_undo+=(key '^H' "${name##* }")
        \builtin bindkey '^H' backward-kill-word
        ;;
    esac
  fi
  if ! _hpcsh_stubs; then
    precmd_functions+=(_hpcsh_second_prompt)
  fi
  if [[ $_hpcsh_switches == *' enter '* ]]; then
    _hpcsh_call enter _hpcsh_first_look
  fi
}

# Who calls _hpcsh_precmd from now on. Where nothing is awaited ($1: something is), zsh itself does so before a prompt, when some seconds
# have gone by, and the prompts between cost nothing; but each prompt does where zsh's one clock, PERIOD, is somebody else's, be it since
# then: _hpcsh_period is what we have set.
function _hpcsh_pace {
  \builtin emulate -L zsh
  \local -a others
  others=(${periodic_functions:#_hpcsh_precmd})
  precmd_functions=(${precmd_functions:#_hpcsh_precmd})
  if [[ -n ${1-}$_hpcsh_reader || $_hpcsh_verdict == unknown ]]; then
    precmd_functions+=(_hpcsh_precmd)
  elif [[ ${PERIOD-} != "${_hpcsh_period-}" || -n $others ]] || \builtin typeset -f periodic >/dev/null; then
    precmd_functions+=(_hpcsh_precmd)
    if [[ -n ${_hpcsh_period-} ]]; then
      if [[ ${PERIOD-} == "$_hpcsh_period" ]]; then
        \builtin unset PERIOD
      fi
      _hpcsh_period=
      periodic_functions=($others)
    fi
  else
    \builtin typeset -ga periodic_functions
    periodic_functions=(_hpcsh_precmd)
    \builtin typeset -g PERIOD=5 _hpcsh_period=5
  fi
}

# What the prompt shows: HPCSH_PROMPT, for whoever makes one; and in front of the prompt, or on the right, where no theme makes
# it. An element of psvar is shown as it is; the same text in PS1 would be taken for code.
function _hpcsh_show {
  \builtin emulate -L zsh
  \local text=_hpcsh_text_$_hpcsh_verdict
  text=${(P)text}
  if [[ -n $_hpcsh_reader && -n $_hpcsh_text_stale ]]; then
    text+=${text:+ }$_hpcsh_text_stale
  fi
  if [[ -n ${_hpcsh_gone-} && -n $_hpcsh_text_resolver ]]; then
    text+=${text:+ }$_hpcsh_text_resolver
  fi
  \builtin typeset -g "HPCSH_PROMPT=$text"
  if [[ ${PS1-}${RPS1-} == *HPCSH_PROMPT* ]]; then
    # A prompt of the user's own, which shows it.
    \return 0
  fi
  if [[ -n $_hpcsh_side && -z ${POWERLEVEL9K_MODE+1}${POWERLEVEL9K_LEFT_PROMPT_ELEMENTS+1}${STARSHIP_SHELL+1} ]]; then
    if [[ -z ${_hpcsh_segment-} ]]; then
      # `none` is the terminal's own colour, as it is where the user wants none.
      \builtin typeset -g "_hpcsh_segment=%F{$_hpcsh_color}%10v%f"
      if [[ $_hpcsh_color == none || -n ${NO_COLOR-} || ${TERM-} == dumb ]]; then
        _hpcsh_segment=%10v
      fi
    fi
    psvar[10]=$text
    if [[ $_hpcsh_side == right ]]; then
      if [[ ${RPS1-} != *%10v* ]]; then
        RPS1=$_hpcsh_segment${RPS1:+ $RPS1}
      fi
    else
      psvar[10]+=${text:+ }
      if [[ ${PS1-} != *%10v* ]]; then
        PS1=$_hpcsh_segment${PS1-}
      fi
    fi
  fi
}

# Has TAB ask us behind our words, and remembers who was asked before. Status 1 where `compinit` has not run: that is not ours
# to do. An element of its table is all that `compdef` would make of it.
function _hpcsh_stubs {
  if [[ ${(t)_comps-} != association* ]]; then
    \return 1
  fi
  for name in hpcsh waitvllm act mdcd cdr; do
    _hpcsh_undo+=(completion $name "${_comps[$name]-}")
    _comps[$name]=_hpcsh_complete
  done
}

# Some plugin managers run `compinit` behind the first prompt. So there is a second look, and no third.
function _hpcsh_second_prompt {
  \builtin emulate -L zsh
  \local name
  precmd_functions=("${(@)precmd_functions:#_hpcsh_second_prompt}")
  _hpcsh_stubs
}

# The first TAB: gets what all of them take from the program, as it lies in completions/, so no alias may get into it. Where
# the program has gone, nothing comes of it.
function _hpcsh_complete {
  \builtin setopt local_options no_aliases
  \builtin eval "$(\command "$_hpcsh_program" init zsh --part completion || \builtin print return)"
  _hpcsh_completion
} 2>/dev/null

# Compiles the node's copies, so that the next login parses nothing: once for each. The compiled one takes its place at once,
# since zsh maps it into memory and would read past the end of half a file.
function _hpcsh_compile {
  \builtin emulate -L zsh
  \local file
  \local -a move
  # A command would be looked for along PATH, which may begin on shared storage.
  if \builtin zmodload -F zsh/files b:zf_mv; then
    move=(\builtin zf_mv)
  else
    move=(\command mv)
  fi 2>/dev/null
  for file in "$_hpcsh_copy"-{prompt,more,enter,node}.zsh "$_hpcsh_script" $_hpcsh_kept; do
    \builtin zcompile -U "$file.$$.zwc" "$file" && "${move[@]}" -f -- "$file.$$.zwc" "$file.zwc"
  done 2>/dev/null
}

# Whether the storage of the directory $1 answers: in a login without the program, which would have found out, a process looks,
# and leaves the record that the program's would leave. One that finds another at it waits for that one, and then looks too.
function _hpcsh_answers {
  \builtin emulate -L zsh
  \local said= fd=
  if [[ -n $_hpcsh_reader ]]; then
    \return 1
  elif [[ -z $_hpcsh_login ]]; then
    \return 0
  fi
  # Not a redirection of the command: zsh would wait for the process.
  \exec {fd}< <(_hpcsh_look_at "$1")
  IFS=' ' \builtin read -r -t 0.3 -u "$fd" said || said=
  \exec {fd}<&-
  if [[ -n $said ]]; then
    \return 0
  fi
  _hpcsh_reader=$_hpcsh_memory-reader
  _hpcsh_notice="$1 does not answer: the history stays in memory"
  _hpcsh_renew
  _hpcsh_shared_last
  \return 1
}

# In a process of its own: looks at $1 and says so. What hangs holds no stream of the shell's, and takes its record away itself.
function _hpcsh_look_at {
  \local "record=$_hpcsh_memory-reader" me= now= rest= tries=0
  \builtin trap '' HUP INT QUIT PIPE TERM TSTP
  \exec </dev/null 2>/dev/null
  \builtin setopt no_clobber
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

# Sizes and a file, where they are at zsh's own values: 30, 0 and none, which nobody has chosen.
function _hpcsh_history {
  \builtin emulate -L zsh
  \local dir=${_hpcsh_history_file:h}
  if [[ ${HISTSIZE-30} == 30 ]]; then
    _hpcsh_undo+=(set HISTSIZE 30)
    HISTSIZE=$_hpcsh_history_size
  fi
  if [[ ${SAVEHIST-0} == 0 ]]; then
    _hpcsh_undo+=(set SAVEHIST 0)
    SAVEHIST=$_hpcsh_history_size
  fi
  # The directory is made once; where that fails, or storage does not answer, the history stays in memory as it would without us.
  if [[ -z ${HISTFILE-} ]] && { [[ -z $_hpcsh_history_shared ]] || _hpcsh_answers "$dir"; } &&
    { [[ -d $dir ]] || \command mkdir -p -m 700 -- "$dir" 2>/dev/null; }; then
    _hpcsh_undo+=(unset HISTFILE '')
    \builtin typeset -g HISTFILE=$_hpcsh_history_file
    # zsh has read its file before the first prompt, when there was none.
    if [[ -f $HISTFILE ]]; then
      \builtin fc -R "$HISTFILE"
    fi
  fi
}

\builtin typeset -g "_hpcsh_parts=${_hpcsh_parts-} prompt "
