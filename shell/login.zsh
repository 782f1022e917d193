# hpcsh for zsh: a login through the node's last good script, without a process. The line that `install.sh --local-first` writes
# sources `login.zsh`, which names a file with this in it, so that zsh can compile that as well; above it are quoted assignments: the
# boot, the host and the network namespace in which it was written, for which home and configuration, and the script. Status 1 where
# anything of that is not so: then the line asks the program.

if [[ -z ${HPCSH_CONFIG-} && -f $_hpcsh_script && -O $_hpcsh_script && -r /proc/sys/kernel/random/boot_id &&
  "${https_proxy-} ${HTTPS_PROXY-} ${http_proxy-} ${HTTP_PROXY-} ${all_proxy-} ${ALL_PROXY-} ${no_proxy-} ${NO_PROXY-} " == "$_hpcsh_proxies" &&
  "$(</proc/sys/kernel/random/boot_id)|$(</proc/sys/kernel/hostname)|${HOME-}|${XDG_CONFIG_HOME-}" == "$_hpcsh_here" ]]; then
  _hpcsh_login=$$
fi
# The node's verdict, where the configuration has none, is of one network namespace.
if [[ -z $_hpcsh_fixed ]]; then
  # A kernel without such namespaces has no number for it.
  if [[ -n $_hpcsh_network ]]; then
    [[ $(</proc/self/fdinfo/9) == *:$'\t'"$_hpcsh_network" ]] || _hpcsh_login=
  fi 9</proc/self/ns/net
  _hpcsh_fact=unknown
  if [[ -f $_hpcsh_memory-verdict && -O $_hpcsh_memory-verdict && ! -L $_hpcsh_memory-verdict ]]; then
    # To set IFS for `read` would cost more than all the rest.
    _hpcsh_notice=$(<"$_hpcsh_memory-verdict")
    if [[ $_hpcsh_notice == 'offline '[0-9]*' '* ]]; then
      _hpcsh_fact=offline
    elif [[ $_hpcsh_notice == 'online '[0-9]*' '* ]]; then
      _hpcsh_fact=online
    fi
    _hpcsh_notice=
  fi
fi
# There is more to find out where the node's memory may lie elsewhere, where it has forgotten, which it does when the last session ends,
# where somebody may wait for storage, and for a shell that has no next prompt.
if [[ ! -o interactive || ${XDG_RUNTIME_DIR-} != "$_hpcsh_runtime" || ! -O $_hpcsh_run || -L $_hpcsh_run || -e $_hpcsh_memory-reader ]]; then
  _hpcsh_taken=find
fi
[[ -n $_hpcsh_login ]] && \builtin source "$_hpcsh_script"
