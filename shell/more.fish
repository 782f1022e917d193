# hpcsh for fish: what `act`, `deactivate`, `mdcd`, `cdr` and `hpcsh_off` do. `_hpcsh_call more` gets it at the first of them.
# The rules are those of hpcsh.fish, but for the way out and errors, which may start processes.

# Says $argv[1], with what to do about it in $argv[2]. Status 1.
function _hpcsh_error
    builtin printf 'Error: %s\n' $argv[1] >&2
    if set -q argv[2]
        builtin printf 'hint: %s\n' $argv[2] >&2
    end
    return 1
end

# --- environments

# The path $argv from the root, without `.`, `..` and doubled slashes, symlinks as they are: _hpcsh_reply.
function _hpcsh_absolute
    set -l path $argv
    if not string match -q '/*' -- $path
        set path $PWD/$path
    end
    if not string match -qr '//|/\.\.?/' -- $path/
        set -g _hpcsh_reply $path
        return
    end
    set -l parts
    for part in (string split / -- $path)
        switch $part
            case '' .
            case ..
                set -q parts[1]; and set -e parts[-1]
            case '*'
                set parts $parts $part
        end
    end
    set -g _hpcsh_reply ''
    for part in $parts
        set -g _hpcsh_reply $_hpcsh_reply/$part
    end
    test -n "$_hpcsh_reply"; or set -g _hpcsh_reply /
end

# Finds the environment of the directory $argv, in it or it itself: _hpcsh_reply. Status 1 where there is none.
function _hpcsh_find
    set -l dir $argv
    test $dir = /; and set dir ''
    for venv in $dir/.venv $argv
        if test -f $venv/pyvenv.cfg; or test -f $venv/conda-meta/history; or test -f $venv/bin/activate.fish
            set -g _hpcsh_reply $venv
            return 0
        end
    end
    return 1
end

# Takes the first $argv out of PATH.
function _hpcsh_path_remove
    if test "$PATH[1]" = "$argv"
        set -e PATH[1]
    end
    while set -l at (builtin contains -i -- $argv $PATH)
        set -e PATH[$at]
    end
end

# Enters the environment of the directory $argv[1]; without one, the nearest upwards.
function _hpcsh_act
    if set -q argv[1]
        set -l dir $argv[1]
        test -n "$dir"; or set dir .
        if string match -q '?*/' -- $dir
            set dir (string replace -r '/\z' '' -- $dir | string collect)
        end
        if not test -d $dir
            _hpcsh_error "Directory $dir does not exist"
            return
        end
        _hpcsh_absolute $dir
        if not _hpcsh_find $_hpcsh_reply
            _hpcsh_error "Could not find activation script in $dir"
            return
        end
    else
        # The directories above, the nearest first.
        set -l dirs /
        set -l dir ''
        for part in (string split / -- $PWD)
            if test -n "$part"
                set dir $dir/$part
                set dirs $dir $dirs
            end
        end
        for dir in $dirs
            if _hpcsh_find $dir
                break
            else if test $dir = /
                _hpcsh_error 'Could not find activation script in . or above'
                return
            end
        end
        if test $dir != $PWD; and not test -O $_hpcsh_reply
            builtin printf 'hpcsh: %s belongs to another user\n' $_hpcsh_reply >&2
        end
    end
    _hpcsh_enter $_hpcsh_reply; or return
    # From now on it is his.
    set -e HPCSH_ENTERED
    return 0
end

