# hpcsh for fish: what the first prompt needs, and a login where some of the variables are set already. `_hpcsh_call prompt`
# gets it. The rules are those of hpcsh.fish.

# --- variables, where some of the names are set already

# The variables of a login that is not the usual one. Mirrors that have come since the first prompt looks for.
function _hpcsh_begin
    _hpcsh_choose
    set -l state online
    builtin contains -- offline $_hpcsh_verdict $_hpcsh_unknown; and test $_hpcsh_verdict != online; and set state offline
    if status is-interactive; and test -z "$_hpcsh_reader$HPCSH_STORAGE"; and _hpcsh_is_same $state
        set -gx HPCSH_NODE $_hpcsh_verdict
    else
        _hpcsh_renew
    end
end

# Takes HPCSH_OFFLINE's word, else the node's verdict.
function _hpcsh_choose
    set -g _hpcsh_verdict $_hpcsh_fact
    switch "$HPCSH_OFFLINE"
        case 1
            set -g _hpcsh_verdict offline
        case 0
            set -g _hpcsh_verdict online
    end
end

# Whether an outer shell has exported just what is wanted in this state, and nothing has become of it since: so it is in most panes of a
# terminal. What is behind that was inherited, and its names may be anything.
function _hpcsh_is_same
    set -l records _hpcsh_records_$argv
    set -l old (string split \x1f -- "$HPCSH_EXPORTS")
    set -l new (string split \x1f -- \x1f"$_hpcsh_records_always$$records")
    set -e new[-1]
    set -l count (builtin count $new)
    if test (builtin count $old) -lt $count; or test "$old[1..$count]" != "$new"
        return 1
    end
    set -e old[1..$count]
    if string match -qvr -- '(?s)^(?:[^=]*\+=.*)?$' $old
        return 1
    end
    set -g _hpcsh_differs
    _hpcsh_always _hpcsh_compare
    _hpcsh_$argv _hpcsh_compare
    set -l differs $_hpcsh_differs
    set -eg _hpcsh_differs
    test -z "$differs"
end

# Whether the variable $argv[1] has the value $argv[2].
function _hpcsh_compare
    test "$$argv[1]" = "$argv[2]"; or set -g _hpcsh_differs 1
end

# Sets the variables again, for HPCSH_OFFLINE's word, else for the node's verdict: those that are unset or ours.
# HPCSH_EXPORTS holds, between separators, what hpcsh has exported. A variable whose record is not in it is the user's, and
# stays; one that is no longer wanted is taken back. A `+` behind the name marks what hpcsh adds beside the configured
# variables, which is nobody's to take back but hpcsh_off's.
function _hpcsh_renew
    set -g _hpcsh_old (string split \x1f -- "$HPCSH_EXPORTS")
    set -g _hpcsh_new
    set -g _hpcsh_names
    set -g _hpcsh_mirrored
    _hpcsh_choose
    set -gx HPCSH_NODE $_hpcsh_verdict
    # Of another node's storage perhaps, where it was inherited.
    set -e HPCSH_STORAGE
    if test -n "$_hpcsh_reader"
        set -gx HPCSH_STORAGE stale
        _hpcsh_shared_last
    end
    set -l offline
    if builtin contains -- offline $_hpcsh_verdict $_hpcsh_unknown; and test $_hpcsh_verdict != online
        set offline 1
        _hpcsh_has_sought; and _hpcsh_find_mirrored
    end
    set -gx HPCSH_EXPORTS \x1f
    _hpcsh_always _hpcsh_admit
    if test -n "$offline"
        _hpcsh_offline _hpcsh_admit
    else
        _hpcsh_online _hpcsh_admit
    end
    for record in $_hpcsh_old
        if test -z "$record"; or builtin contains -- $record $_hpcsh_new
            continue
        else if string match -qr -- '^[^=]*\+=' $record
            set -gx HPCSH_EXPORTS $HPCSH_EXPORTS$record\x1f
        else if not builtin contains -- (string split -m1 = -- $record)[1] $_hpcsh_names
            _hpcsh_release $record
        end
    end
    set -eg _hpcsh_old
    set -eg _hpcsh_new
    set -eg _hpcsh_names
    set -eg _hpcsh_mirrored
