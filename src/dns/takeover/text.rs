//! A resolv.conf with our server in front of the original ones, and back. Pure.
//!
//! All of the original stays in the text: what must not hold any more is a comment. So the original is there even where
//! nothing but this file is left: copied into an image, or read by a user who may not read what root has saved. And the text
//! tells by itself whether somebody has changed it since.

use std::net::IpAddr;

use crate::digest;
use crate::net::resolv_conf::{Line, MOST_SERVERS, ResolvConf, Server};

/// What the first line begins with; our server's address follows, and the digest of what stands below.
const MARK: &str = "# hpcsh dns at ";
/// Before a line of the original that does not hold.
const ASIDE: &str = "#hpcsh# ";
/// The same, and below it stands what holds in its place.
const REPLACED: &str = "#hpcsh> ";

/// The text with our server in front, and what of the original does not hold in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fronted {
    /// The text.
    pub text: String,
    /// Servers that the C library would have asked, and does not any more.
    pub left_out: Vec<Server>,
    /// Whether `rotate` was among its options: every other question would go past us.
    pub rotated: bool,
}

/// Puts our server before those of the original; what names us in it is left out.
pub fn front(original: &str, ours: IpAddr) -> Fronted {
    let mut fronted = Fronted { text: format!("nameserver {ours}\n"), left_out: Vec::new(), rotated: false };
    let (mut others, mut before) = (0, 0);
    for line in original.lines() {
        match Line::of(line) {
            Line::Server(server) => {
                before += 1;
                if server.address == ours {
                    fronted.text += &format!("{ASIDE}{line}\n");
                    continue;
                }
                others += 1;
                if others < MOST_SERVERS {
                    fronted.text += &format!("{line}\n");
                } else {
                    fronted.text += &format!("{ASIDE}{line}\n");
                    fronted.left_out.extend(Some(server).filter(|_| before <= MOST_SERVERS));
                }
            }
            Line::Options(words) if words.contains(&"rotate") => {
                fronted.rotated = true;
                let kept: Vec<&str> = words.into_iter().filter(|word| *word != "rotate").collect();
                let kept = if kept.is_empty() { "# rotate".to_owned() } else { format!("options {}", kept.join(" ")) };
                fronted.text += &format!("{REPLACED}{line}\n{kept}\n");
            }
            _ => fronted.text += &format!("{line}\n"),
        }
    }
    let sum = digest::of(fronted.text.as_bytes());
    let mark = format!(
        "{MARK}{ours} {sum:016x}: it answers first. `hpcsh dns off` brings the original back, which is below\n"
    );
    fronted.text.insert_str(0, &mark);
    fronted
}

/// Whether a text is ours from the first byte to the last; empty lines at its end are nobody's.
pub fn is_whole(text: &str) -> bool {
    let Some((mark, rest)) = text.split_once('\n') else { return false };
    let sum = mark.strip_prefix(MARK).and_then(|mark| mark.split([' ', ':']).nth(1));
    let is_of = |rest: &str| sum == Some(&format!("{:016x}", digest::of(rest.as_bytes())));
    // An original may have ended in empty lines.
    marked(mark).is_some()
        && (0..=rest.len())
            .rev()
            .take_while(|end| rest[*end..].bytes().all(|byte| matches!(byte, b'\n' | 0)))
            .any(|end| is_of(&rest[..end]))
}

/// The address of ours that the mark in a text names.
pub fn ours(text: &str) -> Option<IpAddr> {
    text.lines().find_map(marked)
}

fn marked(line: &str) -> Option<IpAddr> {
    line.strip_prefix(MARK)?.split(' ').next()?.parse().ok()
}

/// The original that is in a text with our mark; what others have written into it since stays.
pub fn behind(text: &str) -> ResolvConf {
    let mut original = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(ours) = marked(line) {
            let _ = lines.next_if(|line| matches!(Line::of(line), Line::Server(server) if server.address == ours));
        } else if let Some(line) = line.strip_prefix(REPLACED) {
            let _ = lines.next();
            original += &format!("{line}\n");
        } else {
            original += &format!("{}\n", line.strip_prefix(ASIDE).unwrap_or(line));
        }
    }
    ResolvConf::parse(&original)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn body(text: &str) -> String {
        let fronted = front(text, OURS);
        assert_eq!(ours(&fronted.text), Some(OURS));
        assert_eq!(behind(&fronted.text).text(), text, "the original is in it");
        let (mark, rest) = fronted.text.split_once('\n').unwrap();
        assert!(mark.starts_with(MARK));
        rest.strip_prefix("nameserver 127.0.0.1\n").unwrap().to_owned()
    }

    #[test]
    fn our_server_comes_first_and_all_else_is_kept() {
        for text in
            ["", "# x\nsearch a b\n\nnameserver 10.0.0.1\nnameserver fe80::1%eth0\noptions ndots:5\nsortlist 1\n"]
        {
            assert_eq!(body(text), text);
        }
        assert_eq!(ours("nameserver 127.0.0.1\n# hpcsh dns\n# hpcsh dns at home\n"), None);
        let six = front("nameserver 10.0.0.1\n", IpAddr::V6(std::net::Ipv6Addr::LOCALHOST)).text;
        assert!(six.contains("\nnameserver ::1\n") && ours(&six).is_some());
    }

    #[test]
    fn the_c_library_asks_three_servers() {
        let three = "nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n";
        assert_eq!(body(three), three.replace("nameserver 10.0.0.3", "#hpcsh# nameserver 10.0.0.3"));
        let left =
            |text: &str| front(text, OURS).left_out.iter().map(|server| server.address.to_string()).collect::<Vec<_>>();
        assert_eq!(left(three), ["10.0.0.3"]);
        // A fourth one was never asked.
        assert_eq!(left(&format!("{three}nameserver 10.0.0.4\n")), ["10.0.0.3"]);
        let own = "nameserver 127.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n";
        assert_eq!(body(own), own.replace("nameserver 127", "#hpcsh# nameserver 127"));
        assert!(left(own).is_empty());
    }

    #[test]
    fn nothing_goes_past_us_by_rotation() {
        assert_eq!(
            body("options rotate ndots:5 edns0\n"),
            "#hpcsh> options rotate ndots:5 edns0\noptions ndots:5 edns0\n"
        );
        assert_eq!(body("options rotate\nsearch a\n"), "#hpcsh> options rotate\n# rotate\nsearch a\n");
        assert!(front("options rotate\n", OURS).rotated && !front("options ndots:2\n", OURS).rotated);
    }

    #[test]
    fn a_text_tells_whether_it_was_changed() {
        for text in ["", "nameserver 10.0.0.1", "nameserver 10.0.0.1\n\n", "# x\noptions rotate\n"] {
            let fronted = front(text, OURS).text;
            for same in [fronted.clone(), format!("{fronted}\n\0")] {
                assert!(is_whole(&same), "{same:?}");
            }
            for other in [
                format!("{fronted}x"),
                format!("\n{fronted}"),
                fronted.replace("nameserver 1", "nameserver 2"),
                text.to_owned(),
            ] {
                assert!(!is_whole(&other), "{other:?}");
            }
        }
    }

    #[test]
    fn what_others_have_written_since_stays() {
        let text = front("nameserver 10.0.0.1\n", OURS).text;
        let edited = format!("# mine\n{text}nameserver 10.0.0.9\n");
        assert_eq!(behind(&edited).text(), "# mine\nnameserver 10.0.0.1\nnameserver 10.0.0.9\n");
        let without = text.replace("nameserver 127.0.0.1\n", "");
        assert_eq!(behind(&without).text(), "nameserver 10.0.0.1\n");
    }
}
