//! Sizes and ages as people read them, in the manner of `hf cache ls`.

/// Bytes, in powers of 1000: `465.0M`.
pub fn size(bytes: u64) -> String {
    if bytes < 1000 {
        return bytes.to_string();
    }
    // The seventeen digits that a double keeps are more than are shown.
    #[allow(clippy::cast_precision_loss)]
    let mut number = bytes as f64;
    let mut units = ["", "K", "M", "G", "T", "P", "E"].iter();
    let mut unit = units.next();
    // What would be shown as 1000.0 is 1.0 of the next.
    while number >= 999.95 {
        number /= 1000.0;
        unit = units.next();
    }
    format!("{number:.1}{}", unit.unwrap_or(&""))
}

/// How long ago a moment was: `2 days ago`.
pub fn ago(now: i64, then: i64) -> String {
    const UNITS: [(&str, i64); 6] = [
        ("year", 31_536_000),
        ("month", 2_592_000),
        ("week", 604_800),
        ("day", 86_400),
        ("hour", 3600),
        ("minute", 60),
    ];
    let seconds = now.saturating_sub(then);
    match UNITS.iter().find(|(_, length)| seconds >= *length) {
        Some((unit, length)) => {
            let count = seconds / length;
            format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
        }
        None => "just now".to_owned(),
    }
}

/// `1 file`, `2 files`.
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_ages_are_short() {
        let sizes = [0, 999, 1000, 465_000_000, 999_949, 999_950, 1_500_000_000_000, u64::MAX].map(size);
        assert_eq!(sizes, ["0", "999", "1.0K", "465.0M", "999.9K", "1.0M", "1.5T", "18.4E"]);
        let ages = [0, 59, 60, 7200, 86_400, 14 * 86_400, 400 * 86_400, -5]
            .map(|seconds| ago(1_000_000_000, 1_000_000_000 - seconds));
        let said = [
            "just now",
            "just now",
            "1 minute ago",
            "2 hours ago",
            "1 day ago",
            "2 weeks ago",
            "1 year ago",
            "just now",
        ];
        assert_eq!(ages, said);
    }
}
