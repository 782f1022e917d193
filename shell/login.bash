# hpcsh for bash: a login through the node's last good script, without a process. The line that `install.sh --local-first` writes sources
# the node's `login.bash`, which has rest.bash, this, history.bash and session.bash in it. Status 1 where what was kept is not of this boot,
# host, home or configuration: then the line asks the program. What is not as in a usual login is left to unusual.bash.
#
# `@NAME@` stands for a word of this node and home, quoted; @path@ for a pattern of a PATH that has some of what we put there, or is empty,
# and @asked@ for expansions that are empty where no variable is set that the configuration names. src/shell/local_first.rs fills them
# in, and leaves a line out that names a word of which there is none: what the configuration says of the verdict nobody looks up.

# What shellcheck cannot see: the assignments above it (2154), and who reads these (2034). What is a pattern has no quotes (2053).
# shellcheck disable=SC2154,SC2034,SC2053

# `mapfile` is the quickest way to read. What it reads last is compared: a file may have been cut. Under another IFS it is never the same.
[[ -O $_hpcsh_file && -r /proc/sys/kernel/random/boot_id ]] &&
  \builtin mapfile -tn 4 _hpcsh_data <"$_hpcsh_file" &&
  \builtin mapfile -t _hpcsh_id </proc/sys/kernel/random/boot_id &&
  \builtin mapfile -tO 1 _hpcsh_id </proc/sys/kernel/hostname &&
  [[ "${HOME-}|${XDG_CONFIG_HOME-}|${HPCSH_CONFIG-}|${_hpcsh_id[*]-}" == "${_hpcsh_data[3]-}" ]] || \return 1
# The verdict is of one network namespace. A kernel without such namespaces has no number for it.
\builtin mapfile -t _hpcsh_id 9</proc/self/ns/net </proc/self/fdinfo/9 && [[ ${_hpcsh_id[3]-} == ino:*@network@ ]] || \return 1
_hpcsh_fact=@fact@ _hpcsh_set=@set@ _hpcsh_first=@first@ _hpcsh_added=@added@
[[ -f @verdict@ && -O @verdict@ && ! -L @verdict@ ]] && \builtin mapfile -tn 1 _hpcsh_id <@verdict@ && \
  { [[ $_hpcsh_id == offline\ [0-9]*\ * ]] && _hpcsh_fact=offline _hpcsh_set=1 || [[ $_hpcsh_id == online\ [0-9]*\ * ]] && _hpcsh_fact=online _hpcsh_set=2; }
# The usual login: the verdict is known, a prompt will look at it again, nothing of ours is in the environment, nobody has what has a
# name like ours, the node's memory lies where it lay, and nobody waits for storage. One `compgen` costs what a few expansions cost.
if [[ -z $_hpcsh_set || $- != *i* || $IFS != $' \t\n' || -n ${HPCSH_EXPORTS-}${HPCSH_OFFLINE-}${HPCSH_STORAGE+1}${VIRTUAL_ENV+1}@asked@ ||
  ${XDG_RUNTIME_DIR-} != @runtime@ || ! -O @run@ || -L @run@ || -e @reader@ || :${PATH-}: == @path@ ]] ||
  \builtin compgen -A export -X @names@ || \builtin compgen -A function -A alias -X '![acdmw][acde][acdirt]*'; then
  \builtin mapfile -t _hpcsh_data <"$_hpcsh_file" && \builtin eval "${_hpcsh_data[9]:-\return 1}"
fi >/dev/null
# As in hpcsh.bash.
IFS=$'\x1f'
# shellcheck disable=SC2086,SC2163
\builtin export HPCSH_EXPORTS HPCSH_NODE=$_hpcsh_fact $_hpcsh_data ${_hpcsh_data[_hpcsh_set]}
HPCSH_EXPORTS=$IFS$_hpcsh_data${_hpcsh_data[_hpcsh_set]}$_hpcsh_added IFS=$' \t\n'
_hpcsh_loaded=$$
