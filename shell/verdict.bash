# hpcsh for bash: the node's verdict, for a login without the program where the configuration has none: it is of one network namespace. It
# stands behind login.bash. A kernel without such namespaces has no number for it.

# What shellcheck cannot see: the other files assign (2154), and read what is assigned here (2034).
# shellcheck disable=SC2154,SC2034

[[ -z $_hpcsh_network ]] || {
  \builtin mapfile -t _hpcsh_id 9</proc/self/ns/net </proc/self/fdinfo/9 && [[ "${_hpcsh_id[*]} " == *:$'\t'"$_hpcsh_network"' '* ]]
} || \return 1
_hpcsh_known=${_hpcsh_data[12]}-verdict
if [[ -f $_hpcsh_known && -O $_hpcsh_known && ! -L $_hpcsh_known ]]; then
  \builtin mapfile -tn 1 _hpcsh_id <"$_hpcsh_known"
fi
# Where it is not known there is more to find out.
case ${_hpcsh_id-} in
  offline\ [0-9]*\ *) _hpcsh_fact=offline ;;
  online\ [0-9]*\ *) _hpcsh_fact=online _hpcsh_set=2 ;;
  *) _hpcsh_taken=find$_hpcsh_taken ;;
esac
