//! How each kind of server says that it is ready: pure. What they do is in their sources.
//!
//! Ready is 200 on the health path. 503 means "not yet": `SGLang`, llama.cpp and TensorRT-LLM answer it while they load, TGI
//! and vLLM where something is wrong. 401 and 403 mean that it is up and wants a key. Ollama has no health path.

use serde_json::Value;

use crate::net::http::Head;

/// A kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// vLLM
    Vllm,
    /// `SGLang`
    Sglang,
    /// llama.cpp's `llama-server`
    LlamaCpp,
    /// Text Generation Inference
    Tgi,
    /// TensorRT-LLM's `trtllm-serve`
    TrtLlm,
    /// Ollama
    Ollama,
}

/// By the words of the command line.
pub const KINDS: [(&str, Kind); 6] = [
    ("vllm", Kind::Vllm),
    ("sglang", Kind::Sglang),
    ("llama.cpp", Kind::LlamaCpp),
    ("tgi", Kind::Tgi),
    ("trtllm", Kind::TrtLlm),
    ("ollama", Kind::Ollama),
];

/// Where most servers say whether they are well.
pub const HEALTH: &str = "/health";
/// Where all of them tell their models.
pub const MODELS: &str = "/v1/models";
/// Where older ones of TGI tell theirs.
pub const INFO: &str = "/info";

impl Kind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            // As the article writes it.
            Self::Vllm => "VLLM",
            Self::Sglang => "SGLang",
            Self::LlamaCpp => "llama.cpp",
            Self::Tgi => "TGI",
            Self::TrtLlm => "TensorRT-LLM",
            Self::Ollama => "Ollama",
        }
    }

    /// The port at which it listens unless told otherwise.
    pub fn port(self) -> u16 {
        match self {
            Self::Vllm | Self::TrtLlm => 8000,
            Self::Sglang => 30000,
            Self::LlamaCpp => 8080,
            Self::Tgi => 3000,
            Self::Ollama => 11434,
        }
    }

    /// The path that says whether it is ready.
    pub fn health(self) -> &'static str {
        if self == Self::Ollama { "/api/version" } else { HEALTH }
    }
}

/// What an answer on the health path means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// It serves.
    Ready,
    /// It is on its way: a few words.
    Loading(String),
    /// It is up, and not well: a few words.
    Unhealthy(String),
    /// It knows no such path.
    Unknown,
    /// It sends us elsewhere.
    Redirect(String),
    /// Anything else: a few words.
    Odd(String),
}

/// Reads the answer of a health path.
pub fn meaning(kind: Option<Kind>, head: &Head, body: &[u8]) -> Meaning {
    let kind = kind.or_else(|| told(head, body));
    match head.status {
        200 | 401 | 403 => Meaning::Ready,
        503 => {
            let said = message(body).map_or_else(|| "503".to_owned(), |said| format!("503: {said}"));
            if matches!(kind, Some(Kind::Vllm | Kind::Tgi)) { Meaning::Unhealthy(said) } else { Meaning::Loading(said) }
        }
        404 => Meaning::Unknown,
        300..=399 => Meaning::Redirect(head.field("location").map(clean).unwrap_or_default()),
        500.. => Meaning::Unhealthy(head.status.to_string()),
        status => Meaning::Odd(format!("answers {status}")),
    }
}

/// Which kind answers so, where that can be told.
pub fn told(head: &Head, body: &[u8]) -> Option<Kind> {
    let server = head.field("server").unwrap_or_default().to_ascii_lowercase();
    if head.field("x-trtllm-server-state").is_some() {
        return Some(Kind::TrtLlm);
    }
    if server.contains("llama.cpp") {
        return Some(Kind::LlamaCpp);
    }
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    if json["error"]["type"] == "unavailable_error" {
        return Some(Kind::LlamaCpp);
    }
    if json["error"] == "unhealthy" {
        return Some(Kind::Tgi);
    }
    if json["object"] == "list" && json["data"].is_array() {
        let owner = json["data"][0]["owned_by"].as_str().unwrap_or_default();
        return match owner {
            "vllm" => Some(Kind::Vllm),
            "sglang" => Some(Kind::Sglang),
            "llamacpp" => Some(Kind::LlamaCpp),
            "library" => Some(Kind::Ollama),
            _ => None,
        };
    }
    // vLLM listens to nobody until it is ready: the same web server that says 503 at first is SGLang's.
    (head.status == 503 && server == "uvicorn" && body.is_empty()).then_some(Kind::Sglang)
}

/// What a JSON error says.
fn message(body: &[u8]) -> Option<String> {
    let json: Value = serde_json::from_slice(body).ok()?;
    let said = [&json["error"]["message"], &json["error"], &json["message"], &json["detail"], &json["status"]];
    said.into_iter().find_map(Value::as_str).map(clean).filter(|said| !said.is_empty())
}

