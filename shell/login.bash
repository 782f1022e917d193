# hpcsh for bash: a login through the node's last good script, without a process. The line that `install.sh --local-first` writes
# sources this file, which has quoted assignments above it: the boot, the host and the network namespace in which it was written,
# for which home and configuration, and the script. Status 1 where anything of that is not so: then the line asks the program.

# What shellcheck cannot see: the assignments above it (2154), and who reads them (2034).
# shellcheck disable=SC2154,SC2034,SC1090

if [[ -z ${HPCSH_CONFIG-} && -f $_hpcsh_script && -O $_hpcsh_script && $_hpcsh_proxies == \
  "${https_proxy-} ${HTTPS_PROXY-} ${http_proxy-} ${HTTP_PROXY-} ${all_proxy-} ${ALL_PROXY-} ${no_proxy-} ${NO_PROXY-} " ]]; then
  {
    # `read` takes longer.
    if \builtin mapfile -t _hpcsh_id </proc/sys/kernel/random/boot_id && \builtin mapfile -t _hpcsh_name </proc/sys/kernel/hostname &&
      \builtin mapfile -t _hpcsh_lines </proc/self/fdinfo/9 && [[ "${_hpcsh_lines[*]-} " == *:$'\t'"$_hpcsh_network "* &&
      "${_hpcsh_id-}|${_hpcsh_name-}|${HOME-}|${XDG_CONFIG_HOME-}" == "$_hpcsh_here" ]]; then
      _hpcsh_login=$$
    fi
  } 2>/dev/null 9</proc/self/ns/net
fi
if [[ -z $_hpcsh_fixed ]]; then
  _hpcsh_fact='' _hpcsh_file=$_hpcsh_memory-verdict
  [[ ! -f $_hpcsh_file || ! -O $_hpcsh_file || -L $_hpcsh_file ]] || \builtin read -r _hpcsh_fact <"$_hpcsh_file" || _hpcsh_fact=
  _hpcsh_fact=${_hpcsh_fact%% *}
fi
# There is more to find out where the node's memory may lie elsewhere, where it has forgotten, which it does when the last session ends, where
# the verdict is not known, where somebody may wait for storage, and for a shell that has no next prompt.
if [[ $- != *i* || ${XDG_RUNTIME_DIR-} != "$_hpcsh_runtime" || ! -d $_hpcsh_run || ! -O $_hpcsh_run || -L $_hpcsh_run || -e $_hpcsh_memory-reader ||
  ($_hpcsh_fact != offline && $_hpcsh_fact != online) ]]; then
  _hpcsh_taken='find'
fi
[[ -n $_hpcsh_login ]] && \builtin source "$_hpcsh_script"
