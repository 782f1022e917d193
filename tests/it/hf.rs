//! Models in the Hugging Face cache: caches made by the real library, in three generations, from a hub of the tests' own.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::storage::Behaviour;
use crate::support::{self, Home, NOBODY, Outcome, PROGRAM, PROJECT, run, skip};

/// Each has its own way with the cache: 2.x keeps a list of a commit's files.
const GENERATIONS: [&str; 3] = ["0.34.4", "1.20.1", "2.4.0"];

/// The stand-in for the hub.
struct Hub {
    server: Child,
    port: String,
    stall: PathBuf,
}

impl Hub {
    fn start(home: &Home) -> Self {
        let stall = home.path().join("stall");
        let mut server = home.command("python3");
        server.arg(Path::new(PROJECT).join("tests/it/hf/hub.py")).arg(&stall).stdout(Stdio::piped());
        let mut server = server.spawn().unwrap();
        let mut port = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { server, port: port.trim().to_owned(), stall }
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// One generation of the library with a home and a cache.
struct Library<'a> {
    home: &'a Home,
    program: PathBuf,
    hub: Option<&'a Hub>,
}

impl<'a> Library<'a> {
    /// `None`, said loudly, where it is not installed.
    fn find(home: &'a Home, generation: &str) -> Option<Self> {
        let program = support::tools().unwrap_or_default().join("hf").join(generation).join("bin");
        if !program.join("python").is_file() {
            skip(&format!("huggingface_hub {generation} is not there: tests/run makes it"));
            return None;
        }
        Some(Self { home, program, hub: None })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = self.home.command(self.program.join(program));
        command
            .env("HF_HOME", self.home.shared().join("hf"))
            .env("HF_HUB_DISABLE_XET", "1")
            .env("HF_HUB_DISABLE_TELEMETRY", "1")
            .env("HF_HUB_DISABLE_UPDATE_CHECK", "1")
            .env("HF_HUB_DISABLE_PROGRESS_BARS", "1");
        match self.hub {
            Some(hub) => command.env("HF_ENDPOINT", format!("http://127.0.0.1:{}", hub.port)),
            None => command.env("HF_HUB_OFFLINE", "1"),
        };
        command
    }

