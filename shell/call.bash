# hpcsh for bash: how a part is read, and the names of the data that the parts ask for. It stands before the script, or on one line of its
# data. The rules are those of hpcsh.bash; and a line is a command, but for what a backslash or a word that begins a list is the end of.

# What shellcheck cannot see: the other files assign (2154), and read what is assigned here (2034).
# shellcheck disable=SC2154,SC2034

# Runs what follows $1, which the part $1 ("prompt", "more", …) defines: the node's own copy of it, which the program has put there, else
# what the program says. Should that have gone, a prompt asks once and not each time.
function _hpcsh_call {
  if [[ $_hpcsh_parts != *" $1 "* ]]; then
    \set -- "${_hpcsh_data[10]:-/dev/null/none}-$1.bash" "$@"
    if [[ -f $1 && -O $1 && -O ${1%/*} && ! -L ${1%/*} ]]; then
      \builtin source "$1"
    else
      \builtin eval "$(\command "${_hpcsh_data[9]}" init bash --part "$2" || [[ $2 != prompt ]] || \builtin echo 'function _hpcsh_precmd { :; }')"
    fi
    \shift
  fi
  \shift
  "$@"
}

# What no login asks for stands in one string, with U+001F between. In the order in which src/shell/script.rs has them.
function _hpcsh_unpack {
  \local IFS=$'\x1f' "globbing=$-"
  \set -f
  # shellcheck disable=SC2086
  \set -- ${_hpcsh_data[12]}
  [[ $globbing == *f* ]] || \set +f
  _hpcsh_shared=$1 _hpcsh_warning=$2 _hpcsh_unknown=$3 _hpcsh_switches=$4 _hpcsh_ls_colors=$5 _hpcsh_ttl=$6 _hpcsh_side=$7 \
    _hpcsh_text_online=$8 _hpcsh_text_offline=$9 _hpcsh_text_unknown=${10} _hpcsh_text_stale=${11} _hpcsh_text_resolver=${12} \
    _hpcsh_color=${13} _hpcsh_explicit=${14} _hpcsh_sought=${15} _hpcsh_history_size=${16} _hpcsh_history_file=${17} _hpcsh_history_shared=${18} \
    _hpcsh_not_sought=${19-}
  _hpcsh_verdict=$_hpcsh_fact _hpcsh_program=${_hpcsh_data[9]} _hpcsh_path=${_hpcsh_data[11]}
  # The facts of a login without the program.
  if [[ -n ${_hpcsh_data[8]} ]]; then
    _hpcsh_fixed=${_hpcsh_data[3]} _hpcsh_key=${_hpcsh_data[4]} _hpcsh_memory=${_hpcsh_data[5]} _hpcsh_expired='' _hpcsh_reader='' \
      _hpcsh_notice='' _hpcsh_taken='' _hpcsh_added=''
  fi
}

# Whether the environment has a mirror that leaves out some of the variables, of those that the configuration has not named itself: most
# often none, nor anything with a name like theirs, and then nobody need know more.
function _hpcsh_has_sought {
  \local IFS=' ' _hpcsh_name
  if ! \builtin compgen -eX "$_hpcsh_not_sought" && ! \builtin compgen -e CARGO_REGISTRIES_; then
    \return 1
  fi >/dev/null
  for _hpcsh_name in $_hpcsh_sought; do
    if [[ $_hpcsh_name == *@ ]]; then
      [[ -z ${!CARGO_REGISTRIES_@} ]] || \return 0
    elif [[ -n ${!_hpcsh_name-} && ${HPCSH_EXPORTS-} != *$'\x1f'"$_hpcsh_name=${!_hpcsh_name}"$'\x1f'* ]]; then
      \return 0
    fi
  done
  \return 1
}

# No part is read yet, or they are read again, as they may be another version's. The variable may be an outer shell's that exports all.
_hpcsh_parts=
_hpcsh_unpack
