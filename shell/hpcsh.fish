# hpcsh for fish (3.1 or newer): what every start needs. `hpcsh init fish` prints quoted assignments of _hpcsh_* variables and
# then this file, without its comments and indentation; nothing is ever interpolated into it. What a shell needs later is in
# prompt.fish, more.fish and enter.fish, which `_hpcsh_call` gets once: fish reads and parses at 60 to 100 us a kilobyte, and
# every login would pay.
#
# It is evaluated among anybody's functions and universal variables. So: `builtin` and `command` before what functions shadow
# (fish keeps `set`, `test`, `string`, `status`, `read` to itself); `set -g`, which comes before a universal variable. A
# substitution costs as much as parsing a kilobyte and splits at line ends, so there are few, and of what does not split. No
# process, no output, status 0 at the end, and the same when it is evaluated again.

set -qg _hpcsh_parts; or set -g _hpcsh_parts
# Runs what follows $argv[1], which the part $argv[1] ("prompt", "more", "enter") defines: the node's own copy of it, which the
# program has put there, else what the program says.
function _hpcsh_call
    if not builtin contains -- $argv[1] $_hpcsh_parts
        set -l copy $_hpcsh_copy-$argv[1].fish
        set -l dir
        if string match -q '3.1.*' -- $version
            set dir (string split -r -m1 / -- $copy)[1]
        else
            string match -rq '(?s)^(?<dir>.*)/' -- $copy
        end
        if test -f $copy; and test -O $copy; and test -O $dir; and not test -L $dir
            builtin source $copy
        else
            command $_hpcsh_program init fish --part $argv[1] | builtin source
        end
    end
    $argv[2..-1]
end

# The node's facts stand before the prologue: _hpcsh_fact is its verdict. A shell that is not interactive has no next prompt to
# mend an unknown one, or one that has expired.
set -g _hpcsh_verdict $_hpcsh_fact
if test $_hpcsh_fact = unknown -o -n "$_hpcsh_expired"; and not status is-interactive
    _hpcsh_call prompt _hpcsh_settle
end
# The prologue's _hpcsh_always, _hpcsh_offline and _hpcsh_online run their arguments with each name and value behind them;
# _hpcsh_unset has the number of the names that are not set, and of all. Where none is set, the usual login, there is nothing
# to compare. HPCSH_EXPORTS tells which values are ours, to later calls and to nested shells.
if test -z "$HPCSH_EXPORTS$HPCSH_OFFLINE$HPCSH_STORAGE$_hpcsh_reader$_hpcsh_taken"; and test $_hpcsh_unset[1] = $_hpcsh_unset[2]
    set -gx HPCSH_NODE $_hpcsh_verdict
    _hpcsh_always set -gx
    if builtin contains -- offline $_hpcsh_verdict $_hpcsh_unknown; and test $_hpcsh_verdict != online
        _hpcsh_offline set -gx
        set -gx HPCSH_EXPORTS \x1f$_hpcsh_records_always$_hpcsh_records_offline
    else
        _hpcsh_online set -gx
        set -gx HPCSH_EXPORTS \x1f$_hpcsh_records_always$_hpcsh_records_online
    end
else
    _hpcsh_call prompt _hpcsh_begin
end
# The configured directories come first in PATH, where they are not in it; HPCSH_EXPORTS has those that we added.
for _hpcsh_dir in $_hpcsh_path
    if not builtin contains -- $_hpcsh_dir $PATH
        # Behind an environment that an outer shell entered, whose own python comes first.
        if test -n "$VIRTUAL_ENV"; and test "$PATH[1]" = $VIRTUAL_ENV/bin
            set -gx PATH $PATH[1] $_hpcsh_dir $PATH[2..-1]
        else
            set -gx PATH $_hpcsh_dir $PATH
        end
        set -gx HPCSH_EXPORTS "$HPCSH_EXPORTS"PATH+=$_hpcsh_dir\x1f
    end
end
if test -n "$_hpcsh_reader"
    _hpcsh_call prompt _hpcsh_shared_last
end

if not status is-interactive
    for _hpcsh_dir in $_hpcsh_notice $_hpcsh_warning
        test -n "$_hpcsh_dir"; and builtin printf 'hpcsh: %s\n' $_hpcsh_dir >&2
    end
    for _hpcsh_dir in program copy verdict warning switches ls_colors shared history_size history_file records path unset \
        parts records_always records_offline records_online fact fixed expired notice login memory reader unknown ttl side color \
        text_offline text_unknown text_online text_stale text_resolver history_shared explicit sought taken mirrors
        set -eg _hpcsh_$_hpcsh_dir
    end
    builtin functions -e _hpcsh_call _hpcsh_always _hpcsh_offline _hpcsh_online
    builtin functions -e _hpcsh_settle _hpcsh_renew _hpcsh_shared_last _hpcsh_admit _hpcsh_release _hpcsh_first_prompt _hpcsh_complete \
        _hpcsh_find_mirrored _hpcsh_spare_mirrors _hpcsh_has_sought _hpcsh_begin _hpcsh_choose _hpcsh_is_same _hpcsh_compare
else

    if not set -qg _hpcsh_loaded
        set -g _hpcsh_loaded 1
        # What the user has under our names is put back by hpcsh_off.
        set -g _hpcsh_users
        for _hpcsh_dir in act mdcd cdr waitvllm deactivate
            if builtin functions -q $_hpcsh_dir
                builtin functions -c $_hpcsh_dir _hpcsh_users_$_hpcsh_dir
                set -g _hpcsh_users $_hpcsh_users $_hpcsh_dir
            end
        end
        # Before the first prompt, and then no more: what only a prompt needs, and a warning. All of config.fish has been read
        # by then, so what the user has of his own is there.
        function _hpcsh_on_prompt --on-event fish_prompt
            builtin functions -e _hpcsh_on_prompt
            _hpcsh_call prompt _hpcsh_first_prompt
        end
    end

    function act --description 'Enter the nearest environment, or that of a directory'
        _hpcsh_call more _hpcsh_act $argv
    end

    # In a function of its own, since an activation script that is sourced meanwhile replaces and removes `deactivate`.
    function _hpcsh_claim
        function deactivate --description 'Leave the environment'
            _hpcsh_call more _hpcsh_deactivate $argv
        end
    end
    # One that its own script has entered keeps that script's way out.
    if not set -q _OLD_VIRTUAL_PATH; or not builtin functions -q deactivate
        _hpcsh_claim
    end

    function mdcd --description 'Make a directory and enter it'
        _hpcsh_call more _hpcsh_mdcd $argv
    end

    function cdr --description 'Enter the real path of a directory'
        _hpcsh_call more _hpcsh_cdr $argv
    end

    function waitvllm --description 'Wait until the inference server is ready'
        command $_hpcsh_program wait $argv
    end

    function hpcsh_off --description 'Take back everything that hpcsh brought'
        _hpcsh_call prompt _hpcsh_call more _hpcsh_off
    end

end
set -e _hpcsh_dir
builtin true
