# hpcsh for fish: the node's verdict in a running shell. `_hpcsh_call node` gets it when a prompt has something to show, or looks
# for the first time whether the verdict has turned. The rules are those of hpcsh.fish, and no process but the one that looks at
# the network, in the background, once in a `ttl`.
#
# $_hpcsh_memory-verdict is one line: VERDICT EXPIRES REASON, the time in seconds since the node started, as in /proc/uptime,
# so that no wall clock that steps can freeze it. $_hpcsh_memory-lock has the process that looks just now. $_hpcsh_reader is
# the record of a process that waits for shared storage; empty while that answers.

# Every few seconds, before a prompt: has the verdict turned, has it expired, does the storage answer again? $argv is the time.
function _hpcsh_watch
    set -l old $_hpcsh_verdict
    set -l word
    set -l expires
    set -g _hpcsh_due (math $argv + 5)
    if test -n "$_hpcsh_reader"; and test "$_hpcsh_reader" != /dev/null; and not _hpcsh_is_held $_hpcsh_reader
        set -g _hpcsh_reader ''
        set -e HPCSH_STORAGE
        builtin printf 'hpcsh: the shared storage answers again; a new shell reads the configuration there\n' >&2
        _hpcsh_show
    end
    if test -n "$_hpcsh_memory"; and test -z "$_hpcsh_fixed"
        if _hpcsh_is_ours $_hpcsh_memory-verdict
            read -d ' ' word expires rest <$_hpcsh_memory-verdict
            if builtin contains -- "$word" online offline unknown
                set -g _hpcsh_fact $word
            else
                set expires ''
            end
        end
        if not string match -qr '^\d{1,12}\z' -- "$expires"
            _hpcsh_refresh $argv
        else if test $expires -le $argv; or test (math $expires - $argv) -gt $_hpcsh_ttl
            _hpcsh_refresh $argv
        end
    end
    switch "$HPCSH_OFFLINE"
        case 1
            set word offline
        case 0
            set word online
        case '*'
            set word $_hpcsh_fact
    end
    if test $word != $old
        _hpcsh_renew
        _hpcsh_show
    end
end

# Whether $argv is a file that only we can have written.
function _hpcsh_is_ours
    test -f $argv; and test -O $argv; and not test -L $argv
end

# Whether the process that $argv names, `PROCESS SINCE`, is still there.
function _hpcsh_is_held
    set -l process
    _hpcsh_is_ours $argv; and read -d ' ' process rest <$argv
    string match -qr '^\d+\z' -- "$process"; and test -d /proc/$process
end

# Has the program look again, in the background, unless one does so already. The lock is taken here: a program on storage that
# hangs would never get to. fish waits until what it starts has become the program, so another shell starts it.
function _hpcsh_refresh
    set -l lock $_hpcsh_memory-lock
    if test -n "$HPCSH_OFFLINE"; or _hpcsh_is_held $lock
        return 0
    end
    if test -e $lock
        # Of one that has ended.
        builtin printf '%s %s\n' $_hpcsh_process $argv >$lock
    else if test -d (string replace -r '/[^/]*\z' '' -- $lock)
        builtin printf '%s %s\n' $_hpcsh_process $argv >?$lock; or return 0
    else
        # The directory has gone, as with the last logout: the program finds another.
        set -g _hpcsh_memory /dev/shm/hpcsh-(command id -u)/(string split -r -m1 / -- $_hpcsh_memory)[2]
    end 2>/dev/null
    command sh -c '"$0" status --locked "$1" </dev/null >/dev/null 2>&1 & [ ! -O "$2" ] || echo "$! $3" >"$2"' \
        $_hpcsh_program $_hpcsh_process $lock $argv
    set -g _hpcsh_due (math $argv + 1)
end

# What the prompt shows: HPCSH_PROMPT, for whoever makes one; and in front of the prompt, or on the right, where no theme makes it.
function _hpcsh_show
    set -l text _hpcsh_text_$_hpcsh_verdict
    set text $$text
    if test -n "$_hpcsh_reader"; and test -n "$_hpcsh_text_stale"
        set text (string trim -- "$text $_hpcsh_text_stale")
    end
    set -g HPCSH_PROMPT $text
    if test -n "$_hpcsh_side"; and not set -q STARSHIP_SHELL
        if test $_hpcsh_side = right
            if not builtin functions -q fish_right_prompt
                function fish_right_prompt
                    _hpcsh_segment
                end
                set -g _hpcsh_right 1
            end
        else
            set -g _hpcsh_shown 1
            _hpcsh_call more _hpcsh_wrap_prompt
        end
    end
end

# The segment, in its colour.
function _hpcsh_segment
    if test -z "$HPCSH_PROMPT"
        return 0
    else if test "$_hpcsh_color" = none; or test -n "$NO_COLOR"
        builtin printf '%s' "$HPCSH_PROMPT$argv"
    else
        set_color $_hpcsh_color
        builtin printf '%s' $HPCSH_PROMPT
        set_color normal
        builtin printf '%s' "$argv"
    end
end

set -g _hpcsh_process $fish_pid
set -g _hpcsh_parts $_hpcsh_parts node
