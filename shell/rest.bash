# hpcsh for bash: how the rest of the data is read, where a file has them: with the first part that is asked for. The rules are those of
# hpcsh.bash.

# What shellcheck cannot see: the other files assign (2154); and no array is left (2178).
# shellcheck disable=SC2154,SC2178

# What takes the place of this is the last of the data: call.bash. Where that is not there, or not all of it, that is said once.
function _hpcsh_call {
  \builtin mapfile -t _hpcsh_data <"$_hpcsh_file" || _hpcsh_data=
  \builtin eval "${_hpcsh_data[13]-function _hpcsh_call { [[ \$1 == prompt ]]; \}}" && _hpcsh_call "$@"
}
