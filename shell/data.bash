# hpcsh for bash: names for the data of the script. `_hpcsh_call` gets it before any other part. The rules are those of hpcsh.bash.

# What shellcheck cannot see: the script assigns (2154), the other files read (2034).
# shellcheck disable=SC2154,SC2034

# What no login asks for stands in one string, with U+001F between. In the order in which src/shell/script.rs has them.
function _hpcsh_unpack {
  \local IFS=$'\x1f' "globbing=$-"
  \set -f
  # shellcheck disable=SC2086
  \set -- ${_hpcsh_data[8]}
  [[ $globbing == *f* ]] || \set +f
  _hpcsh_shared=$1 _hpcsh_warning=$2 _hpcsh_unknown=$3 _hpcsh_switches=$4 _hpcsh_ls_colors=$5 _hpcsh_ttl=$6 _hpcsh_side=$7 \
    _hpcsh_text_online=$8 _hpcsh_text_offline=$9 _hpcsh_text_unknown=${10} _hpcsh_text_stale=${11} _hpcsh_text_resolver=${12} \
    _hpcsh_color=${13} _hpcsh_explicit=${14} _hpcsh_sought=${15-}
  _hpcsh_history_file=${_hpcsh_data[3]} _hpcsh_program=${_hpcsh_data[5]} _hpcsh_path=${_hpcsh_data[7]}
}

# Whether the environment has a mirror that leaves out some of the variables, of those that the configuration has not named itself: most
# often none, and then nobody need know more.
function _hpcsh_has_sought {
  \local IFS=' ' _hpcsh_name
  for _hpcsh_name in $_hpcsh_sought; do
    if [[ $_hpcsh_name == *@ ]]; then
      [[ -z ${!CARGO_REGISTRIES_@} ]] || \return 0
    elif [[ -n ${!_hpcsh_name-} && ${HPCSH_EXPORTS-} != *$'\x1f'"$_hpcsh_name=${!_hpcsh_name}"$'\x1f'* ]]; then
      \return 0
    fi
  done
  \return 1
}

_hpcsh_parts=" data "