    /// What the library gives for each question: a path, or `- Error`.
    fn ask(&self, questions: &[[Option<&str>; 4]]) -> Vec<String> {
        let mut command = self.command("python");
        command.arg(Path::new(PROJECT).join("tests/it/hf/ask.py"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines: Vec<String> = questions.iter().map(|one| serde_json::to_string(one).unwrap() + "\n").collect();
        child.stdin.take().unwrap().write_all(lines.concat().as_bytes()).unwrap();
        let mut said = String::new();
        child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(child.wait().unwrap().success());
        let answers: Vec<String> = said.lines().map(str::to_owned).collect();
        assert_eq!(answers.len(), questions.len(), "{said}");
        answers
    }

    /// Downloads from the hub.
    fn download(&mut self, hub: &'a Hub, questions: &[[Option<&str>; 4]]) {
        self.hub = Some(hub);
        let answers = self.ask(questions);
        self.hub = None;
        assert!(answers.iter().all(|answer| answer.starts_with('/')), "{answers:?}");
    }
}

const MODEL: Option<&str> = Some("model");
const TINY: Option<&str> = Some("org/tiny");
/// All that the tests download.
const ALL: [[Option<&str>; 4]; 6] = [
    [MODEL, TINY, None, None],
    [MODEL, TINY, Some("v1.0"), None],
    [MODEL, TINY, Some("refs/pr/1"), None],
    [MODEL, TINY, Some("feature/x"), None],
    [Some("dataset"), Some("org/data"), None, None],
    [MODEL, Some("alone"), None, Some("config.json")],
];

fn cache(home: &Home) -> PathBuf {
    home.shared().join("hf/hub")
}

fn hf(home: &Home, words: &[&str]) -> Outcome {
    run(home.command(PROGRAM).env("HF_HOME", home.shared().join("hf")).arg("hf").args(words))
}

fn json(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.out).unwrap_or_else(|error| panic!("{error}: {outcome:?}"))
}

/// The commit that a branch leads to.
fn commit(home: &Home, name: &str, branch: &str) -> String {
    fs::read_to_string(cache(home).join(name).join("refs").join(branch)).unwrap()
}

/// The path of a snapshot of org/tiny.
fn snapshot(home: &Home, branch: &str) -> PathBuf {
    cache(home).join("models--org--tiny/snapshots").join(commit(home, "models--org--tiny", branch))
}

/// A repository made by hand, as the library of before 2.x leaves it: files with their bytes.
fn make(home: &Home, directory: &str, files: &[(&str, &[u8])]) -> PathBuf {
    let repository = cache(home).join(directory);
    let commit = "0123456789".repeat(4);
    for dir in ["blobs", "refs"] {
        fs::create_dir_all(repository.join(dir)).unwrap();
    }
    fs::write(repository.join("refs/main"), &commit).unwrap();
    let snapshot = repository.join("snapshots").join(&commit);
    fs::create_dir_all(&snapshot).unwrap();
    for (number, (name, bytes)) in files.iter().enumerate() {
        let path = snapshot.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(repository.join(format!("blobs/{number:040}")), bytes).unwrap();
        let up = "../".repeat(name.matches('/').count() + 2);
        symlink(format!("{up}blobs/{number:040}"), path).unwrap();
    }
    snapshot
}

#[test]
fn a_path_is_what_the_library_returns_offline() {
    for generation in GENERATIONS {
        let home = Home::new();
        let Some(mut library) = Library::find(&home, generation) else { return };
        let hub = Hub::start(&home);
        library.download(&hub, &ALL);
        let full = commit(&home, "models--org--tiny", "v1.0");
        // Not all of this one is there.
        fs::remove_file(snapshot(&home, "feature/x").join("model.safetensors")).unwrap();

        let file = |revision, file| [MODEL, TINY, revision, Some(file)];
        let questions = [
            &ALL[..],
            &[
                [MODEL, TINY, Some(&full), None],
                [MODEL, TINY, Some(&full[..8]), None],
                [MODEL, TINY, Some("nowhere"), None],
                [MODEL, TINY, Some("feature"), None],
                [MODEL, Some("org/none"), None, None],
                [MODEL, Some("org/data"), None, None],
                [MODEL, Some("alone"), None, None],
                [MODEL, Some("alone"), None, Some("model.safetensors")],
                file(None, "config.json"),
                file(Some(&full), "original/deep/vocab.txt"),
                file(Some("refs/pr/1"), "config.json"),
                file(Some("feature/x"), "model.safetensors"),
                file(None, "none.json"),
                file(None, "original"),
            ],
        ]
        .concat();
        for (question, answer) in questions.iter().zip(library.ask(&questions)) {
            let [kind, name, revision, file] = question;
            let name = name.unwrap();
            let word = revision.map_or_else(|| name.to_owned(), |revision| format!("{name}@{revision}"));
            let prefixed = if *kind == MODEL { word.clone() } else { format!("datasets/{word}") };
            let file: Vec<&str> = file.iter().flat_map(|file| ["--file", file]).collect();
            let ours = hf(&home, &[&["path", &prefixed], &file[..]].concat());
            assert_eq!(hf(&home, &[&["path", &word, "--kind", kind.unwrap()], &file[..]].concat()), ours);
            let context = format!("{generation}: {question:?}: {answer}, and {ours:?}");
            if answer.starts_with("- ") {
                assert!(ours.status == 1 && ours.out.is_empty() && ours.err.contains("\nhint: "), "{context}");
            } else {
                assert_eq!(ours.clean(), format!("{answer}\n"), "{context}");
            }
        }
        // Its command prints the same.
        for word in ["main", "v1.0"] {
            let mut command = library.command("hf");
            let theirs = run(command.args(["download", "--quiet", "org/tiny", "--revision", word]));
            assert_eq!((theirs.out, theirs.status), (hf(&home, &["path", &format!("org/tiny@{word}")]).clean(), 0));
        }
        let found = json(&hf(&home, &["path", "org/tiny@v1.0", "--json"]));
        assert_eq!((found["commit"].as_str(), found["kind"].as_str()), (Some(&*full), MODEL), "{found}");
    }
}

/// Which variables count, and that 2.x, whose word we give, resolves symlinks on the way to the cache.
#[test]
fn the_cache_is_where_the_library_looks_for_it() {
    let home = Home::new();
    let Some(mut library) = Library::find(&home, GENERATIONS[2]) else { return };
    let hub = Hub::start(&home);
    library.download(&hub, &ALL[..1]);
    symlink(home.shared().join("hf"), home.path().join("link")).unwrap();
    fs::create_dir_all(home.path().join(".cache")).unwrap();
    symlink(home.shared().join("hf"), home.path().join(".cache/huggingface")).unwrap();
    symlink(home.shared().join("hf"), home.shared().join("huggingface")).unwrap();
    let expected = format!("{}\n", snapshot(&home, "main").display());
    for variables in [
        &[][..],
        &[("HF_HOME", "~/link")],
        &[("HF_HOME", "$HOME/link"), ("XDG_CACHE_HOME", "/nowhere")],
        &[("HF_HUB_CACHE", "link/hub"), ("HF_HOME", "/nowhere")],
        &[("HUGGINGFACE_HUB_CACHE", "${HOME}/link/hub")],
        &[("XDG_CACHE_HOME", "SHARED")],
        &[("HF_HUB_CACHE", "$A/hub"), ("A", "~/link")],
    ] {
        let set = |command: &mut Command| {
            command.env_remove("HF_HOME");
            for (name, value) in variables {
                command.env(name, value.replace("SHARED", home.shared().to_str().unwrap()));
            }
        };
        let mut ours = home.command(PROGRAM);
        set(ours.args(["hf", "path", "org/tiny"]));
        assert_eq!(run(&mut ours).clean(), expected, "{variables:?}");
        let mut theirs = library.command("hf");
        set(theirs.args(["download", "-q", "org/tiny"]));
        assert_eq!(run(&mut theirs).out, expected, "{variables:?}");
    }
    let none = run(home.command(PROGRAM).env("HF_HOME", "/nowhere").args(["hf", "ls"]));
    assert_eq!(
        none.err,
        "error: there is no cache at /nowhere/hub\nhint: HF_HOME says so; `hf download` makes it at its first run\n"
    );
    assert_eq!(none.status, 1);
}

#[test]
fn a_wrong_name_gets_its_nearest_match_and_none_leads_out() {
    let home = Home::new();
    make(&home, "models--Qwen--Qwen3-8B", &[("config.json", b"{}"), ("sub/tokenizer.json", b"{}")]);
    make(&home, "datasets--nyu-mll--glue", &[("a.parquet", b"")]);
    let cache = cache(&home).display().to_string();
    for (words, error) in [
        (&["qwen/qwen3-8b"][..], format!("`qwen/qwen3-8b` is not in the cache {cache}\nhint: did you mean `Qwen/Qwen3-8B`?")),
        (&["Qwen3-8B"], format!("`Qwen3-8B` is not in the cache {cache}\nhint: did you mean `Qwen/Qwen3-8B`?")),
        (&["datasets/nyu/glue"], format!("`datasets/nyu/glue` is not in the cache {cache}\nhint: did you mean `datasets/nyu-mll/glue`?")),
        (&["nyu-mll/glue"], format!("`nyu-mll/glue` is not in the cache {cache}\nhint: there is the dataset `datasets/nyu-mll/glue`")),
        (&["a/bert"], format!("`a/bert` is not in the cache {cache}\nhint: on the login node: hf download a/bert")),
        (&["Qwen/Qwen3-8B@v2"], "`Qwen/Qwen3-8B` is in the cache, but not its revision `v2`\nhint: there is main; on the login node: hf download Qwen/Qwen3-8B --revision v2".to_owned()),
        (&["Qwen/Qwen3-8B@0123456"], format!("`Qwen/Qwen3-8B` is in the cache, but not its revision `0123456`\nhint: did you mean `Qwen/Qwen3-8B@{}`?", "0123456789".repeat(4))),
        (&["Qwen/Qwen3-8B", "--file", "tokeniser.json"], "`tokeniser.json` of `Qwen/Qwen3-8B` is not in the cache\nhint: did you mean `sub/tokenizer.json`?".to_owned()),
    ] {
        let outcome = hf(&home, &[&["path"], words].concat());
        assert_eq!(outcome, Outcome { out: String::new(), err: format!("error: {error}\n"), status: 1 });
    }
    fs::write(home.shared().join("hf/secret"), "").unwrap();
    fs::create_dir_all(cache.clone() + "/models--a--b/snapshots").unwrap();
    fs::create_dir_all(cache.clone() + "/models--a--b/refs").unwrap();
    for text in ["../../..", "/etc", "", "a/b", "."] {
        fs::write(cache.clone() + "/models--a--b/refs/main", text).unwrap();
        let outcome = hf(&home, &["path", "a/b"]);
        assert!(
            outcome.status == 1 && outcome.out.is_empty() && outcome.err.contains("names no commit"),
            "{outcome:?}"
        );
    }
    for words in [
        &["../hub"][..],
        &["a/../.."],
        &["Qwen/Qwen3-8B@../../.."],
        &["Qwen/Qwen3-8B@/etc"],
        &["Qwen/Qwen3-8B", "--file", "../../../../../secret"],
        &["Qwen/Qwen3-8B", "--file", "/etc/passwd"],
    ] {
        let outcome = hf(&home, &[&["path"], words].concat());
        assert!(outcome.status == 2 && outcome.out.is_empty() && outcome.err.starts_with("error: `"), "{outcome:?}");
    }
}

/// Everything that can be wrong with a model, in caches of each generation.
#[test]
fn a_check_tells_what_would_not_load() {
    for generation in GENERATIONS {
        let home = Home::new();
        let Some(mut library) = Library::find(&home, generation) else { return };
        let hub = Hub::start(&home);
        library.download(&hub, &ALL[..1]);
        let has_list = generation.starts_with('2');
        let check = || {
            let outcome = hf(&home, &["check", "org/tiny"]);
            assert_eq!(outcome.err, "", "{generation}");
            (outcome.status, outcome.out)
        };
        let (status, text) = check();
        assert!(status == 0 && text.contains(" would load: "), "{generation}: {text}");
        let first = snapshot(&home, "main").join("model-00001-of-00002.safetensors");
        let blob = fs::canonicalize(&first).unwrap();
        let bytes = fs::read(&blob).unwrap();
        let command = "\n  on the login node: hf download org/tiny\n";
        let again = "\n  on the login node: hf download org/tiny model-00001-of-00002.safetensors --force-download\n";

        let expect = |what: &str, command: &str| {
            let (status, text) = check();
            let context = format!("{generation}: {what}: {text}");
            assert!(status == 3 && text.contains(what) && text.contains(command), "{context}");
            assert!(text.contains("1 of 6 files cannot be had"), "{context}");
        };
        let link = fs::read_link(&first).unwrap();
        fs::remove_file(&first).unwrap();
        expect("model-00001-of-00002.safetensors  missing", command);
        symlink(&first, &first).unwrap();
        expect("its link leads in a circle", again);
        fs::remove_file(&first).unwrap();
        symlink(&link, &first).unwrap();

        fs::write(&blob, &bytes[..500]).unwrap();
        expect("damaged: it has 500 bytes", again);
        fs::remove_file(&blob).unwrap();
        expect("its blob is gone", command);
        // What it says brings it back.
        library.download(&hub, &ALL[..1]);
        assert_eq!(check().0, 0, "{generation}");

        // A download that is killed.
        fs::remove_file(&blob).unwrap();
        let second = fs::canonicalize(snapshot(&home, "main").join("model-00002-of-00002.safetensors")).unwrap();
        fs::remove_file(&second).unwrap();
        fs::write(&hub.stall, "").unwrap();
        library.hub = Some(&hub);
        let mut command_line = library.command("hf");
        let mut child =
            command_line.args(["download", "org/tiny"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let started = Instant::now();
        loop {
            let entries = fs::read_dir(second.parent().unwrap()).unwrap().flatten();
            let name = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
            let second = second.file_name().unwrap().to_str().unwrap();
            let mut unfinished =
                entries.filter(|entry| name(entry).starts_with(second) && name(entry).ends_with(".incomplete"));
            if unfinished.next().is_some() && blob.exists() {
                break;
            }
            assert!(started.elapsed() < Duration::from_secs(30), "{generation}: nothing has come");
            std::thread::sleep(Duration::from_millis(20));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        fs::remove_file(&hub.stall).unwrap();
        expect("model-00002-of-00002.safetensors  its download was interrupted: ", command);
        let found = json(&hf(&home, &["check", "org/tiny", "alone", "--json"]));
        assert_eq!((&found[0]["loads"], &found[1]["loads"]), (&Value::from(false), &Value::from(false)), "{found}");
        assert_eq!(found[0]["findings"][0]["problem"], "interrupted", "{found}");
        assert_eq!(found[1]["commands"][0], "hf download alone", "{found}");
        let path = hf(&home, &["path", "org/tiny"]);
        assert_eq!(path.status, i32::from(has_list), "{path:?}");
    }
}

/// Where nobody has kept a list.
#[test]
fn a_check_without_a_list_goes_by_the_indexes() {
    let home = Home::new();
    let index = |names: &[&str]| {
        let map: Vec<String> = names.iter().enumerate().map(|(at, name)| format!("\"{at}\":\"{name}\"")).collect();
        format!("{{\"weight_map\":{{{}}}}}", map.join(",")).into_bytes()
    };
    let tensors = [&2_u64.to_le_bytes()[..], b"{}"].concat();
    let (one, two, bins) = (index(&["a.safetensors"]), index(&["b.safetensors"]), index(&["c.bin"]));
    let loads = |name: &str| {
        let outcome = hf(&home, &["check", name]);
        (outcome.status, outcome.out)
    };
    make(
        &home,
        "models--whole",
        &[
            ("unet/model.safetensors.index.json", &one),
            ("unet/model.fp16.safetensors.index.json", &two),
            ("unet/pytorch_model.bin.index.json", &bins),
            ("unet/a.safetensors", &tensors),
        ],
    );
    let (status, text) = loads("whole");
    assert_eq!(
        (status, text.as_str()),
        (
            0,
            format!(
                "whole (01234567) would load: 4 files, all weights of the index among them, {}\n",
                one.len() + two.len() + bins.len() + tensors.len()
            )
            .as_str()
        )
    );
    make(&home, "models--bins", &[("pytorch_model.bin.index.json", &bins)]);
    let (status, text) = loads("bins");
    assert!(status == 3 && text.contains("\n  c.bin  missing\n  on the login node: hf download bins\n"), "{text}");
    make(&home, "models--bare", &[("config.json", b"{}"), ("tokenizer.json", b"{}")]);
    let (status, text) = loads("bare");
    assert_eq!(
        (status, text.as_str()),
        (
            3,
            "bare (01234567) would not load\n  no weights are among its 2 files\n  on the login node: hf download bare\n"
        )
    );
    make(&home, "models--torn", &[("model.safetensors", &tensors[..9])]);
    let (status, text) = loads("torn");
    assert!(status == 3 && text.contains("damaged: it has 9 bytes, and its head says otherwise"), "{text}");
    make(&home, "datasets--data", &[("a.csv", b"1"), ("b/c.csv", b"2")]);
    assert_eq!(loads("datasets/data").0, 0);
    let (status, text) = loads("datasets/dato");
    assert_eq!(status, 3);
    assert!(
        text.contains("did you mean `datasets/data`?\n  on the login node: hf download dato --repo-type dataset\n"),
        "{text}"
    );
}

#[test]
fn sizes_are_the_librarys_and_each_blob_counts_once() {
    for generation in GENERATIONS {
        let home = Home::new();
        let Some(mut library) = Library::find(&home, generation) else { return };
        let hub = Hub::start(&home);
        library.download(&hub, &ALL);
        let scan = || {
            let program = "import json; from huggingface_hub import scan_cache_dir; found = scan_cache_dir(); print(json.dumps(
                {'size': found.size_on_disk, 'repositories': {r.repo_id: [r.repo_type, r.size_on_disk, r.nb_files, len(r.revisions),
                sorted(ref for rev in r.revisions for ref in rev.refs), int(r.last_modified)] for r in found.repos}}))";
            let outcome = run(library.command("python").args(["-c", program]));
            json(&outcome)
        };
        let list = || {
            let found = json(&hf(&home, &["ls", "--json"]));
            let repositories = found["repositories"].as_array().unwrap().iter().map(|one| {
                let revisions = one["revisions"].as_array().unwrap();
                let refs = revisions.iter().flat_map(|one| one["refs"].as_array().unwrap());
                let mut refs: Vec<&str> = refs.map(|name| name.as_str().unwrap()).collect();
                refs.sort_unstable();
                let value = serde_json::json!([
                    one["kind"],
                    one["size"],
                    one["files"],
                    revisions.len(),
                    refs,
                    one["last_modified"]
                ]);
                (one["name"].as_str().unwrap().to_owned(), value)
            });
            serde_json::json!({ "size": found["size"], "repositories": repositories.collect::<serde_json::Map<_, _>>() })
        };
        assert_eq!(list(), scan(), "{generation}");
        if !generation.starts_with('2') {
            continue;
        }
        // The store that all share, made by the library: the same blob in two repositories, and one that nobody has any more.
        let blob = fs::canonicalize(snapshot(&home, "main").join("model-00002-of-00002.safetensors")).unwrap();
        let other = cache(&home).join("models--alone/blobs").join(blob.file_name().unwrap());
        fs::copy(&blob, &other).unwrap();
        let alone = cache(&home).join("models--alone/snapshots").join(commit(&home, "models--alone", "main"));
        symlink(Path::new("../../blobs").join(blob.file_name().unwrap()), alone.join("model.safetensors")).unwrap();
        let before = list()["size"].as_u64().unwrap();
        let program = "import os, sys; from huggingface_hub.utils._shared_blobs import publish_blob_to_shared_store
for blob in sys.argv[2:]: assert publish_blob_to_shared_store(blob_path=blob, xet_hash='ab' * 32, cache_dir=sys.argv[1], expected_size=os.path.getsize(blob))";
        let mut publish = library.command("python");
        let outcome = run(publish.args(["-c", program]).arg(cache(&home)).arg(&blob).arg(&other));
        assert_eq!(outcome.status, 0, "{outcome:?}");
        let size = fs::metadata(&blob).unwrap().len();
        assert_eq!(list()["size"].as_u64().unwrap(), before - size);
        assert_eq!(list(), scan());
        fs::remove_dir_all(cache(&home).join("models--alone")).unwrap();
        let left = cache(&home).join("blobs/cd");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("cd".repeat(32)), "left").unwrap();
        assert_eq!(list(), scan());
        assert_eq!(hf(&home, &["check", "org/tiny"]).status, 0);
    }
}

#[test]
fn a_list_is_sorted_filtered_and_says_what_it_says() {
    let home = Home::new();
    let make = |directory: &str, size: usize| make(&home, directory, &[("model.safetensors", &vec![0; size])]);
    make("models--Qwen--Qwen3-8B", 1500);
    make("models--gpt2", 12);
    let data = make("datasets--nyu-mll--glue", 2_000_000);
    fs::create_dir_all(data.with_file_name("f".repeat(40))).unwrap();
    fs::write(data.join("../../refs/v1"), data.file_name().unwrap().to_str().unwrap()).unwrap();
    fs::write(data.join("../../blobs/x.incomplete"), "four").unwrap();
    fs::create_dir_all(cache(&home).join(".locks/models--gpt2")).unwrap();
    fs::create_dir_all(cache(&home).join("blobs")).unwrap();
    fs::write(cache(&home).join("CACHEDIR.TAG"), "").unwrap();
    let place = cache(&home).display().to_string();
    let list = |words: &[&str]| hf(&home, &[&["ls"], words].concat());
    let all = list(&[]);
    assert_eq!(
        all.out,
        "NAME                    KIND     SIZE  REVISIONS    USED\n\
         datasets/nyu-mll/glue   dataset  2.0M  main, v1 +1  just now  (and 4 of an interrupted download)\n\
         Qwen/Qwen3-8B           model    1.5K  main         just now\n\
         gpt2                    model      12  main         just now\n"
            .replace("NAME                    KIND", "NAME                   KIND")
            .replace("glue   ", "glue  ")
            .replace("8B           ", "8B          ")
            .replace("gpt2                    ", "gpt2                   ")
    );
    assert_eq!((all.err, all.status), (format!("3 repositories, 2.0M in {place}\n"), 0));
    let names = |words: &[&str]| {
        let out = list(words).out;
        out.lines().skip(1).map(|line| line.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&["--sort", "name"]), ["Qwen/Qwen3-8B", "gpt2", "datasets/nyu-mll/glue"]);
    assert_eq!(names(&["qwen"]), ["Qwen/Qwen3-8B"]);
    assert_eq!(names(&["*2", "datasets/*"]), ["datasets/nyu-mll/glue", "gpt2"]);
    assert_eq!(names(&["--kind", "model"]), ["Qwen/Qwen3-8B", "gpt2"]);
    let none = list(&["nothing"]);
    assert_eq!((none.out, none.err, none.status), (String::new(), format!("nothing of that in {place}\n"), 0));
    // What is used is read.
    let then = |blob: &str, seconds: &str| {
        run(Command::new("touch").args(["-d", seconds]).arg(cache(&home).join(blob))).clean()
    };
    then("models--gpt2/blobs/0000000000000000000000000000000000000000", "2020-01-01");
    assert_eq!(names(&["--sort", "used"]).last().unwrap(), "gpt2");
    assert!(list(&["gpt2"]).out.ends_with(" years ago\n"));
    assert_eq!(list(&["--names"]).clean(), "Qwen/Qwen3-8B\ndatasets/nyu-mll/glue\ngpt2\n");
    assert_eq!(run(home.command(PROGRAM).env("HF_HOME", "/nowhere").args(["hf", "ls", "--names"])).clean(), "");
}

/// Where links are not to be had, the files lie in the snapshot.
#[test]
fn files_without_links_are_seen() {
    let home = Home::new();
    let snapshot = make(&home, "models--a--b", &[]);
    fs::create_dir(snapshot.join("deep")).unwrap();
    fs::write(snapshot.join("deep/model.safetensors"), [&2_u64.to_le_bytes()[..], b"{}"].concat()).unwrap();
    let found = json(&hf(&home, &["ls", "--json"]));
    assert_eq!((&found["size"], &found["repositories"][0]["files"]), (&Value::from(10), &Value::from(1)));
    assert_eq!(hf(&home, &["check", "a/b"]).status, 0);
}

#[test]
fn loops_of_links_end() {
    let home = Home::new();
    let snapshot = make(&home, "models--a--b", &[("config.json", b"{}")]);
    let cache = cache(&home);
    symlink("models--loop", cache.join("models--loop")).unwrap();
    symlink("models--y", cache.join("models--x")).unwrap();
    symlink("models--x", cache.join("models--y")).unwrap();
    symlink("..", snapshot.join("up")).unwrap();
    symlink("self", snapshot.join("self")).unwrap();
    symlink("../blobs", cache.join("models--a--b/blobs/again")).unwrap();
    symlink("..", cache.join("models--a--b/refs/up")).unwrap();
    let list = hf(&home, &["ls", "--sort", "name"]);
    assert_eq!(
        list.out.lines().map(|line| line.split(' ').next().unwrap()).collect::<Vec<_>>(),
        ["NAME", "a/b", "loop", "x", "y"]
    );
    assert!(list.err.contains("warning: loop: Too many levels of symbolic links") && list.status == 0, "{list:?}");
    for name in ["loop", "x"] {
        let path = hf(&home, &["path", name]);
        assert!(path.status == 1 && path.err.contains("Too many levels"), "{path:?}");
    }
    let check = hf(&home, &["check", "a/b"]);
    assert!(check.status == 3 && check.out.contains("  self  its link leads in a circle\n"), "{check:?}");
    assert_eq!(hf(&home, &["path", "a/b"]).status, 0);
}

/// A reference that cannot be read, or leads to what is not there, is told and hides no other.
#[test]
fn one_bad_reference_is_no_reason_to_forget_the_others() {
    use std::os::unix::ffi::OsStrExt as _;

    let home = Home::new();
    let snapshot = make(&home, "models--a--b", &[("model.safetensors", b"1")]);
    let (repository, commit) = (snapshot.join("../.."), snapshot.file_name().unwrap().to_str().unwrap());
    let refs = repository.join("refs");
    run(Command::new("mkfifo").arg(refs.join("pipe"))).clean();
    symlink("nowhere", refs.join("dangling")).unwrap();
    fs::write(refs.join(std::ffi::OsStr::from_bytes(b"\xff")), commit).unwrap();
    fs::write(refs.join("v1"), commit).unwrap();
    let list = hf(&home, &["ls"]);
    assert!(list.out.contains("  main, v1, \u{fffd}  "), "{list:?}");
    assert_eq!(list.err.lines().filter(|line| line.starts_with("warning: a/b: refs/")).count(), 2, "{list:?}");
    // As a download leaves it that was ended before its first file.
    let other = "ab".repeat(20);
    fs::write(refs.join("early"), &other).unwrap();
    let path = hf(&home, &["path", "a/b@early"]);
    let wanted = format!(
        "error: `a/b` is in the cache, but its revision `early` leads to {other}, of which nothing is\n\
         hint: on the login node: hf download a/b --revision early\n"
    );
    assert_eq!(path, Outcome { out: String::new(), err: wanted, status: 1 });
    let path = hf(&home, &["path", "a/b@pipe"]);
    assert!(path.status == 1 && path.err.contains("/refs/pipe: it is no regular file\n"), "{path:?}");
}

#[test]
fn another_users_cache_is_read_as_far_as_it_is_open() {
    let Some(home) = Home::of_nobody() else {
        skip("not root: there is no other user");
        return;
    };
    let snapshot = make(&home, "models--a--b", &[("model.safetensors", &[&2_u64.to_le_bytes()[..], b"{}"].concat())]);
    make(&home, "models--closed", &[("a.bin", b"1")]);
    let commit = snapshot.file_name().unwrap().to_str().unwrap();
    let list = snapshot.join(format!("../../trees/{commit}.json"));
    fs::create_dir(list.parent().unwrap()).unwrap();
    fs::write(&list, r#"{"format_version":1,"files":{"model.safetensors":{"size":10,"blob_id":"x"},"gone":{"size":1,"blob_id":"y"}}}"#).unwrap();
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    assert_eq!(hf(&home, &["path", "a/b"]).status, 1);
    // As the library makes it: for its owner alone. It goes on without, and so do we.
    mode(&list, 0o600);
    assert_eq!(hf(&home, &["path", "a/b"]).clean(), format!("{}\n", snapshot.display()));
    let check = hf(&home, &["check", "a/b"]);
    assert!(check.status == 0 && check.out.contains("\n  note: the list of its files is closed to you"), "{check:?}");

    let blob = fs::canonicalize(snapshot.join("model.safetensors")).unwrap();
    for (closed, bits) in [(blob.as_path(), 0o600), (blob.parent().unwrap(), 0o700)] {
        let before = fs::metadata(closed).unwrap().mode();
        mode(closed, bits);
        let check = hf(&home, &["check", "a/b"]);
        let (shown, chmod) =
            (closed.display(), format!("on the login node: chmod a+rX {}  # as root\n", closed.display()));
        let why = format!("closed to you: {shown} belongs to root, mode {bits:04o}\n");
        assert!(check.status == 3 && check.out.contains(&why) && check.out.contains(&chmod), "{check:?}");
        mode(closed, before);
    }
    let closed = cache(&home).join("models--closed");
    mode(&closed, 0o700);
    let list = hf(&home, &["ls"]);
    assert!(
        list.err.starts_with("warning: closed: Permission denied (os error 13)\n") && list.out.contains("a/b"),
        "{list:?}"
    );
    let check = hf(&home, &["check", "closed"]);
    assert!(check.status == 3 && check.out.contains("Permission denied"), "{check:?}");
    chown(&closed, Some(NOBODY), None).unwrap();
    assert_eq!(hf(&home, &["check", "closed"]).status, 0);
}

/// A TAB on storage that hangs brings nothing, and the shell goes on.
#[test]
fn the_names_for_a_tab_do_not_wait_for_ever() {
    let home = Home::new();
    make(&home, "models--a--b", &[]);
    let Some(storage) = home.slow_shared() else { return };
    assert_eq!(hf(&home, &["ls", "--names"]).clean(), "a/b\n");
    storage.behave(Behaviour::Hang);
    let started = Instant::now();
    assert_eq!(hf(&home, &["ls", "--names"]).clean(), "");
    assert!(started.elapsed() < Duration::from_secs(20));
    storage.behave(Behaviour::Answers);
}

#[test]
fn ten_thousand_blobs_are_no_trouble() {
    const COUNT: usize = 10_000;
    let home = Home::new();
    let names: Vec<String> = (0..COUNT).map(|number| format!("train/{number}.txt")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"12345"[..])).collect();
    let snapshot = make(&home, "datasets--many--files", &files);
    let found = json(&hf(&home, &["ls", "--json"]));
    assert_eq!((found["size"].as_u64(), found["repositories"][0]["files"].as_u64()), (Some(50_000), Some(10_000)));
    let name = "datasets/many/files";
    assert!(hf(&home, &["check", name]).clean().contains("10000 files"));
    // More of a list than a configuration may have.
    let entries: Vec<String> =
        names.iter().map(|name| format!("\"{name}\":{{\"size\":5,\"blob_id\":\"{}\"}}", "a".repeat(100))).collect();
    let list = snapshot.join(format!("../../trees/{}.json", snapshot.file_name().unwrap().to_str().unwrap()));
    fs::create_dir(list.parent().unwrap()).unwrap();
    fs::write(&list, format!("{{\"format_version\":1,\"files\":{{{}}}}}", entries.join(","))).unwrap();
    assert_eq!(hf(&home, &["path", name]).clean(), format!("{}\n", snapshot.display()));
    assert!(hf(&home, &["check", name]).clean().contains("all of its 10000 files"));
    for number in 0..100 {
        fs::remove_file(snapshot.join(format!("train/{number}.txt"))).unwrap();
    }
    let check = hf(&home, &["check", name]);
    assert!(
        check.status == 3
            && check.out.contains("100 of 10000 files cannot be had")
            && check.out.contains("\n  and 80 more (--json has all)\n"),
        "{check:?}"
    );
    assert!(check.out.lines().count() < 30);
}