end

# Puts into the list _hpcsh_mirrored the names that mirrors of the user's leave out: not those of the records _hpcsh_old, which are
# ours. A tool with a mirror is neither cut off from it nor told to try only once; the program knows those that the configuration
# names, and in the environment stand others. _hpcsh_mirrors, which stands before this, has lines `NAME NAME=MIRROR MIRROR`;
# _hpcsh_explicit, the names that the configuration gives a value itself.
function _hpcsh_find_mirrored
    for line in (string split \n -- $_hpcsh_mirrors)
        set -l sides (string split = -- $line)
        set -l mirrors (string split ' ' -- $sides[2])
        if builtin contains -- 'CARGO_REGISTRIES_*' $mirrors
            set mirrors (set -n | string match -- 'CARGO_REGISTRIES_*') $mirrors[2..-1]
        end
        for name in $mirrors
            if not set -q $name; or test -z "$$name"; or builtin contains -- "$name=$$name" $_hpcsh_old
                continue
            end
            for name in (string split ' ' -- $sides[1])
                if not string match -q "* $name *" -- $_hpcsh_explicit
                    set -g _hpcsh_mirrored $_hpcsh_mirrored $name
                end
            end
            break
        end
    end
end

# Whether the environment has a mirror that leaves out some of the variables, of those that the configuration has not named itself: most
# often none, and then nobody need know more.
function _hpcsh_has_sought
    for name in (string split ' ' -- $_hpcsh_sought)
        if string match -q '*@' -- $name
            # A pipe takes ten times as long.
            string match -q -- (string replace @ '*' -- $name) (set -n); and return 0
        else if set -q $name; and test -n "$$name"
            return 0
        end
    end
    return 1
end

# Leaves out what has come with a login that did not look at mirrors, where the node counts as offline.
function _hpcsh_spare_mirrors
    if test $_hpcsh_verdict = offline -o $_hpcsh_verdict$_hpcsh_unknown = unknownoffline
        set -g _hpcsh_mirrored
        set -g _hpcsh_old (string split \x1f -- "$HPCSH_EXPORTS")
        _hpcsh_has_sought; and _hpcsh_find_mirrored
        for name in $_hpcsh_mirrored
            if string match -q "$name=*" -- $_hpcsh_old
                _hpcsh_renew
                break
            end
        end
        set -eg _hpcsh_mirrored
        set -eg _hpcsh_old
    end
end

# Puts the directories of PATH that lie on the shared storage, which does not answer, behind the others: a command that is found
# before them does not wait for it.
function _hpcsh_shared_last
    set -l first
    set -l last
    for dir in $PATH
        if test -n "$_hpcsh_shared"; and test (string sub -l (string length -- $_hpcsh_shared/) -- $dir/) = $_hpcsh_shared/
            set last $last $dir
        else
            set first $first $dir
        end
    end
    set -gx PATH $first $last
end

# Exports the variable $argv[1] with the value $argv[2] where it is unset or ours.
function _hpcsh_admit
    if builtin contains -- $argv[1] $_hpcsh_mirrored
        return
    end
    if not set -q $argv[1]; or builtin contains -- "$argv[1]=$$argv[1]" $_hpcsh_old
        set -gx $argv[1] $argv[2]
        set -gx HPCSH_EXPORTS $HPCSH_EXPORTS$argv[1]=$argv[2]\x1f
        set -g _hpcsh_new $_hpcsh_new $argv[1]=$argv[2]
        set -g _hpcsh_names $_hpcsh_names $argv[1]
    end
end

# Unsets the variable of the record $argv if it still has that value. The record was inherited: its name may be anything.
function _hpcsh_release
    set -l _hpcsh_record (string split -m1 = -- $argv)
    set -q _hpcsh_record[2]; or return 0
    if string match -qr -- '\+\z' $_hpcsh_record[1]
        set _hpcsh_record[1] (string split -r -m1 + -- $_hpcsh_record[1])[1]
    end
    if string match -qr -- '^[a-zA-Z_][a-zA-Z0-9_]*\z' $_hpcsh_record[1]; and test $_hpcsh_record[1] != HPCSH_EXPORTS
        if set -q $_hpcsh_record[1]; and test "$$_hpcsh_record[1]" = "$_hpcsh_record[2]"
            set -eg $_hpcsh_record[1] 2>/dev/null
        end
    end
    return 0
