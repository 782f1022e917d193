# hpcsh for bash: what login.bash leaves to find out. It is one line of the login's data, and is evaluated there. Status 1 where the program is
# to be asked. The rules are those of hpcsh.bash; a line is a command, but for what a word that begins a list is the end of.
#
# `@NAME@` as in login.bash; @lacking@ stands for commands that find out what PATH lacks, @all@ for the expansions of all other names, or for
# more where each login has something to do, and @current@ for those of the proxies.

# What shellcheck cannot see: the assignments above it (2154), and who reads these (2034); what stands for a word (2050).
# shellcheck disable=SC2154,SC2034,SC2050

# What the configuration says may depend on them: mirrors, and where the probe goes.
[[ "@current@" == @proxies@ ]] || \return 1
[[ $_hpcsh_fact,$_hpcsh_id == o@(ff|n)line,[0-9]*\ * ]] || _hpcsh_fact=unknown
_hpcsh_fixed=${_hpcsh_data[3]} _hpcsh_key=${_hpcsh_data[4]} _hpcsh_memory=${_hpcsh_data[5]} _hpcsh_expired='' _hpcsh_reader='' _hpcsh_notice='' _hpcsh_first='' _hpcsh_added=''
_hpcsh_taken=${HPCSH_STORAGE+1}${VIRTUAL_ENV+1}${_OLD_VIRTUAL_PATH+1}@asked@
if \builtin compgen -eX @names@; then
  _hpcsh_taken+=@all@
fi >/dev/null
@lacking@
# A readonly PATH stays as it is, which only the script can do.
[[ -z ${PATH+1} ]] || \builtin printf -v PATH %s "$PATH" 2>/dev/null || _hpcsh_taken+=1
# There is more to find out where the node's memory may lie elsewhere, where it has forgotten, which it does when the last session ends, where
# somebody may wait for storage, and for a shell that has no next prompt.
[[ $_hpcsh_fact != unknown && $- == *i* && ${XDG_RUNTIME_DIR-} == @runtime@ && -O @run@ && ! -L @run@ && ! -e @reader@ ]] || _hpcsh_taken=find$_hpcsh_taken
# The script, as it would be with the program, which would have told it all this; it is the login's where only PATH has something of ours.
if [[ $- != *i* || -n ${HPCSH_EXPORTS-}${HPCSH_OFFLINE-}$_hpcsh_taken || $IFS != $' \t\n' ]] || \builtin compgen -aA function -X '![acdmw][acde][acdirt]*'; then
  [[ -s @script@ && -O @script@ && ! -L @script@ ]] && \builtin source @script@
  \return
fi
_hpcsh_data[1]=$_hpcsh_first _hpcsh_data[2]=$_hpcsh_added
