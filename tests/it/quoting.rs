//! No value is ever parsed as shell code: random and hostile words through the real shells, byte for byte.

use std::fs;
use std::io::Write as _;

use hpcsh::quote;

use crate::support::{Home, has, skip};

/// How many random words each shell gets.
const COUNT: usize = 12_000;

/// What breaks quoting elsewhere.
const HOSTILE: &[&[u8]] = &[
    b"",
    b"'",
    b"''",
    b"'''",
    b"\"",
    b"\\",
    b"\\'",
    b"'\\''",
    b"$(touch pwned)",
    b"`touch pwned`",
    b"${PATH}",
    b"$'\\n'",
    b"; touch pwned #",
    b"' ; touch pwned ; '",
    b"\n",
    b"\ntouch pwned\n",
    b"\r\n",
    b"\t ",
    b" leading and trailing ",
    b"=ls",
    b"~",
    b"~root",
    b"!!",
    b"!$",
    b"* ? [a-z] {a,b} **/*(e:'touch pwned':)",
    b"%n %d $(%)",
    b"-n",
    b"--",
    b"#comment",
    b"\xff\xfe\x80",
    b"\xc3\x28",
    b"\x01\x7f\x1b[31m",
    "käse 🧀 \u{202e}".as_bytes(),
    b"(a|b) <(true) >(true) &",
    b"^H^?\x08",
];

/// xorshift: the same words in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn word(&mut self) -> Vec<u8> {
        const SPECIAL: &[u8] = b"'\"\\$`!~=*?[]{}()<>|&;#%^ \t\n\rabcABC019./-_:,@+\x01\x07\x1b\x7f\x80\xc3\xa4\xff";
        let length = self.next() % 24;
        (0..length)
            .map(|_| {
                let pick = self.next();
                if pick.is_multiple_of(4) {
                    // Any byte that an argument can hold.
                    u8::try_from(pick >> 8 & 0xff).unwrap().max(1)
                } else {
                    SPECIAL[usize::try_from(pick >> 8).unwrap() % SPECIAL.len()]
                }
            })
            .collect()
    }
}

fn words() -> Vec<Vec<u8>> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut words: Vec<Vec<u8>> = HOSTILE.iter().map(|word| word.to_vec()).collect();
    words.push(b"x'y$(touch pwned)`".repeat(6000)); // 100 KB
    words.extend((0..COUNT).map(|_| random.word()));
    words
}

/// Evaluates one quoted word at a time in this shell, as an assignment and as an argument, and reads the bytes back.
fn round_trip(shell: &[&str], prelude: &str) {
    if !has(shell[0]) {
        skip(&format!("{} is not installed", shell[0]));
        return;
    }
    let home = Home::new();
    let words = words();
    let mut script = prelude.as_bytes().to_vec();
    for word in &words {
        if shell[0] == "fish" {
            script.extend([b"set v ".to_vec(), quote::fish(word)].concat());
        } else {
            script.extend([b"v=".to_vec(), quote::sh(word)].concat());
        }
        // NUL parts the words: no argument can hold one.
        script.extend_from_slice(b"\nprintf '%s\\0' \"$v\"\n");
    }
    let file = home.path().join("script");
    fs::File::create(&file).unwrap().write_all(&script).unwrap();
    let mut command = home.command(shell[0]);
    command.args(&shell[1..]).arg(&file).env("LC_ALL", "C.UTF-8");
    let output = command.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{shell:?}");
    let expected: Vec<u8> = words.iter().flat_map(|word| word.iter().copied().chain([0])).collect();
    if output.stdout != expected {
        let got: Vec<&[u8]> = output.stdout.split(|byte| *byte == 0).collect();
        let at = words.iter().zip(&got).position(|(word, got)| word != got).unwrap_or(words.len().min(got.len()));
        panic!("{shell:?}: {:?} came out as {:?}", words.get(at), got.get(at));
    }
    assert!(!home.path().join("pwned").exists(), "{shell:?} ran something");
}

#[test]
fn words_come_out_of_zsh_byte_for_byte() {
    round_trip(&["zsh", "-f"], "");
}

#[test]
fn words_come_out_of_zsh_with_hostile_options_byte_for_byte() {
    round_trip(
        &["zsh", "-f"],
        "setopt rc_quotes glob_subst sh_word_split ksh_arrays extended_glob null_glob bang_hist\n",
    );
}

#[test]
fn words_come_out_of_bash_byte_for_byte() {
    round_trip(&["bash", "--norc"], "");
}

#[test]
fn words_come_out_of_dash_byte_for_byte() {
    round_trip(&["dash"], "");
}

#[test]
fn words_come_out_of_fish_byte_for_byte() {
    round_trip(&["fish"], "");
}

/// The same through `eval` of a whole prologue, as the one line does it: values of `env.set`, which are UTF-8.
#[test]
fn configured_values_reach_the_environment_byte_for_byte() {
    let values: Vec<String> = words()
        .into_iter()
        .filter_map(|word| String::from_utf8(word).ok())
        .filter(|word| !word.contains('\u{1f}') && word.len() < 3000)
        .take(2000)
        .collect();
    let mut table = String::from("[node]\nverdict = \"offline\"\n[env.set]\n");
    for (at, value) in values.iter().enumerate() {
        let escaped: String = value
            .replace('$', "$$")
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("\\U{:08X}", u32::from(c)) })
            .collect();
        table.push_str(&format!("V{at} = \"{escaped}\"\n"));
    }
    for name in ["zsh", "bash", "fish"] {
        if !has(name) {
            skip(&format!("{name} is not installed"));
            continue;
        }
        let home = Home::new();
        home.configure(&table);
        let init = format!("'{}' init {name}", crate::support::PROGRAM);
        let script = if name == "fish" { format!("{init} | source") } else { format!("eval \"$({init})\"") };
        let script = format!("{script}\ncommand env -0");
        let mut command = home.command(name);
        let output = command.arg("-c").arg(&script).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        let found: std::collections::BTreeMap<String, String> = output
            .stdout
            .split(|byte| *byte == 0)
            .filter_map(|record| {
                let text = String::from_utf8_lossy(record).into_owned();
                text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
            })
            .collect();
        for (at, value) in values.iter().enumerate() {
            assert_eq!(found.get(&format!("V{at}")), Some(value), "{name}");
        }
        assert!(!home.path().join("pwned").exists(), "{name} ran something");
    }
}
