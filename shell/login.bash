# hpcsh for bash: a login through the node's last good script, without a process. The line that `install.sh --local-first` writes sources
# the node's `login.bash`, which has rest.bash, this, history.bash and session.bash in it, and last of all puts into PATH what comes first.
# Status 1 where what was kept is not of this boot, host, home or configuration: then the line asks the program. A login that is not as
# most are is left to unusual.bash. The rules are those of hpcsh.bash.
#
# `@NAME@` stands for a word of this node and home, quoted; @path@ for a pattern of a PATH that has some of what we put there, or is empty,
# and @asked@ for expansions that are empty where no variable is set that the configuration names. src/shell/local_first.rs fills them
# in, and leaves out a line that names a word of which there is none: a verdict that the configuration has is not looked up.

# What shellcheck cannot see: the assignments above it (2154), and who reads these (2034); what stands for a word (2157, 2193). The first of an
# array is one like the others (2128, 2178, 2179), and what is a pattern has no quotes (2053).
# shellcheck disable=SC2154,SC2034,SC2053,SC2128,SC2157,SC2178,SC2179,SC2193

# `mapfile` is the quickest way to read; where a function of that name shadows it, the program is asked. Of the data, 1 and 2 are what comes
# first in PATH, and its records for the marker; 3 to 5, facts that call.bash has names for; 8, what is compared, as a pattern and last,
# since a file may have been cut; 14, unusual.bash, and 15, their end. Under any IFS, and so the lines keep their ends.
[[ -O $_hpcsh_file && -r /proc/sys/kernel/random/boot_id ]] &&
  \mapfile -tn 9 _hpcsh_data <"$_hpcsh_file" &&
  \mapfile _hpcsh_id </proc/sys/kernel/hostname &&
  \mapfile -O 1 _hpcsh_id </proc/sys/kernel/random/boot_id || \return 1
# The configuration's word, or the node's, which is of one network namespace.
[[ ${HOME-},${XDG_CONFIG_HOME-},${HPCSH_CONFIG-},${_hpcsh_id[*]-} == ${_hpcsh_data[8]-} ]] && _hpcsh_fact=@fixed@ _hpcsh_id='0 ' || \return 1
\mapfile -O 2 _hpcsh_id 9</proc/self/ns/net </proc/self/fdinfo/9 && [[ ${HOME-},${XDG_CONFIG_HOME-},${HPCSH_CONFIG-},${_hpcsh_id[*]-} == ${_hpcsh_data[8]-}*ino:$'\t'@network@$'\n'* ]] || \return 1
_hpcsh_known=@verdict@ && [[ -f $_hpcsh_known && -O $_hpcsh_known && ! -L $_hpcsh_known ]] && \read -r _hpcsh_fact _hpcsh_id <"$_hpcsh_known" || _hpcsh_fact=
# The usual login: there is a prompt that will look again, the node's memory lies where it lay, the verdict is known, nobody waits for
# storage, nothing of ours is in the environment, and nobody has what has a name like ours. A condition costs what some expansions cost.
if [[ $IFS,$-,${XDG_RUNTIME_DIR-},$_hpcsh_fact,$_hpcsh_id != $' \t\n',*i*,@runtime@,o@(ff|n)line,[0-9]*\ * || ! -O @run@ || -L @run@ || -e @reader@ ||
  -n ${HPCSH_EXPORTS-}${HPCSH_OFFLINE-}${HPCSH_STORAGE+1}${VIRTUAL_ENV+1}${_OLD_VIRTUAL_PATH+1}@asked@ || :${PATH-}: == @path@ ]] ||
  \builtin compgen -eX @names@ || \builtin compgen -aA function -X '![acdmw][acde][acdirt]*'; then
  \mapfile -t _hpcsh_data <"$_hpcsh_file" && [[ -n ${_hpcsh_data[15]-} ]] && \builtin eval "${_hpcsh_data[14]}" || \return 1
fi >/dev/null
# As in hpcsh.bash. The data are read again with the first part, and so one of them may be added to.
_hpcsh_data+=${_hpcsh_data[${#_hpcsh_fact}]} IFS=$'\x1f'
# shellcheck disable=SC2086,SC2163
\builtin export HPCSH_EXPORTS HPCSH_NODE=$_hpcsh_fact $_hpcsh_data
HPCSH_EXPORTS=$IFS$_hpcsh_data${_hpcsh_data[2]} IFS=$' \t\n' _hpcsh_loaded=$$ _hpcsh_first=${_hpcsh_data[1]}
# Nobody has one, or the login would not be the usual one.
function deactivate {
  _hpcsh_call more _hpcsh_deactivate "$@"
}
