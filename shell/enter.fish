# hpcsh for fish: environments that are entered and left on `cd`. `_hpcsh_call enter` gets it at the first prompt. The rules are
# those of hpcsh.fish; and no process but the program's word on an environment, asked once for each visit of a project.
#
# HPCSH_ENTERED is the environment that was entered unasked, exported, so that a nested shell can leave it. An active
# environment that is not it is the user's, and is never touched.

# Looks when the directory changes, and before a prompt when something has changed since: fish moves a substitution's `cd` into
# the shell itself, and an environment may have been left.
function _hpcsh_look --on-variable PWD --on-event fish_prompt
    if test "$PWD//$VIRTUAL_ENV" = "$_hpcsh_pwd//$_hpcsh_was"
        return
    else if status is-command-substitution
        return
    end
    set -l entered "$HPCSH_ENTERED"
    set -l active "$VIRTUAL_ENV"
    if test -n "$active"; and test "$active" != "$entered"
        # His own.
        set -e HPCSH_ENTERED
    else if test -n "$CONDA_PREFIX"; and set -q CONDA_DEFAULT_ENV; and test "$CONDA_DEFAULT_ENV" != base
        set -e HPCSH_ENTERED
    else
        set -l left
        if test -z "$active$entered"; and test -n "$_hpcsh_was"; and test "$PWD" != "$_hpcsh_pwd"
            # Left by hand, and since then the directory has changed: what stays left is what was the nearest there.
            _hpcsh_nearest $_hpcsh_pwd
            set left $_hpcsh_reply
        end
        _hpcsh_nearest $PWD
        set -l found $_hpcsh_reply
        if test -z "$active"; and test -n "$entered$_hpcsh_was"
            # It stays left until the project is left.
            if test -n "$entered"
                set -g _hpcsh_left $entered
                set -e HPCSH_ENTERED
                set entered ''
            else if test "$PWD" = "$_hpcsh_pwd"
                set -g _hpcsh_left $found
            else
                set -g _hpcsh_left $left
            end
        end
        # What is known of a project is forgotten when it is left.
        if set -q _hpcsh_left[1]; or set -q _hpcsh_trusted[1]; or set -q _hpcsh_refused[1]
            for list in _hpcsh_left _hpcsh_trusted _hpcsh_refused
                set -l kept
                for venv in $$list
                    builtin contains -- $venv $_hpcsh_dirs/.venv; and set kept $kept $venv
                end
                set -g $list $kept
            end
        end
        if test "$found" != "$entered"
            if test -n "$entered"
                _hpcsh_call more _hpcsh_leave
                set -e HPCSH_ENTERED
            end
            if test -n "$found"; and not builtin contains -- $found $_hpcsh_left $_hpcsh_refused
                _hpcsh_enter_trusted $found
            end
        end
    end
    set -g _hpcsh_pwd $PWD
    set -g _hpcsh_was "$VIRTUAL_ENV"
end

# The nearest environment upwards from the directory $argv: _hpcsh_reply, empty where there is none. One look per directory, up to the
# home, the shared home or the root of a mount: above those, a look may wake an automounter. _hpcsh_dirs has the directories, this one
# first.
# Every `cd` pays for this: fish needs about as long for each command in it as for each look.
function _hpcsh_nearest
    set -g _hpcsh_reply ''
    set -l dirs
    set -l dir ''
    # A substitution takes as long as all the rest.
    set -l parts
    if string match -q '3.1.*' -- $version
        set parts (string split / -- $argv)[2..-1]
    else
        string match -rqa '/(?<parts>[^/]+)' -- $argv
    end
    for part in $parts
        set dir $dir/$part
        set dirs $dir $dirs
    end
    set -g _hpcsh_dirs $dirs
    # Below one of the two homes, it alone is the end.
    for home in $_hpcsh_homes
        if builtin contains -- $home $dirs
            for dir in $dirs
                if test -f $dir/.venv/pyvenv.cfg
                    set -g _hpcsh_reply $dir/.venv
                    return
                else if builtin contains -- $dir $_hpcsh_homes
                    return
                end
            end
        end
    end
    # As of the first time that somebody asked.
    if not set -q _hpcsh_mounts
        set -g _hpcsh_mounts / (string replace -rf '^(?:\S+ ){4}(\S+) .*$' '$1' </proc/self/mountinfo 2>/dev/null)
    end
    for dir in $dirs
        if builtin contains -- $dir $_hpcsh_mounts
            test $dir != /; and test -f $dir/.venv/pyvenv.cfg; and set -g _hpcsh_reply $dir/.venv
            return
        else if test -f $dir/.venv/pyvenv.cfg
            set -g _hpcsh_reply $dir/.venv
            return
        end
    end
end

# Whether the program says that the environment $argv may be entered. It tells once why not.
function _hpcsh_ask
    set -l quiet
    builtin contains -- $argv $_hpcsh_told; and set quiet --quiet
    test -z "$_hpcsh_reader"; and test -x $_hpcsh_program; and command $_hpcsh_program trust --ask $quiet -- $argv
end

# Enters $argv, natively or not at all, if the program says, or has said since the project was entered, that it may be entered. It tells once why not.
function _hpcsh_enter_trusted
    # Who would tell whether it may waits for storage.
    test -z "$_hpcsh_reader"; or return 0
    if not builtin contains -- $argv $_hpcsh_trusted
        if not _hpcsh_ask $argv
            set -g _hpcsh_refused $_hpcsh_refused $argv
            set -g _hpcsh_told $_hpcsh_told $argv
            return
        end
        set -g _hpcsh_trusted $_hpcsh_trusted $argv
    end
    if _hpcsh_call more _hpcsh_enter $argv native
        set -gx HPCSH_ENTERED $argv
    else
        set -g _hpcsh_refused $_hpcsh_refused $argv
    end
end

# Before the first prompt: looks.
function _hpcsh_first_look
    set -g _hpcsh_pwd ''
    set -g _hpcsh_homes $HOME
    string match -q '*/' -- $HOME; and set -g _hpcsh_homes (string replace -r '(?s)(.)/+\z' '$1' -- $HOME | string collect)
    test -n "$_hpcsh_shared"; and set -g _hpcsh_homes $_hpcsh_homes $_hpcsh_shared
    # Of an outer shell: judged again, as somebody else perhaps; and config.fish may have put its own directories in front.
    if test -n "$HPCSH_ENTERED"
        _hpcsh_call more _hpcsh_path_remove $HPCSH_ENTERED/bin
        if test "$VIRTUAL_ENV" != "$HPCSH_ENTERED"
            set -e HPCSH_ENTERED
        else if _hpcsh_ask $VIRTUAL_ENV
            set -gx PATH $VIRTUAL_ENV/bin $PATH
        else
            set -g _hpcsh_told $_hpcsh_told $VIRTUAL_ENV
            _hpcsh_leave
            set -e HPCSH_ENTERED
        end
    end
    _hpcsh_look
end

set -g _hpcsh_parts $_hpcsh_parts enter
