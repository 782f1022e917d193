# hpcsh for bash: a login through the node's last good script, without a process. The line that `install.sh --local-first` writes
# sources `login.bash`, which has this in it, the file of the data and the verdict above it, that script below it. Status 1 where what
# was kept is not of this boot, host, home or configuration: then the line asks the program. verdict.bash asks for the network as well.
#
# Behind what each login has, the data have: 6, 7, what comes first in PATH and its records for the marker, if nothing of it is in it; 8, the
# pattern of a PATH that has some, or is empty; 9, a pattern that leaves out the names of all exported variables but those that may be
# ours or a proxy; 10, the directory of the node's memory, and 11, XDG_RUNTIME_DIR, which leads there; 12, what the names in it begin with;
# 13, where we are. 21 finds out what of PATH and of the names is there.

# What shellcheck cannot see: the assignments above it (2154), and who reads these (2034). What is a pattern has no quotes (2053).
# shellcheck disable=SC2154,SC2034,SC2053

# `mapfile` is the quickest way to read. The last of what it reads is asked for first: a file may have been cut.
[[ -O $_hpcsh_file && -r /proc/sys/kernel/random/boot_id ]] &&
  \builtin mapfile -tn 14 _hpcsh_data <"$_hpcsh_file" &&
  \builtin mapfile -t _hpcsh_id </proc/sys/kernel/random/boot_id &&
  \builtin mapfile -tO 1 _hpcsh_id </proc/sys/kernel/hostname &&
  [[ "${HOME-}|${XDG_CONFIG_HOME-}|${HPCSH_CONFIG-}|${_hpcsh_id-} ${_hpcsh_id[1]-}" == "${_hpcsh_data[13]-}" ]] || \return 1
_hpcsh_taken=${HPCSH_STORAGE+1}${VIRTUAL_ENV+1} _hpcsh_first=${_hpcsh_data[6]} _hpcsh_added=${_hpcsh_data[7]}
# There is more to find out where the node's memory may lie elsewhere, where it has forgotten, which it does when the last session ends, where
# somebody may wait for storage, and for a shell that has no next prompt.
[[ ${XDG_RUNTIME_DIR-} == "${_hpcsh_data[11]}" && -O ${_hpcsh_data[10]} && ! -L ${_hpcsh_data[10]} && ! -e ${_hpcsh_data[12]}-reader && $- == *i* ]] ||
  _hpcsh_taken=find$_hpcsh_taken
if [[ :${PATH-}: == ${_hpcsh_data[8]} ]] || \builtin compgen -A export -X "${_hpcsh_data[9]}"; then
  \builtin mapfile -t _hpcsh_data <"$_hpcsh_file" && \builtin eval "${_hpcsh_data[21]:-\return 1}"
fi >/dev/null
