//! What a bash reads that starts without this program: `login.bash`, and its data. What the code asks for stands in `shell/login.bash`.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::code::Shell;
use super::env::{Export, Origin};
use super::facts::{self, assignments};
use super::kept::{self, KeptFile};
use super::last::Good;
use super::names;
use super::prologue::Prologue;
use super::script::{self, LOGIN};
use crate::host::Host;
use crate::host::boot::{Boot, PROXIES};
use crate::quote;
use crate::verdict::State;

/// What stands in front of the name of the file with the data.
pub const NAMES: &[u8] = b"_hpcsh_file=";

/// The code, and the file of data that it reads. Where there can be none, the code says that the program is to be asked.
pub fn bash(host: &Host, boot: &Boot, good: &Good<'_>, dir: &Path) -> (Vec<u8>, Option<KeptFile>) {
    let data = good.text.with_login(login(host, boot, good));
    let Some(kept) = data.and_then(|data| kept::data(dir, &data)) else {
        return (b"\\return 1\n".to_vec(), None);
    };
    let fact = good.fixed.unwrap_or(State::Unknown).word();
    let set = if good.fixed == Some(State::Online) { "2" } else { "1" };
    let mut known = vec![("file", kept.0.clone().into()), ("fact", fact.into()), ("set", set.into())];
    if good.fixed.is_none() {
        known.push(("network", boot.network.clone().into()));
    }
    let mut code = assignments(Shell::Bash, &known);
    // First of all, since a shell that has all of the data already may lose some by what follows.
    code.extend_from_slice(Shell::REST.as_bytes());
    code.extend_from_slice(include_bytes!(concat!(env!("OUT_DIR"), "/login.bash")));
    if good.fixed.is_none() {
        code.extend_from_slice(include_bytes!(concat!(env!("OUT_DIR"), "/verdict.bash")));
    }
    code.extend_from_slice(good.text.probe());
    code.extend_from_slice(good.text.code().as_bytes());
    (code, Some(kept))
}

/// What only such a login asks for, in the order of `shell/login.bash`; and what of that comes behind all data.
fn login(host: &Host, boot: &Boot, good: &Good<'_>) -> ([Vec<u8>; LOGIN], [Vec<u8>; 3]) {
    let word = |name: &str| host.variable(name).unwrap_or_default().into_encoded_bytes();
    let (first, added) = facts::in_front(good.path);
    let memory = good.memory.map_or(&[][..], |memory| memory.as_os_str().as_bytes());
    let run = good.memory.and_then(Path::parent).unwrap_or(Path::new(""));
    let here = [&*word("HOME"), &word("XDG_CONFIG_HOME"), b"", boot.id.as_bytes()].join(&b'|');
    let here = [&here, &b" "[..], boot.name.as_bytes()].concat();
    let of_login = [
        first.into(),
        added,
        some_of(good.path),
        all_but(boot, good),
        run.as_os_str().as_bytes().to_vec(),
        word("XDG_RUNTIME_DIR"),
        memory.to_vec(),
        here,
    ];
    let fixed = good.fixed.map_or("", State::word).into();
    (of_login, [find_out(boot, good), fixed, boot.key().into()])
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

/// The names that `shell/login.bash` does not ask for one by one.
fn asked(exports: &[Export]) -> impl Iterator<Item = &str> {
    let is_asked = |export: &&Export| !matches!(export.origin, Origin::Table(_));
    exports.iter().filter(is_asked).map(|export| export.name.as_str())
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
    if may_be_usual { names::all_but(asked(good.exports).chain(PROXIES)) } else { b"!*".to_vec() }
}

/// Finds out what of PATH is there, and whether one of the names is taken; has the program asked where the proxies are others.
fn find_out(boot: &Boot, good: &Good<'_>) -> Vec<u8> {
    let mut prologue = Prologue::new(Shell::Bash, 0);
    let proxies: String = PROXIES.iter().flat_map(|name| ["${", name, "-} "]).collect();
    let expected = quote::sh(boot.proxies.as_bytes());
    prologue.text = [b"[[ \"", proxies.as_bytes(), b"\" == ", &*expected, b" ]] || \\return 1\n"].concat();
    prologue.scalars(&[("first", b""), ("added", b"")]);
    prologue.lacking(good.path);
    let before = if is_never_usual(good) { "${_hpcsh_taken}1" } else { "$_hpcsh_taken" };
    prologue.probe("taken", before, asked(good.exports));
    script::on_one_line(&prologue.text)
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
