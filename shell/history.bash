# hpcsh for bash: the history. `@NAME@` as in login.bash. The rules are those of hpcsh.bash.

# What shellcheck cannot see: who reads these (2034).
# shellcheck disable=SC2034

# At a login, since bash reads and cuts the file when the rc file has been read; what it has not filled in nobody has chosen. An empty size
# of the file leaves it whole, and bash does not look at it; the first prompt has the number. The marks tell hpcsh_off what is ours, if it
# is this shell that has set them.
[[ -n ${HISTSIZE+1}${HISTFILESIZE+1} ]] || HISTSIZE=@size@ HISTFILESIZE='' _hpcsh_sized=$$
[[ ${HISTFILE-} != "${HOME-}/.bash_history" ]] || HISTFILE=@file@ _hpcsh_moved=$$
