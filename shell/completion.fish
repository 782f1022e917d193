# hpcsh for fish: what TAB brings. `_hpcsh_complete` gets it at the first one behind a word of ours, with the text of
# completions/hpcsh.fish in front of it, which completes `hpcsh` itself. The rules are those of hpcsh.fish.

# Directories that `act` would enter; where none begins so, all, since one may be on the way. Deeper than that nobody looks: on
# shared storage each look costs a millisecond.
function _hpcsh_environments
    set -l all (__fish_complete_directories (commandline -ct) '')
    set -l found
    for line in $all
        set -l dir (string split \t -- $line)[1]
        string match -q '~/*' -- $dir; and set dir $HOME/(string sub -s 3 -- $dir)
        for file in .venv/pyvenv.cfg .venv/conda-meta/history .venv/bin/activate pyvenv.cfg conda-meta/history bin/activate
            if test -f $dir/$file
                set found $found $line
                break
            end
        end
    end
    set -q found[1]; or set found $all
    set -q found[1]; and builtin printf '%s\n' $found
end

# The models in the cache: one look at one directory, which the program gives up where the storage hangs.
builtin complete -c hpcsh -n '__fish_seen_subcommand_from hf; and __fish_seen_subcommand_from path check' -f -a '(command $_hpcsh_program hf ls --names 2>/dev/null)'
builtin complete -c act -x -a '(_hpcsh_environments)'
builtin complete -c waitvllm -w 'hpcsh wait'
