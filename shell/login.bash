# hpcsh for bash: a login through the node's last good script, without a process. The line that `install.sh --local-first` writes
# sources this file, which has quoted assignments above it: the boot, the host and the network namespace in which it was written,
# for which home and configuration, and the script. Status 1 where anything of that is not so: then the line asks the program.

# What shellcheck cannot see: the assignments above it (2154), and who reads them (2034).
# shellcheck disable=SC2154,SC2034,SC1090

_hpcsh_login=
if [[ ${HOME-} == "$_hpcsh_home" && ${XDG_CONFIG_HOME-} == "$_hpcsh_xdg" && -z ${HPCSH_CONFIG-} &&
  $_hpcsh_proxies == "${https_proxy-} ${HTTPS_PROXY-} ${http_proxy-} ${HTTP_PROXY-} ${all_proxy-} ${ALL_PROXY-} ${no_proxy-} ${NO_PROXY-} " &&
  -f $_hpcsh_script && -O $_hpcsh_script ]]; then
  {
    IFS=' ' \builtin read -r _hpcsh_fact </proc/sys/kernel/random/boot_id || _hpcsh_fact=
    IFS=' ' \builtin read -r _hpcsh_dir </proc/sys/kernel/hostname || _hpcsh_dir=
    IFS='' \builtin read -r -d '' _hpcsh_notice </proc/self/fdinfo/9 || :
    if [[ $_hpcsh_fact == "$_hpcsh_boot" && $_hpcsh_dir == "$_hpcsh_host" && $_hpcsh_notice == *:$'\t'"$_hpcsh_network"$'\n' ]]; then
      _hpcsh_login=$$
    fi
  } 2>/dev/null 9</proc/self/ns/net
  _hpcsh_fact=$_hpcsh_fixed _hpcsh_notice=
fi
# Where the program keeps what holds for this boot. A runtime directory elsewhere may hang.
for _hpcsh_dir in "${XDG_RUNTIME_DIR:-/nowhere}/hpcsh" "/dev/shm/hpcsh-$UID" "/tmp/hpcsh-$UID" "/dev/shm/hpcsh-$UID"; do
  if [[ ($_hpcsh_dir == /run/* || $_hpcsh_dir == /tmp/* || $_hpcsh_dir == /dev/shm/* || $_hpcsh_dir == /var/*) &&
    -d $_hpcsh_dir && -O $_hpcsh_dir && ! -L $_hpcsh_dir ]]; then
    \break
  fi
done
_hpcsh_memory=$_hpcsh_dir/$_hpcsh_key
if [[ -z $_hpcsh_fixed ]]; then
  _hpcsh_fact=unknown
  if [[ -f $_hpcsh_memory-verdict && -O $_hpcsh_memory-verdict && ! -L $_hpcsh_memory-verdict ]]; then
    IFS=' ' \builtin read -r _hpcsh_fact _hpcsh_expired _hpcsh_dir <"$_hpcsh_memory-verdict" || _hpcsh_fact=
    case $_hpcsh_fact in
      online | offline) ;;
      *) _hpcsh_fact=unknown ;;
    esac
    # Only who has no next prompt asks how old it is.
    if [[ $- != *i* ]]; then
      IFS=' ' \builtin read -r _hpcsh_dir _hpcsh_notice </proc/uptime
      if [[ -n $_hpcsh_expired && $_hpcsh_expired != *[^0-9]* && ${#_hpcsh_expired} -lt 13 ]] && ((10#$_hpcsh_expired > 10#${_hpcsh_dir%.*})); then
        _hpcsh_expired=
      else
        _hpcsh_expired=1
      fi
      _hpcsh_notice=
    else
      _hpcsh_expired=
    fi
  fi
fi
if [[ -f $_hpcsh_memory-reader && -O $_hpcsh_memory-reader && ! -L $_hpcsh_memory-reader ]]; then
  IFS=' ' \builtin read -r _hpcsh_dir _hpcsh_notice <"$_hpcsh_memory-reader" || _hpcsh_dir=
  # Of one that has only just begun nobody knows: others look as well.
  IFS=' ' \builtin read -r _hpcsh_reader </proc/uptime || _hpcsh_reader=
  _hpcsh_reader=${_hpcsh_reader%% *}
  if [[ $_hpcsh_dir == [0-9]* && $_hpcsh_dir != *[^0-9]* && -d /proc/$_hpcsh_dir && $_hpcsh_notice == [0-9]* &&
    $_hpcsh_notice != *[^0-9]* && $((10#${_hpcsh_reader/./} - 10#0${_hpcsh_notice//[^0-9]/})) -ge 30 ]]; then
    _hpcsh_reader=$_hpcsh_memory-reader
  else
    _hpcsh_reader=
  fi
  _hpcsh_notice=
fi
if [[ $_hpcsh_fact == unknown || -n $_hpcsh_reader ]]; then
  _hpcsh_taken=1
fi
if [[ -n $_hpcsh_login ]]; then
  \builtin source "$_hpcsh_script"
else
  \builtin false
fi
