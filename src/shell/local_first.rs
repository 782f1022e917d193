//! What a bash reads that starts without this program: `login.bash`, and its data. What the code asks for stands in `shell/login.bash`.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::code::Shell;
use super::env::{Export, Origin};
use super::facts;
use super::kept::{self, KeptFile};
use super::last::Good;
use super::names;
use super::prologue::Prologue;
use super::script::{self, LoginData};
use super::template::{self, Word, only, quoted};
use crate::host::Host;
use crate::host::boot::{Boot, PROXIES};
use crate::quote;
use crate::verdict::State;

/// What stands in front of the name of the file with the data.
pub const NAMES: &[u8] = b"_hpcsh_file=";

/// What it does last, as any script; a readonly PATH, an empty one, and one that is not there are left to the script itself.
const PATH: &str = "PATH=$_hpcsh_first$PATH\n";

/// The code, and the file of data that it reads. Where there can be none, the code says that the program is to be asked.
pub fn bash(host: &Host, boot: &Boot, good: &Good<'_>, dir: &Path) -> (Vec<u8>, Option<KeptFile>) {
    let words = words(host, boot, good);
    let (first, added) = facts::in_front(good.path);
    let data = good.text.with_login(LoginData {
        first: [first.into(), added, fixed(good).into(), boot.key().into(), memory(good).into()],
        compared: here(host, boot),
        last: [script::on_one_line(&template::filled(Shell::UNUSUAL, &words)), b".".to_vec()],
    });
    // A kernel without network namespaces has no number for one.
    let data = data.filter(|_| good.fixed.is_some() || !boot.network.is_empty());
    let Some(kept) = data.and_then(|data| kept::data(dir, &data)) else {
        return (b"\\return 1\n".to_vec(), None);
    };
    let file = quote::sh(kept.0.as_os_str().as_bytes());
    let path = if good.path.is_empty() { "" } else { PATH };
    // How the rest is read first of all, since a shell that has all of the data already may lose some by what follows.
    let begin = [NAMES, &file, b"\n", Shell::REST.as_bytes()].concat();
    let code = [&*begin, &template::filled(Shell::LOGIN, &words), good.text.session(), path.as_bytes()].concat();
    (code, Some(kept))
}

/// A pattern of what is compared: the home, where the configuration lies, the host and the boot, as `shell/login.bash` puts them together;
/// behind the line of the host stands the first character of IFS, if there is one.
fn here(host: &Host, boot: &Boot) -> Vec<u8> {
    let word = |name: &str| host.variable(name).unwrap_or_default().into_encoded_bytes();
    let here = [&*word("HOME"), &word("XDG_CONFIG_HOME"), b"", boot.name.as_bytes()].join(&b',');
    [&*literally(&here), b"[[:cntrl:]]?(?)", &literally(boot.id.as_bytes()), b"[[:cntrl:]]"].concat()
}

/// The words of the code.
fn words(host: &Host, boot: &Boot, good: &Good<'_>) -> Vec<Word<'static>> {
    let memory = memory(good);
    let run = good.memory.and_then(Path::parent).unwrap_or(Path::new(""));
    let runtime = host.variable("XDG_RUNTIME_DIR").unwrap_or_default();
    let current = PROXIES.iter().flat_map(|name| ["${", name, "-} "]).collect::<String>();
    let all = expansions(names(good.exports, false));
    let all = if is_never_usual(good) { [b"1", &*all].concat() } else { all };
    vec![
        only(good.fixed.is_none(), quoted("network", &boot.network)),
        only(good.fixed.is_none(), quoted("verdict", [memory, b"-verdict"].concat())),
        only(good.fixed.is_some(), quoted("fixed", fixed(good))),
        quoted("runtime", runtime.as_bytes()),
        quoted("run", run.as_os_str().as_bytes()),
        quoted("reader", [memory, b"-reader"].concat()),
        quoted("script", good.script.as_os_str().as_bytes()),
        quoted("proxies", &boot.proxies),
        ("current", Some(current.into())),
        ("path", Some(some_of(good.path))),
        quoted("names", all_but(boot, good)),
        ("asked", Some(expansions(names(good.exports, true)))),
        ("all", Some(all)),
        ("lacking", lacking(good.path)),
    ]
}

/// The configuration's word on the node; empty where it has none.
fn fixed(good: &Good<'_>) -> &'static str {
    good.fixed.map_or("", State::word)
}

/// What the paths of the node's memory begin with; empty where there is none.
fn memory<'a>(good: &Good<'a>) -> &'a [u8] {
    good.memory.map_or(&[], |memory| memory.as_os_str().as_bytes())
}

/// The names that a table of the configuration names itself, or the others.
fn names(exports: &[Export], in_table: bool) -> impl Iterator<Item = &str> {
    let is_one = move |export: &&Export| matches!(export.origin, Origin::Table(_)) == in_table;
    exports.iter().filter(is_one).map(|export| export.name.as_str())
}

/// What is empty where none of these is set. The names are checked ones.
fn expansions<'a>(names: impl Iterator<Item = &'a str>) -> Vec<u8> {
    names.flat_map(|name| ["${", name, "+1}"]).collect::<String>().into()
}

/// Commands on one line that find out what PATH lacks; `None` where there is nothing to put there.
fn lacking(path: &[String]) -> Option<Vec<u8>> {
    let mut prologue = Prologue::new(Shell::Bash, 0);
    prologue.lacking(path);
    let line = script::on_one_line(&prologue.text);
    line.strip_suffix(b";").map(<[u8]>::to_vec)
}

/// A pattern of these bytes.
fn literally(bytes: &[u8]) -> Vec<u8> {
    let escaped = |byte: &u8| {
        let is_plain = byte.is_ascii_alphanumeric() || b"/_-.:,".contains(byte) || !byte.is_ascii();
        [b'\\', *byte].into_iter().skip(usize::from(is_plain))
    };
    bytes.iter().flat_map(escaped).collect()
}

/// A pattern of `:PATH:` where it has one of the directories, or is empty.
fn some_of(path: &[String]) -> Vec<u8> {
    let each = path.iter().flat_map(|dir| [b"*:", &*literally(dir.as_bytes()), b":*|"].concat());
    [b"@(".to_vec(), each.collect(), b"::)".to_vec()].concat()
}

/// Whether each such login has more to do: bash has to be told that a value is no pattern, or somebody has to look at the storage of the
/// history.
fn is_never_usual(good: &Good<'_>) -> bool {
    good.is_history_shared || Export::are_patterns(good.exports)
}

/// A pattern that leaves out all names but these and the proxies'. It leaves out none where it is known already that there is more to
/// find out.
fn all_but(boot: &Boot, good: &Good<'_>) -> Vec<u8> {
    let may_be_usual = boot.proxies.trim().is_empty() && !is_never_usual(good);
    // The others the code asks for one by one.
    if may_be_usual { names::all_but(names(good.exports, false).chain(PROXIES)) } else { b"!*".to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_its_bytes() {
        assert_eq!(literally(b"/home/a b*[$(x)]\xc3\xa4"), b"/home/a\\ b\\*\\[\\$\\(x\\)\\]\xc3\xa4");
        assert_eq!(some_of(&["/a".to_owned(), "/b c".to_owned()]), b"@(*:/a:*|*:/b\\ c:*|::)");
        assert_eq!(some_of(&[]), b"@(::)");
    }
}
