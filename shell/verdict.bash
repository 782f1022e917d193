# hpcsh for bash: the node's verdict, for a login without the program where the configuration has none: it is of one network namespace. It
# stands behind login.bash.

# What shellcheck cannot see: the other files assign (2154), and read what is assigned here (2034).
# What has one element of interest (2128).
# shellcheck disable=SC2154,SC2034,SC2128

\builtin mapfile -t _hpcsh_id 9</proc/self/ns/net </proc/self/fdinfo/9 && [[ "${_hpcsh_id[*]} " == *:$'\t'"$_hpcsh_network "* ]] || \return 1
_hpcsh_known=${_hpcsh_data[12]}-verdict
if [[ -f $_hpcsh_known && -O $_hpcsh_known && ! -L $_hpcsh_known ]]; then
  \builtin mapfile -tn 1 _hpcsh_id <"$_hpcsh_known"
fi
# Where it is not known there is more to find out.
if [[ ${_hpcsh_id-} == o@(ff|n)line\ +([0-9])\ * ]]; then
  _hpcsh_fact=${_hpcsh_id%% *}
  [[ $_hpcsh_fact == offline ]] || _hpcsh_set=2
else
  _hpcsh_taken=find$_hpcsh_taken
fi
