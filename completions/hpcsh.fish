# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_hpcsh_global_optspecs
    string join \n config= h/help V/version
end

function __fish_hpcsh_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_hpcsh_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_hpcsh_using_subcommand
    set -l cmd (__fish_hpcsh_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c hpcsh -n "__fish_hpcsh_needs_command" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_needs_command" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_needs_command" -s V -l version -d 'Print version'
complete -c hpcsh -n "__fish_hpcsh_needs_command" -f -a "init" -d 'Print the script that the shell evaluates at its start'
complete -c hpcsh -n "__fish_hpcsh_needs_command" -f -a "env" -d 'Print the variables alone: for job scripts, images and manifests'
complete -c hpcsh -n "__fish_hpcsh_needs_command" -f -a "status" -d 'Whether this node is online, and how that is known'
complete -c hpcsh -n "__fish_hpcsh_needs_command" -f -a "wait" -d 'Wait until inference servers are ready (`waitvllm` in the shell)'
complete -c hpcsh -n "__fish_hpcsh_needs_command" -f -a "airgap" -d 'Rehearse a command as a node without internet would run it'
complete -c hpcsh -n "__fish_hpcsh_needs_command" -f -a "dns" -d 'Make every internet lookup fail at once: the offline resolver'
complete -c hpcsh -n "__fish_hpcsh_needs_command" -f -a "hf" -d 'Models in the Hugging Face cache, without starting Python'
complete -c hpcsh -n "__fish_hpcsh_needs_command" -f -a "allow" -d 'Let `cd` enter an environment, as it is now'
complete -c hpcsh -n "__fish_hpcsh_needs_command" -f -a "deny" -d 'Never let `cd` enter an environment'
complete -c hpcsh -n "__fish_hpcsh_needs_command" -f -a "trust" -d 'Which environments `cd` enters unasked'
complete -c hpcsh -n "__fish_hpcsh_needs_command" -f -a "doctor" -d 'What is wrong on this node, and the command that mends it'
complete -c hpcsh -n "__fish_hpcsh_needs_command" -f -a "config" -d 'Write, show and check the configuration'
complete -c hpcsh -n "__fish_hpcsh_needs_command" -f -a "completions" -d 'Print what completes the words of hpcsh in a shell'
complete -c hpcsh -n "__fish_hpcsh_needs_command" -f -a "man" -d 'Print the manual page, or write all of them'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand init" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand init" -l print -d 'Print the script itself, also where a line that reads this node\'s copy of it would do'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand init" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand env" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand env" -l format -d 'For whom the variables are written' -r -f -a "sh\t''
fish\t''
json\t''
dotenv\t''
docker\t''
k8s\t''"
complete -c hpcsh -n "__fish_hpcsh_using_subcommand env" -l offline -d 'As on a node that is offline'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand env" -l online -d 'As on a node that is online'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand env" -l json -d 'The same as --format json'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand env" -l explain -d 'A table with the reason of each'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand env" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand status" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand status" -l json -d 'For programs'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand status" -l refresh -d 'Look at the network now'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand status" -l check -d 'Say nothing: exit code 0 online, 3 not'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand status" -l watch -d 'Go on: a line whenever the verdict turns'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand status" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand wait" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand wait" -l timeout -d 'Give up after so long: seconds, or 500ms, 30m, 2h (exit code 124); HPCSH_WAIT_TIMEOUT' -r -f
complete -c hpcsh -n "__fish_hpcsh_using_subcommand wait" -l kind -d 'What kind of server it is, where that is not to be found out' -r -f -a "vllm\t''
sglang\t''
llama.cpp\t''
tgi\t''
trtllm\t''
ollama\t''"
complete -c hpcsh -n "__fish_hpcsh_using_subcommand wait" -l model -d 'Wait until this model is served too' -r -f
complete -c hpcsh -n "__fish_hpcsh_using_subcommand wait" -l api-key-env -d 'The environment variable that holds the key for the list of models' -r -f
complete -c hpcsh -n "__fish_hpcsh_using_subcommand wait" -l pid -d 'Stop waiting when this process ends (exit code 1)' -r -f
complete -c hpcsh -n "__fish_hpcsh_using_subcommand wait" -l log -d 'The server\'s log: its phases are shown, and its last lines when the process ends; COMMAND writes it' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand wait" -l probe-timeout -d 'The longest that one look may take' -r -f
complete -c hpcsh -n "__fish_hpcsh_using_subcommand wait" -l cacert -d 'Trust these certificates instead of the system\'s authorities (PEM)' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand wait" -l any -d 'One of the targets is enough'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand wait" -l insecure -d 'Trust any certificate'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand wait" -l json -d 'Events for programs, one in a line'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand wait" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand airgap" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand airgap" -l report -d 'Write the hosts that were asked for as JSON, too' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand airgap" -l hang -d 'Drop packets silently, and leave names unanswered, instead of failing at once'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand airgap" -l allow-unix -d 'Leave the sockets of daemons outside that look names up or start containers (nscd, systemd-resolved, D-Bus, Docker)'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand airgap" -l keep-env -d 'Leave the environment as it is, without `hpcsh env --offline`'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand airgap" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and not __fish_seen_subcommand_from serve on off restore status check exec export" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and not __fish_seen_subcommand_from serve on off restore status check exec export" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and not __fish_seen_subcommand_from serve on off restore status check exec export" -f -a "serve" -d 'Answer lookups, in the foreground; changes nothing on the node'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and not __fish_seen_subcommand_from serve on off restore status check exec export" -f -a "on" -d 'Start the resolver and point this node\'s resolv.conf at it'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and not __fish_seen_subcommand_from serve on off restore status check exec export" -f -a "off" -d 'The original resolv.conf again, and stop the resolver'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and not __fish_seen_subcommand_from serve on off restore status check exec export" -f -a "restore" -d 'The original resolv.conf again, whatever state a crash has left'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and not __fish_seen_subcommand_from serve on off restore status check exec export" -f -a "status" -d 'What the resolver has answered, how often, and how its name servers are'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and not __fish_seen_subcommand_from serve on off restore status check exec export" -f -a "check" -d 'Say what would happen to a name, and which rule says so'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and not __fish_seen_subcommand_from serve on off restore status check exec export" -f -a "exec" -d 'The same for one command and its children, without root'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and not __fish_seen_subcommand_from serve on off restore status check exec export" -f -a "export" -d 'The same policy for an engine that runs here already'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from serve" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from serve" -l listen -d 'Where it listens [default: `dns.listen`, 127.0.0.1:53 and [::1]:53]; may be repeated' -r -f
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from serve" -l allow-remote -d 'Listen on addresses that others reach, too'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from serve" -l log-queries -d 'A line in the log for every question'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from serve" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from on" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from on" -l dry-run -d 'Only say what would be done'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from on" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from off" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from off" -l dry-run -d 'Only say what would be done'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from off" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from restore" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from restore" -l dry-run -d 'Only say what would be done'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from restore" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from status" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from status" -l at -d 'Where it listens [default: `dns.listen`]' -r -f
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from status" -l prometheus -d 'Write the figures for Prometheus into this file; `-`: print them' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from status" -l json -d 'For programs: one object'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from check" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from check" -l json -d 'For programs: an object for each name that would be asked for'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from exec" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from exec" -l dry-run -d 'Only say what would be done'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from exec" -l json -d 'With --dry-run: for programs'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from exec" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from export" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand dns; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand hf; and not __fish_seen_subcommand_from path ls check" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand hf; and not __fish_seen_subcommand_from path ls check" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand hf; and not __fish_seen_subcommand_from path ls check" -f -a "path" -d 'Print where one lies, as `HF_HUB_OFFLINE=1 hf download -q` does'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand hf; and not __fish_seen_subcommand_from path ls check" -f -a "ls" -d 'What there is: size, revisions, last use'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand hf; and not __fish_seen_subcommand_from path ls check" -f -a "check" -d 'Whether they would load offline; what is missing, and the command that brings it (exit code 3)'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand hf; and __fish_seen_subcommand_from path" -l file -d 'One file of it' -r
complete -c hpcsh -n "__fish_hpcsh_using_subcommand hf; and __fish_seen_subcommand_from path" -l kind -d 'What the name is of' -r -f -a "model\t''
dataset\t''
space\t''
kernel\t''"
complete -c hpcsh -n "__fish_hpcsh_using_subcommand hf; and __fish_seen_subcommand_from path" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand hf; and __fish_seen_subcommand_from path" -l json -d 'For programs'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand hf; and __fish_seen_subcommand_from path" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand hf; and __fish_seen_subcommand_from ls" -l kind -d 'Of this kind alone' -r -f -a "model\t''
dataset\t''
space\t''
kernel\t''"
complete -c hpcsh -n "__fish_hpcsh_using_subcommand hf; and __fish_seen_subcommand_from ls" -l sort -d 'In which order; otherwise by size' -r -f -a "size\t''
name\t''
used\t''"
complete -c hpcsh -n "__fish_hpcsh_using_subcommand hf; and __fish_seen_subcommand_from ls" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand hf; and __fish_seen_subcommand_from ls" -l json -d 'For programs: sizes in bytes'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand hf; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand hf; and __fish_seen_subcommand_from check" -l kind -d 'What the names are of' -r -f -a "model\t''
dataset\t''
space\t''
kernel\t''"
complete -c hpcsh -n "__fish_hpcsh_using_subcommand hf; and __fish_seen_subcommand_from check" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand hf; and __fish_seen_subcommand_from check" -l json -d 'For programs'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand hf; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand allow" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand allow" -l dry-run -d 'Say what would be recorded, record nothing'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand allow" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand deny" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand deny" -l dry-run -d 'Say what would be recorded, record nothing'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand deny" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand trust" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand trust" -l json -d 'For programs'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand trust" -l forget -d 'Take back what was said of DIR'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand trust" -l dry-run -d 'With --forget: say what would be taken back, change nothing'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand trust" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand doctor" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand doctor" -l json -d 'For programs'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand doctor" -l fix -d 'Mend what is hpcsh\'s own; ask before, on a terminal'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand doctor" -l dry-run -d 'Say what --fix would do, change nothing'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand doctor" -l yes -d 'With --fix: do not ask'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand config; and not __fish_seen_subcommand_from init show check path schema" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand config; and not __fish_seen_subcommand_from init show check path schema" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand config; and not __fish_seen_subcommand_from init show check path schema" -f -a "init" -d 'Write a first configuration'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand config; and not __fish_seen_subcommand_from init show check path schema" -f -a "show" -d 'Each value, and the layer that said it'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand config; and not __fish_seen_subcommand_from init show check path schema" -f -a "check" -d 'Read every layer again and tell what is wrong (exit code 2)'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand config; and not __fish_seen_subcommand_from init show check path schema" -f -a "path" -d 'The files, in the order in which one overrules the one before'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand config; and not __fish_seen_subcommand_from init show check path schema" -f -a "schema" -d 'A JSON Schema, by which editors complete and check a configuration'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand config; and __fish_seen_subcommand_from init" -l shared-home -d 'Root of the shared storage; otherwise a mounted one is proposed' -r -f -a "(__fish_complete_directories)"
complete -c hpcsh -n "__fish_hpcsh_using_subcommand config; and __fish_seen_subcommand_from init" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand config; and __fish_seen_subcommand_from init" -l yes -d 'Ask nothing'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand config; and __fish_seen_subcommand_from init" -l dry-run -d 'Print the file, write nothing'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand config; and __fish_seen_subcommand_from init" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand config; and __fish_seen_subcommand_from show" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand config; and __fish_seen_subcommand_from show" -l json -d 'For programs'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand config; and __fish_seen_subcommand_from check" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand config; and __fish_seen_subcommand_from check" -l json -d 'For programs'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand config; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand config; and __fish_seen_subcommand_from path" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand config; and __fish_seen_subcommand_from path" -l json -d 'For programs'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand config; and __fish_seen_subcommand_from path" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand config; and __fish_seen_subcommand_from schema" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand config; and __fish_seen_subcommand_from schema" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand completions" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand completions" -s h -l help -d 'Print help'
complete -c hpcsh -n "__fish_hpcsh_using_subcommand man" -l config -d 'Read this configuration too, over all others' -r -F
complete -c hpcsh -n "__fish_hpcsh_using_subcommand man" -l dir -d 'Write a page for each command into this directory' -r -f -a "(__fish_complete_directories)"
complete -c hpcsh -n "__fish_hpcsh_using_subcommand man" -s h -l help -d 'Print help'
