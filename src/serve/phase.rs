//! What a line of a server's log says of its start: pure.

/// Words by which the lines are known that tell how far a server has come. In small letters.
const WORDS: [&str; 22] = [
    "loading",
    "loaded",
    "download",
    "compil",
    "captur",
    "cuda graph",
    "warm",
    "profil",
    "initializ",
    "starting",
    "checkpoint shards",
    "kv cache",
    "memory",
    "quantiz",
    "fetching",
    "waiting",
    "build",
    "autotun",
    "tuning",
    "prefetch",
    "started",
    "listening",
];

/// The beginnings of the lines that we say ourselves: who writes them into the log that we read must not make us repeat them.
pub const OWN: &str = "hpcsh wait: ";

/// A line as people should see it: what a progress bar has left of it, without colours, control characters and blanks around.
pub fn plain(line: &str) -> String {
    let last = line.split('\r').rfind(|part| !part.trim().is_empty()).unwrap_or_default();
    let mut shown = String::with_capacity(last.len());
    let mut letters = last.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '\u{1b}' {
            if letters.next_if_eq(&'[').is_some() {
                while letters.next().is_some_and(|letter| !('\u{40}'..='\u{7e}').contains(&letter)) {}
            }
        } else if letter == '\t' {
            shown.push(' ');
        } else if !letter.is_control() {
            shown.push(letter);
        }
        if shown.len() >= 2000 {
            break;
        }
    }
    shown.trim().to_owned()
}

/// The phase that a plain line tells, without what loggers put before it; `None` where it tells none.
pub fn phase(plain: &str) -> Option<String> {
    if plain.contains(OWN) || plain.starts_with("VLLM is not started") {
        return None;
    }
    let small = plain.to_lowercase();
    WORDS.iter().any(|word| small.contains(word)).then(|| bare(plain).chars().take(160).collect())
}

/// Without `(EngineCore_0 pid=7)`, `INFO`, `11-23 10:00:00`, `[loader.py:12]` and the like in front.
fn bare(line: &str) -> &str {
    let mut rest = line;
    loop {
        rest = rest.trim_start();
        let end = match rest.chars().next() {
            Some('(') => rest.find(')'),
            Some('[') => rest.find(']'),
            _ => {
                let word = rest.split(' ').next().unwrap_or_default();
                let is_level =
                    matches!(word.trim_end_matches(':'), "INFO" | "WARNING" | "WARN" | "ERROR" | "DEBUG" | "-" | "|");
                let is_time = word.starts_with(|c: char| c.is_ascii_digit())
                    && word.chars().all(|c| c.is_ascii_digit() || "-:.,/TZ+".contains(c))
                    && word.contains(['-', ':']);
                (is_level || is_time).then(|| word.len().saturating_sub(1))
            }
        };
        match end {
            Some(end) if rest.len() > end + 1 => rest = rest[end + 1..].trim_start_matches(':'),
            _ => return rest,
        }
    }
}

/// What is the same in the lines of one phase: a count that goes up is no new one.
pub fn key(phase: &str) -> String {
    phase.chars().filter(|c| c.is_alphabetic() || *c == ' ').take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_shown_without_what_drives_a_terminal() {
        assert_eq!(plain("\u{1b}[32mINFO\u{1b}[0m: a\tb\u{7}"), "INFO: a b");
        assert_eq!(plain("Loading: 1%\rLoading: 50%\r"), "Loading: 50%");
        assert_eq!(plain("\u{1b}[1"), "");
        assert_eq!(plain(&"x".repeat(9000)).len(), 2000);
    }

    #[test]
    fn a_phase_comes_without_its_logger() {
        for (line, shown) in [
            (
                "INFO 11-23 10:00:00 [gpu_model_runner.py:1770] Starting to load model a/b...",
                "Starting to load model a/b...",
            ),
            (
                "(EngineCore_0 pid=77) INFO 11-23 10:00:00 [loader.py:1] Loading weights took 3.5 s",
                "Loading weights took 3.5 s",
            ),
            ("[2026-11-23 10:00:00] Capture cuda graph begin.", "Capture cuda graph begin."),
            (
                "Loading safetensors checkpoint shards:  25% Completed | 1/4",
                "Loading safetensors checkpoint shards:  25% Completed | 1/4",
            ),
            ("2026-11-23T10:00:00.123Z INFO download: Downloading a", "download: Downloading a"),
        ] {
            assert_eq!(phase(line).as_deref(), Some(shown), "{line}");
        }
        for line in ["", "WARNING something else", "hpcsh wait: loading", "INFO"] {
            assert_eq!(phase(line), None, "{line}");
        }
    }

    #[test]
    fn a_count_is_no_new_phase() {
        assert_eq!(key("Loading shards:  25% | 1/4 [00:01"), key("Loading shards:  50% | 2/4 [00:09"));
        assert_ne!(key("Loading shards"), key("Capturing CUDA graphs"));
    }
}
