# hpcsh for bash: what the first prompt needs. `_hpcsh_call prompt` gets it. The rules are those of hpcsh.bash.

# What shellcheck cannot see: the prologue and `\local` assign (2154), functions are defined for the user (2317). What it
# takes for a slip: a status that is not wanted (2015), a variable for other programs (2034), a single-quoted expansion, which
# the prompt makes (2016), a pattern that is to be one (2254).
# shellcheck disable=SC2154,SC2015,SC2317,SC2034,SC2016,SC2254

# --- the first prompt

# Runs the builtin $@ and puts what it prints into REPLY: through an unlinked file or a pipe of this shell's own, since a
# substitution would fork. For output that fits a pipe (64 KiB).
function _hpcsh_capture {
  {
    \builtin "$@" >|/proc/self/fd/9 && IFS= \builtin read -r -N 65536 -u 9 REPLY || :
  } 9<<<'' 2>/dev/null
}

# Called by the file that `install.sh --local-first` has put in place of a link, be it an older one.
function _hpcsh_stale {
  _hpcsh_call storage _hpcsh_does_not_answer "$@"
}

# The warning, and the habits, each of which is a switch, and off where the user has his own. $1 is the status that the prompt shows.
function _hpcsh_first_prompt {
  # Before there are names of our own that a variable may have too.
  if [[ ${_hpcsh_verdict/unknown/$_hpcsh_unknown} == offline ]] && _hpcsh_has_sought && _hpcsh_call theirs _hpcsh_has_mirrored; then
    _hpcsh_call variables _hpcsh_renew
  fi
  \local name REPLY=
  # Now and then a prompt looks at the node's verdict.
  _hpcsh_due=$((SECONDS + 1))
  if [[ $_hpcsh_verdict == unknown ]]; then
    _hpcsh_due=0
  fi
  if [[ $_hpcsh_switches != *' enter '* && -n $_hpcsh_fixed && -z $_hpcsh_reader$_hpcsh_login ]]; then
    _hpcsh_call more _hpcsh_unhook
  else
    _hpcsh_hook
  fi
  if [[ $_hpcsh_verdict != online || -n $_hpcsh_text_online$_hpcsh_reader ]]; then
    _hpcsh_show
  fi
  for name in "$_hpcsh_notice" "$_hpcsh_warning"; do
    if [[ -n $name ]]; then
      \builtin printf 'hpcsh: %s\n' "$name" >&2
    fi
  done
  # The directory of the history is made once; where that fails, bash keeps its file.
  if [[ -n $_hpcsh_reader && ${HISTFILE-} == "${_hpcsh_shared:-/nowhere}"/* ]]; then
    # Nobody waits for storage that does not answer, not even at the end.
    \builtin unset -v HISTFILE
  elif [[ -n ${HISTFILE-} && $HISTFILE == "$_hpcsh_history_file" && ! -d ${HISTFILE%/*} ]]; then
    \command mkdir -p -m 700 -- "${HISTFILE%/*}" 2>/dev/null || HISTFILE=~/.bash_history
  fi
  if [[ ${_hpcsh_sized-} == "$$" && -n ${HISTFILE-} && -z ${HISTFILESIZE-x} ]]; then
    HISTFILESIZE=$_hpcsh_history_size
  fi
  {
    for name in hist cp ls; do
      if [[ $_hpcsh_switches != *" $name "* ]] || \builtin declare -f "$name" || \builtin alias "$name"; then
        \continue
      fi
      _hpcsh_undo+=(made "$name" '')
      case $name in
        cp) \builtin alias cp='cp -i' ;;
        hist)
          function hist {
            HISTTIMEFORMAT='%F %R  ' \builtin history "${@:-16}"
          }
          ;;
        ls)
          function ls {
            \command ls --color=auto "$@"
          }
          ;;
      esac
    done
    _hpcsh_stubs
  } >/dev/null 2>&1
  if [[ -n $_hpcsh_ls_colors && -z ${LS_COLORS+1} ]]; then
    \builtin export "LS_COLORS=$_hpcsh_ls_colors"
    HPCSH_EXPORTS+=LS_COLORS+=$_hpcsh_ls_colors$'\x1f'
  fi
  if [[ $_hpcsh_switches == *' ctrl_backspace '* ]]; then
    _hpcsh_capture bind -q backward-delete-char
    if [[ $REPLY == *'"\C-h"'* ]]; then
      _hpcsh_undo+=(key '"\C-h": backward-delete-char' '')
      \builtin bind '"\C-h": backward-kill-word'
    fi
  fi
  if [[ $_hpcsh_switches == *' enter '* ]]; then
    _hpcsh_call enter _hpcsh_first_look
  fi
  [[ $- == *e* ]] || \return "$1"
}

# What the prompt shows: HPCSH_PROMPT, for whoever makes one; and in front of the prompt, or on the right, where no theme makes
# it. The value of a variable is shown as it is; the same text in PS1 would be taken for code.
function _hpcsh_show {
  \local "text=_hpcsh_text_$_hpcsh_verdict" before='' after=''
  text=${!text}
  if [[ -n $_hpcsh_reader && -n $_hpcsh_text_stale ]]; then
    text+=${text:+ }$_hpcsh_text_stale
  fi
  if [[ -n ${_hpcsh_gone-} && -n $_hpcsh_text_resolver ]]; then
    text+=${text:+ }$_hpcsh_text_resolver
  fi
  HPCSH_PROMPT=$text
  if [[ -n $_hpcsh_side && -z ${STARSHIP_SHELL+1} && ${PS1-} != *HPCSH_PROMPT* ]] && \builtin shopt -q promptvars; then
    if [[ $_hpcsh_color != none && -z ${NO_COLOR-} && ${TERM-} != dumb ]]; then
      before="\\e[3${_hpcsh_color}m" after='\e[0m'
    fi
    if [[ $_hpcsh_side == right ]]; then
      # At the end of the line, and back. Where there is nothing to show, nothing is seen of it.
      _hpcsh_segment='\[\e7\e[999C\e[${#HPCSH_PROMPT}D'$before'${HPCSH_PROMPT-}'$after'\e8\]'
    else
      before=${before:+\\[$before\\]} after=${after:+\\[$after\\]}
      _hpcsh_segment=$before'${HPCSH_PROMPT:+$HPCSH_PROMPT }'$after
    fi
    PS1=$_hpcsh_segment${PS1-}
  fi
}

# Makes of the hook that is there what later prompts need: a look where something has changed, since bash has no hook for `cd`, and
# now and then one at the node; not in the eleven seconds before _hpcsh_due, so one who sets SECONDS back does not stop that. Most
# often all is as it was: the same environment is active, and the nearest directory with one is still _hpcsh_top, or there is still
# none up to there. The first directories upwards are looked at here; the rest is left to _hpcsh_walk. bash copies a function
# whenever it calls it, prints each condition, and is slow to cut words; so what is called often is one function of few commands.
function _hpcsh_hook {
  if [[ $_hpcsh_switches == *' enter '* ]]; then
    function _hpcsh_precmd {
      if [[ ${PWD-}:${VIRTUAL_ENV-} != "$_hpcsh_at" ]]; then
        [[ ${PWD-}/:${VIRTUAL_ENV-} == "$_hpcsh_top"/*:"$_hpcsh_was" && ! -f $_hpcsh_lacks && (-z $_hpcsh_has || -f $_hpcsh_has) ]] &&
          case $PWD in
            $_hpcsh_below4) \builtin false ;;
            $_hpcsh_below3) [[ ! -f $PWD/.venv/pyvenv.cfg && ! -f ${PWD%/*}/.venv/pyvenv.cfg && ! -f ${PWD%/*/*}/.venv/pyvenv.cfg ]] ;;
            $_hpcsh_below2) [[ ! -f $PWD/.venv/pyvenv.cfg && ! -f ${PWD%/*}/.venv/pyvenv.cfg ]] ;;
            $_hpcsh_below1) [[ ! -f $PWD/.venv/pyvenv.cfg ]] ;;
          esac && _hpcsh_at=$PWD:$_hpcsh_was || _hpcsh_walk
      fi
      if (((SECONDS - _hpcsh_due + 6) / 6)); then
        _hpcsh_call node _hpcsh_watch
      fi
    }
  else
    function _hpcsh_precmd {
      if (((SECONDS - _hpcsh_due + 6) / 6)); then
        _hpcsh_call node _hpcsh_watch
      fi
    }
  fi
}

# Has TAB ask us behind our words, and remembers who was asked before. bash completes plain directories by itself.
function _hpcsh_stubs {
  _hpcsh_undo+=(uncomplete '' '')
  for name in hpcsh waitvllm act mdcd cdr; do
    \builtin complete -p "$name" && _hpcsh_capture complete -p "$name" && _hpcsh_undo+=(completion "$name" "$REPLY")
  done
  \builtin complete -F _hpcsh_complete hpcsh waitvllm
  \builtin complete -o filenames -o dirnames -F _hpcsh_complete act
  \builtin complete -d mdcd cdr
}

# The first TAB: gets what all of them take from the program. Where that has gone, nothing comes of it.
function _hpcsh_complete {
  \builtin eval "$(\command "$_hpcsh_program" init bash --part completion || \builtin echo return)"
  _hpcsh_completion "$@"
} 2>/dev/null

# Once for each shell: the part is read again where the line is.
[[ ${_hpcsh_undone-} == "$$" ]] || _hpcsh_undo=() _hpcsh_undone=$$
_hpcsh_parts="${_hpcsh_parts-} prompt "