# Enters the environment $argv: natively where it has a pyvenv.cfg, so that no code of its own runs.
function _hpcsh_enter
    set -l venv $argv[1]
    if set -q argv[2]
        test -f $venv/pyvenv.cfg; and test -e $venv/bin/python; or return
    else if test -f $venv/conda-meta/history
        _hpcsh_leave
        _hpcsh_enter_conda $venv
        return
    else if not test -f $venv/pyvenv.cfg
        _hpcsh_leave
        builtin source $venv/bin/activate.fish
        return
    else if not test -e $venv/bin/python
        _hpcsh_no_python $venv
        return
    end
    # `prompt = NAME`: bare from uv, quoted by repr() from venv, in double quotes from virtualenv.
    set -l label
    if string match -q '3.1.*' -- $version
        set label (string replace -rf '^prompt[ \t]*=\s*(.*?)\s*$' '$1' <$venv/pyvenv.cfg)
        set -q label[1]; or set label (string split -r -m1 / -- $venv)[2]
    else
        # Without a substitution, which takes longer.
        string match -rq '^prompt[ \t]*=\s*(?<label>.*?)\s*$' <$venv/pyvenv.cfg
        set -q label[1]; or string match -rq '(?<label>[^/]+)\z' -- $venv
    end
    if string match -qr '^([\'"]).*\1$' -- $label
        set label (string replace -r '^.(.*).$' '$1' -- $label)
    end
    _hpcsh_leave
    # Under the names that the environments' own scripts use: one that is sourced over ours puts these back first.
    set -g _OLD_VIRTUAL_PATH $PATH
    if set -q PYTHONHOME
        set -g _OLD_VIRTUAL_PYTHONHOME $PYTHONHOME
        set -e PYTHONHOME
    end
    set -gx VIRTUAL_ENV $venv
    set -gx VIRTUAL_ENV_PROMPT $label
    set -g _hpcsh_venv $venv
    set -gx PATH $venv/bin $PATH
    if test -z "$VIRTUAL_ENV_DISABLE_PROMPT"; and string match -q '* label *' -- $_hpcsh_switches
        _hpcsh_wrap_prompt
    end
    _hpcsh_claim
end

# Whether the prompt is the one that we have put around the user's.
function _hpcsh_is_prompt_ours
    string match -q '*_hpcsh_under*' -- (builtin functions fish_prompt)
end

# Puts a prompt with the label around the user's, which is kept under a name of ours. That name is new each time: somebody may
# have put his own around ours meanwhile, and still calls it.
function _hpcsh_wrap_prompt
    if not builtin functions -q fish_prompt
        return 0
    else if set -q _hpcsh_under; and _hpcsh_is_prompt_ours
        return 0
    end
    set -l under _hpcsh_prompt
    while builtin functions -q $under
        set under "$under"_
    end
    builtin functions -c fish_prompt $under
    set -g _hpcsh_under $under
    function fish_prompt --inherit-variable under
        # The user's runs first, since it may show the status of the last command.
        set -l lines ($under)
        if test "$under" = "$_hpcsh_under"; and set -q HPCSH_PROMPT; and test "$_hpcsh_side" = left
            _hpcsh_segment ' '
        end
        if test "$under" = "$_hpcsh_under"; and test -n "$_hpcsh_venv"; and test "$_hpcsh_venv" = "$VIRTUAL_ENV"
            builtin printf '(%s) ' "$VIRTUAL_ENV_PROMPT"
        end
        string join -- \n $lines
    end
end

# Puts the user's prompt back. One that somebody has made anew stays.
function _hpcsh_unwrap_prompt
    if set -q _hpcsh_under; and builtin functions -q $_hpcsh_under; and _hpcsh_is_prompt_ours
        builtin functions -e fish_prompt
        builtin functions -c $_hpcsh_under fish_prompt
        builtin functions -e $_hpcsh_under
        set -e _hpcsh_under
    end
end

function _hpcsh_deactivate
    # What a script that is sourced enters next is the user's.
    set -e HPCSH_ENTERED
    if test -n "$VIRTUAL_ENV"
        _hpcsh_leave
    else if test "$argv[1]" != nondestructive
        _hpcsh_error 'no environment is active'
    end
end

# Leaves the active environment, whoever entered it. What was added to PATH since then stays.
function _hpcsh_leave
    if test -z "$VIRTUAL_ENV"
        return 0
    else if not set -q _hpcsh_leaving; and test "$_hpcsh_venv" != "$VIRTUAL_ENV"; and set -q _OLD_VIRTUAL_PATH
        # Entered by its own script, which left its own way out; should that be ours by now, it comes back here.
        set -g _hpcsh_leaving 1
        deactivate
        set -e _hpcsh_leaving
        return 0
    end
    _hpcsh_path_remove $VIRTUAL_ENV/bin
    set -q _hpcsh_shown; or _hpcsh_unwrap_prompt
    if set -q _OLD_VIRTUAL_PYTHONHOME
        set -gx PYTHONHOME $_OLD_VIRTUAL_PYTHONHOME
    end
    set -e VIRTUAL_ENV
    set -e VIRTUAL_ENV_PROMPT
    set -e _OLD_VIRTUAL_PATH
    set -e _OLD_VIRTUAL_PYTHONHOME
    set -e _hpcsh_venv
    return 0
end

