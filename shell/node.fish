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
    set -l rest
    set -l gone
    set -g _hpcsh_due (math $argv + 5)
    if test -n "$_hpcsh_reader"; and test "$_hpcsh_reader" != /dev/null; and not _hpcsh_is_held $_hpcsh_reader
        set -g _hpcsh_reader ''
        set -e HPCSH_STORAGE
        builtin printf 'hpcsh: the shared storage answers again; a new shell reads the configuration there\n' >&2
        _hpcsh_show
    end
    if test -n "$_hpcsh_memory"; and test -z "$_hpcsh_fixed"
        # Proxies have been set or unset since, and what is remembered of them has another name.
        if _hpcsh_is_ours $_hpcsh_memory-of-$_hpcsh_process
            read word <$_hpcsh_memory-of-$_hpcsh_process
            string match -qr '^[0-9a-f]{16}\z' -- "$word"; and set -g _hpcsh_memory (string replace -r '[^/]*\z' '' -- $_hpcsh_memory)$word
            set word
        end
        if _hpcsh_is_ours $_hpcsh_memory-verdict
            read -d ' ' word expires rest <$_hpcsh_memory-verdict
            # The other servers of resolv.conf answer in its place, so nobody else would tell.
            string match -q "*; resolv.conf names hpcsh's resolver at *, which is not there*" -- "$rest"; and set gone 1
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
    end
    if test "$word $gone" != "$old $_hpcsh_gone"
        set -g _hpcsh_gone $gone
        _hpcsh_show
    end
end

# Whether $argv is a file that only we can have written.
function _hpcsh_is_ours
    test -f $argv; and test -O $argv; and not test -L $argv
end

# Whether the process that $argv names, `PROCESS SINCE`, still lives. The second word is left in _hpcsh_since: seconds in a lock,
# which may be a little early, else hundredths. A later process of the same number is none, nor is one that has ended.
function _hpcsh_is_held
    set -l process
    set -g _hpcsh_since
    _hpcsh_is_ours $argv; and read -d ' ' process _hpcsh_since <$argv
    string match -qr '^\d+ \d+\z' -- "$process $_hpcsh_since"; and test -d /proc/$process; or return 1
    set -l since $_hpcsh_since
    string match -q '*-lock' -- $argv; and set since (math "($since + 5) * 100")
    # `PID (NAME) STATE`, and in the twentieth place from there when it began.
    set -l stat (string replace -r '^.*\) ' '' </proc/$process/stat | string split ' ')
    set -q stat[20]; and not builtin contains -- $stat[1] Z X x; and test "$stat[20]" -le $since
end

# Has the program look again, in the background, unless one does so already. The lock is taken here: a program on storage that
# hangs would never get to. Where nothing comes of it, as on a full disk, it is asked again after a while and not at each prompt.
# fish waits until what it starts has become the program, so another shell starts it.
function _hpcsh_refresh
    if builtin contains -- "$HPCSH_OFFLINE" 0 1; or test $argv -lt $_hpcsh_ask_again
        return 0
    end
    # Nor may a program be asked for that lies on the storage that does not answer.
    if test -n "$_hpcsh_reader" -a -n "$_hpcsh_shared"; and test (string sub -l (string length -- $_hpcsh_shared/) -- $_hpcsh_program) = $_hpcsh_shared/
        return 0
    end
    # Where the program has its files by now: a runtime directory goes with the last logout, and comes with the next login.
    set -l parts (string split -r -m1 / -- $_hpcsh_memory)
    set -l others
    test -d $parts[1]; or set others /dev/shm/hpcsh-(command id -u) /tmp/hpcsh-(command id -u)
    for dir in $XDG_RUNTIME_DIR/hpcsh $parts[1] $others
        # Elsewhere it may hang.
        if string match -qr '^/(run|tmp|dev/shm|var)/' -- $dir; and test -d $dir; and test -O $dir; and not test -L $dir
            set -g _hpcsh_memory $dir/$parts[2]
            break
        end
    end
    set -l lock $_hpcsh_memory-lock
    if _hpcsh_is_held $lock
        # So long nobody looks at a network: the program lies on storage that hangs.
        if test -z "$_hpcsh_reader"; and string match -qr '^\d+\z' -- "$_hpcsh_since"
            if test (math $argv - $_hpcsh_since) -gt 30
                set -g _hpcsh_reader $lock
                set -gx HPCSH_STORAGE stale
                _hpcsh_show
            end
        end
        return 0
    else if _hpcsh_is_ours $lock
        # Of one that has ended; one that was empty, at second sight: it may just be being written, and by now it may have been.
        if test -z "$_hpcsh_since"; and test -z "$_hpcsh_empty"
            set -g _hpcsh_empty 1
            return 0
        end
        set -g _hpcsh_empty
        builtin printf '%s %s\n' $_hpcsh_process $argv >$lock; or return 0
    else if not test -e $lock; and not test -L $lock; and test -d (string replace -r '/[^/]*\z' '' -- $lock)
        builtin printf '%s %s\n' $_hpcsh_process $argv >?$lock; or return 0
    end 2>/dev/null
    # The lock is that process's before it becomes the program, which gives it back.
    set -l mark 'read -r id rest </proc/self/stat; [ ! -f "$2" ] || [ -L "$2" ] || [ ! -O "$2" ] || echo "$id $3" >"$2"'
    set -l start "{ $mark; "'exec "$0" status --locked "$1" --memory "${2%-lock}"; } </dev/null >/dev/null 2>&1 &'
    command sh -c $start $_hpcsh_program $_hpcsh_process $lock $argv
    set -g _hpcsh_ask_again (math $argv + 10)
    set -g _hpcsh_due (math $argv + 1)
end

# What the prompt shows: HPCSH_PROMPT, for whoever makes one; and in front of the prompt, or on the right, where no theme makes it.
function _hpcsh_show
    set -l text _hpcsh_text_$_hpcsh_verdict
    set text $$text
    if test -n "$_hpcsh_reader"; and test -n "$_hpcsh_text_stale"
        set text (string trim -- "$text $_hpcsh_text_stale")
    end
    if test -n "$_hpcsh_gone"; and test -n "$_hpcsh_text_resolver"
        set text (string trim -- "$text $_hpcsh_text_resolver")
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
set -g _hpcsh_ask_again 0
set -g _hpcsh_parts $_hpcsh_parts node
