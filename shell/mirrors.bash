# hpcsh for bash: what holds only while the node is offline, where a mirror may leave it out. `_hpcsh_call mirrors` gets it. The rules
# are those of hpcsh.bash. A tool with a mirror is neither cut off from it nor told to try only once; the program knows those that
# the configuration names, and left out what they leave out. In the environment stand others.
#
# _hpcsh_mirrors, which stands before this, has lines `NAME NAME=MIRROR MIRROR`; _hpcsh_explicit, the names that the configuration gives
# a value itself.

# What shellcheck cannot see: the other files assign (2154), and read what is assigned here (2034).
# shellcheck disable=SC2154,SC2034

# Puts into REPLY the names, with blanks around them, that mirrors of the user's leave out.
function _hpcsh_mirrored {
  \local IFS=$'\n' "globbing=$-" group mirror name value
  REPLY=' '
  \set -f
  for group in $_hpcsh_mirrors; do
    IFS=' '
    for mirror in ${group#*=}; do
      case $mirror in
        *\*) value=${!CARGO_REGISTRIES_@} ;;
        *) value=${!mirror-} ;;
      esac
      if [[ -n $value && ${HPCSH_EXPORTS-} != *$'\x1f'"$mirror=$value"$'\x1f'* ]]; then
        for name in ${group%%=*}; do
          [[ $_hpcsh_explicit == *" $name "* ]] || REPLY+="$name "
        done
        \break
      fi
    done
  done
  [[ $globbing == *f* ]] || \set +f
}

# Takes out of _hpcsh_records what mirrors leave out.
function _hpcsh_spare {
  \local IFS=' ' REPLY name rest
  _hpcsh_mirrored
  for name in $REPLY; do
    rest=$'\x1f'$_hpcsh_records
    if [[ $rest == *$'\x1f'"$name="* ]]; then
      _hpcsh_records=${rest%%$'\x1f'"$name="*}$'\x1f'
      rest=${rest#*$'\x1f'"$name="}
      _hpcsh_records=${_hpcsh_records#$'\x1f'}${rest#*$'\x1f'}
    fi
  done
}

# The first prompt of a node that counts as offline: mirrors that an rc file names behind our line.
function _hpcsh_first_offline {
  \local IFS=' ' REPLY name
  _hpcsh_mirrored
  for name in $REPLY; do
    if [[ $HPCSH_EXPORTS == *$'\x1f'"$name="* ]]; then
      _hpcsh_call variables _hpcsh_renew
      \break
    fi
  done
}

_hpcsh_parts="${_hpcsh_parts-} mirrors "
# It has _hpcsh_explicit.
_hpcsh_call prompt builtin :