/// The names that a server says it serves: the list of `/v1/models`, or what TGI says of itself.
pub fn models(body: &[u8]) -> Option<Vec<String>> {
    let json: Value = serde_json::from_slice(body).ok()?;
    if let Some(one) = json["model_id"].as_str() {
        return Some(vec![clean(one)]);
    }
    let list = json["data"].as_array().or_else(|| json["models"].as_array())?;
    let text = |value: &Value| value.as_str().map(clean);
    let names = list.iter().flat_map(|one| {
        let aliases = one["aliases"].as_array().into_iter().flatten().filter_map(text);
        [text(&one["id"]).or_else(|| text(&one["name"]))].into_iter().flatten().chain(aliases).collect::<Vec<_>>()
    });
    // llama.cpp has the name among its aliases.
    let mut known = Vec::new();
    for name in names {
        if !known.contains(&name) {
            known.push(name);
        }
    }
    Some(known)
}

/// Whether one of the names is this one; Ollama's have a tag behind them.
pub fn serves(models: &[String], name: &str) -> bool {
    let is_it = |known: &String| known == name || known.strip_suffix(":latest") == Some(name);
    models.iter().any(is_it)
}

/// A stranger's text without what would drive the terminal, and short.
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::http;
    use std::io::{Read, Write};

    struct Canned<'a>(&'a [u8]);

    impl Read for Canned<'_> {
        fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
            self.0.read(bytes)
        }
    }

    impl Write for Canned<'_> {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn head(status: u16, fields: &str) -> Head {
        http::ask(&mut Canned(format!("HTTP/1.1 {status} x\r\n{fields}\r\n").as_bytes()), "").unwrap()
    }

    fn of(status: u16, fields: &str, body: &str) -> (Meaning, Option<Kind>) {
        let head = head(status, fields);
        (meaning(None, &head, body.as_bytes()), told(&head, body.as_bytes()))
    }

    #[test]
    fn each_kind_says_in_its_own_way_that_it_loads() {
        let loading = |text: &str| Meaning::Loading(text.to_owned());
        assert_eq!(of(503, "server: uvicorn\r\n", ""), (loading("503"), Some(Kind::Sglang)));
        let llama = "{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}";
        assert_eq!(of(503, "Server: llama.cpp\r\n", llama), (loading("503: Loading model"), Some(Kind::LlamaCpp)));
        assert_eq!(of(503, "", llama).1, Some(Kind::LlamaCpp));
        let trt = "x-trtllm-server-state: starting\r\nRetry-After: 1\r\n";
        assert_eq!(of(503, trt, ""), (loading("503"), Some(Kind::TrtLlm)));
        let tgi = "{\"error\":\"unhealthy\",\"error_type\":\"healthcheck\"}";
        assert_eq!(of(503, "", tgi), (Meaning::Unhealthy("503: unhealthy".into()), Some(Kind::Tgi)));
        assert_eq!(meaning(Some(Kind::Vllm), &head(503, ""), b""), Meaning::Unhealthy("503".into()));
        assert_eq!(of(503, "", "<html>"), (loading("503"), None));
    }

    #[test]
    fn other_answers_have_their_meaning() {
        for status in [200, 401, 403] {
            assert_eq!(of(status, "", "").0, Meaning::Ready);
        }
        assert_eq!(of(404, "", "404 page not found").0, Meaning::Unknown);
        assert_eq!(of(302, "Location: https://x/\x07\r\n", "").0, Meaning::Redirect("https://x/\u{fffd}".into()));
        assert_eq!(of(500, "", "").0, Meaning::Unhealthy("500".into()));
        assert_eq!(of(204, "", "").0, Meaning::Odd("answers 204".into()));
    }

    #[test]
    fn models_have_names_and_owners() {
        let list =
            |owner: &str| format!("{{\"object\":\"list\",\"data\":[{{\"id\":\"a/b\",\"owned_by\":\"{owner}\"}}]}}");
        for (owner, kind) in
            [("vllm", Some(Kind::Vllm)), ("sglang", Some(Kind::Sglang)), ("library", Some(Kind::Ollama)), ("me", None)]
        {
            assert_eq!(of(200, "", &list(owner)).1, kind);
        }
        let names = |text: &str| models(text.as_bytes()).map(|names| names.join(" "));
        assert_eq!(names(&list("vllm")), Some("a/b".into()));
        assert_eq!(names("{\"data\":[{\"id\":\"x.gguf\",\"aliases\":[\"y\"]},{}]}"), Some("x.gguf y".into()));
        assert_eq!(names("{\"models\":[{\"name\":\"llama3:latest\"}]}"), Some("llama3:latest".into()));
        assert_eq!(names("{\"model_id\":\"a/b\"}"), Some("a/b".into()));
        assert_eq!((names("{}"), names("<html>")), (None, None));
        assert!(serves(&["llama3:latest".into()], "llama3") && !serves(&["llama3:8b".into()], "llama3"));
    }

    #[test]
    fn every_kind_has_its_word() {
        for (word, kind) in KINDS {
            assert_eq!(kind.word(), word);
            assert!(kind.port() > 0 && kind.health().starts_with('/') && !kind.name().is_empty());
        }
    }
}
