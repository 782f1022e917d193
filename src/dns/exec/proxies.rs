//! What can be done by variables alone: HTTP goes to a proxy that refuses, but to the intranet directly. Pure.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use crate::net::proxy::{NEAR, REFUSING};

/// Those by which a program is told of a proxy of the user's own.
const PROXIES: [&str; 6] = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
/// Sets them; `near` are the names of the intranet, each with all below it. Gives whether it has: a user who has a proxy of his
/// own keeps it.
pub fn refuse(variables: &mut BTreeMap<OsString, OsString>, near: &[String]) -> bool {
    let value = |variables: &BTreeMap<OsString, OsString>, name: &str| {
        variables
            .get(OsStr::new(name))
            .filter(|value| !value.is_empty())
            .map(|value| value.to_string_lossy().into_owned())
    };
    if PROXIES.iter().any(|name| value(variables, name).is_some_and(|own| own != REFUSING)) {
        return false;
    }
    for name in ["http_proxy", "https_proxy"] {
        variables.insert(name.into(), REFUSING.into());
    }
    let own = ["no_proxy", "NO_PROXY"].into_iter().find_map(|name| value(variables, name));
    let mut all: Vec<String> = own.iter().flat_map(|own| own.split(',')).map(|word| word.trim().to_owned()).collect();
    for name in NEAR.split(',').map(str::to_owned).chain(near.iter().cloned()) {
        if !name.is_empty() && !all.contains(&name) {
            all.push(name);
        }
    }
    let all = OsString::from(all.join(","));
    // Programs that know both take either first.
    for name in ["no_proxy", "NO_PROXY"] {
        variables.insert(name.into(), all.clone());
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(variables: &[(&str, &str)], near: &[&str]) -> Option<BTreeMap<OsString, OsString>> {
        let mut all = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let near: Vec<String> = near.iter().map(|name| (*name).to_owned()).collect();
        refuse(&mut all, &near).then_some(all)
    }

    #[test]
    fn the_intranet_needs_no_proxy() {
        let all = refused(&[("NO_PROXY", "mine, lab"), ("https_proxy", "")], &["lab", "pypi.lab"]).unwrap();
        assert_eq!(all[OsStr::new("https_proxy")], "http://127.0.0.1:9");
        assert_eq!(all[OsStr::new("http_proxy")], "http://127.0.0.1:9");
        let wanted = format!("mine,lab,{NEAR},pypi.lab");
        assert_eq!(all[OsStr::new("no_proxy")], *wanted);
        assert_eq!(all[OsStr::new("NO_PROXY")], *wanted);
        assert!(!all.contains_key(OsStr::new("all_proxy")));
    }

    #[test]
    fn a_proxy_of_the_users_own_stays() {
        for name in PROXIES {
            assert_eq!(refused(&[(name, "http://proxy.lab:3128")], &[]), None);
        }
        // One exec within another.
        assert!(refused(&[("http_proxy", REFUSING)], &[]).is_some());
    }
}