# Says why the environment $argv has no Python that could run.
function _hpcsh_no_python
    set -l python $argv/bin/python
    if test -L $python
        set -l target (command readlink -m -- $python | string collect)
        set -l again "uv venv --clear "(string escape -- $argv)
        _hpcsh_error "$python leads to $target, which is not on this node" \
            "it was made on another node without a shared UV_PYTHON_INSTALL_DIR; make it again: $again"
    else
        _hpcsh_error "$argv has no bin/python"
    end
end

# conda and mamba run the scripts of an environment's packages, so they enter it by their own `activate`, which their hook for
# fish defines.
function _hpcsh_enter_conda
    for name in conda mamba micromamba
        if builtin functions -q $name
            $name activate $argv
            return
        end
    end
    _hpcsh_absolute "$CONDA_EXE/../.."
    set -l bases $_hpcsh_reply
    _hpcsh_absolute $argv/../..
    for base in $bases $argv $_hpcsh_reply
        if test -f $base/etc/fish/conf.d/conda.fish
            builtin source $base/etc/fish/conf.d/conda.fish
            conda activate $argv
            return
        end
    end
    _hpcsh_error "$argv is a conda environment, and this shell knows no conda" 'run the shell hook of conda or mamba first'
end

# --- directories

# Enters the directory $argv, and notes where it came from as fish's own `cd` does, so that `cd -` and `prevd` go back.
function _hpcsh_cd
    set -l before $PWD
    builtin cd $argv; or return
    if test "$PWD" != "$before"
        set -g dirprev $dirprev $before
        set -q dirprev[26]; and set -e dirprev[1]
        set -e dirnext
        set -g __fish_cd_direction prev
    end
    return 0
end

# Makes the directory $argv and enters it.
function _hpcsh_mdcd
    if test (builtin count $argv) -ne 1; or test -z "$argv"
        _hpcsh_error 'mdcd takes the name of one directory'
        return
    end
    # `./` keeps a leading dash, and CDPATH, out of it.
    set -l dir $argv
    string match -q '/*' -- $dir; or set dir ./$dir
    command mkdir -p -- $dir; and _hpcsh_cd $dir
end

# Enters the real path of the directory $argv, or of here.
function _hpcsh_cdr
    set -l dir .
    set -q argv[1]; and set dir $argv[1]
    if test "$dir" = -
        set dir $PWD
        set -q dirprev[1]; and set dir $dirprev[-1]
    else if not string match -q '/*' -- $dir
        set dir ./$dir
    end
    if set -l real (builtin realpath $dir 2>/dev/null | string collect); and test -d "$real"
        set dir $real
    end
    _hpcsh_cd $dir
end

# --- the way out

# Takes back everything that hpcsh brought, and puts back what was there before.
function _hpcsh_off
    # What the user entered by its own script is his.
    if test "$_hpcsh_venv" = "$VIRTUAL_ENV"; or test "$HPCSH_ENTERED" = "$VIRTUAL_ENV"
        _hpcsh_leave
    end
    _hpcsh_unwrap_prompt
    for record in (string split \x1f -- "$HPCSH_EXPORTS")
        if string match -q 'PATH+=*' -- $record
            _hpcsh_path_remove (string split -m1 = -- $record)[2]
        else if test -n "$record"
            _hpcsh_release $record
        end
    end
    if set -q _hpcsh_key
        builtin bind --user -e -M $_hpcsh_key \ch
    end
    # The way out of an environment that is left active, and is not ours, stays.
    for name in act mdcd cdr waitvllm deactivate $_hpcsh_made
        if test $name != deactivate; or string match -q '*_hpcsh_call*' -- (builtin functions deactivate)
            builtin functions -e $name
        end
    end
    for name in $_hpcsh_users
        if not builtin functions -q $name
            builtin functions -c _hpcsh_users_$name $name
        end
    end
    for name in hpcsh act waitvllm mdcd cdr
        builtin complete -e -c $name
    end
    if set -q _hpcsh_right
        builtin functions -e fish_right_prompt
    end
    for name in EXPORTS ENTERED NODE STORAGE PROMPT
        set -e HPCSH_$name
    end
    for name in (builtin functions -an | string match '_hpcsh_*' | string split ' ')
        # A prompt that somebody has put around ours still calls what is under ours.
        if not set -q _hpcsh_under; or not string match -q '_hpcsh_prompt*' -- $name
            builtin functions -e $name
        end
    end
    builtin functions -e hpcsh_off
    for name in (set -gn | string match '_hpcsh_*' | string split ' ')
        set -eg $name
    end
end

set -g _hpcsh_parts $_hpcsh_parts more