end

# Waits for the node's first verdict. Without a memory there is none to wait for.
function _hpcsh_settle
    if test -n "$_hpcsh_memory"; and test -z "$HPCSH_OFFLINE"
        set -l word (command $_hpcsh_program status --word)
        if builtin contains -- "$word" online offline
            set -g _hpcsh_verdict $word
            set -g _hpcsh_fact $word
        end
    end
end

# --- the first prompt

# The warning, and the habits, each of which is a switch, and off where the user has his own. `ls` is in colour as fish brings
# it, and fish keeps its own history.
function _hpcsh_first_prompt
    _hpcsh_spare_mirrors
    for line in $_hpcsh_notice $_hpcsh_warning
        test -n "$line"; and builtin printf 'hpcsh: %s\n' $line >&2
    end
    # Now and then a prompt looks at the node's verdict.
    set -g _hpcsh_due 0
    function _hpcsh_on_prompt --on-event fish_prompt
        read -l -d . now rest </proc/uptime
        if test "$now" -ge $_hpcsh_due 2>/dev/null
            _hpcsh_call node _hpcsh_watch $now
        end
    end
    if test $_hpcsh_verdict != online; or test -n "$_hpcsh_text_online$_hpcsh_reader"
        _hpcsh_call node _hpcsh_show
    end
    set -g _hpcsh_made
    if string match -q '* hist *' -- $_hpcsh_switches; and not builtin functions -q hist
        set -g _hpcsh_made hist
        function hist --description 'The last commands with their dates'
            set -q argv[1]; or set argv 16
            if string match -qr '^\d+$' -- $argv[1]
                builtin history search --show-time='%F %R  ' --reverse --max=$argv[1]
            else
                builtin history search --show-time='%F %R  ' --reverse -- $argv
            end
        end
    end
    if string match -q '* cp *' -- $_hpcsh_switches; and not builtin functions -q cp
        set -g _hpcsh_made $_hpcsh_made cp
        # An alias of the other shells asks where it is typed. A function is called by other functions too: those have a
        # frame between this one and the command line. A line with a tab says more of the frame above it.
        function cp --description 'cp that asks before it overwrites'
            set -l frames (status stack-trace)
            set frames (string match -v \t'*' -- $frames)
            if set -q frames[3]
                command cp $argv
            else
                command cp -i $argv
            end
        end
    end
    if test -n "$_hpcsh_ls_colors"; and not set -q LS_COLORS
        set -gx LS_COLORS $_hpcsh_ls_colors
        set -gx HPCSH_EXPORTS "$HPCSH_EXPORTS"LS_COLORS+=$_hpcsh_ls_colors\x1f
    end
    if string match -q '* ctrl_backspace *' -- $_hpcsh_switches
        set -l mode default
        if string match -qr 'vi|hybrid' -- "$fish_key_bindings"
            set mode insert
        end
        if not builtin bind --user -M $mode \ch >/dev/null 2>&1
            builtin bind --user -M $mode \ch backward-kill-word
            set -g _hpcsh_key $mode
        end
    end
    for name in hpcsh act waitvllm
        builtin complete -c $name -x -a '(_hpcsh_complete)'
    end
    builtin complete -c mdcd -x -a '(__fish_complete_directories)'
    builtin complete -c cdr -x -a '(__fish_complete_directories)'
    if string match -q '* enter *' -- $_hpcsh_switches
        _hpcsh_call enter _hpcsh_first_look
    end
end

# The first TAB: gets what all of them take from the program, and asks again for what stands on the line. Where the program has
# gone, nothing comes of it.
function _hpcsh_complete
    for name in hpcsh act waitvllm
        builtin complete -e -c $name
    end
    command $_hpcsh_program init fish --part completion 2>/dev/null | builtin source
    builtin complete -C (commandline -cp)
end

set -g _hpcsh_parts $_hpcsh_parts prompt
