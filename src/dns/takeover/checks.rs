//! What is wrong with resolv.conf, for `hpcsh doctor`: a resolver that is not there, a file changed since, a journal left behind.

use super::{Found, NAME, Standing, look, places};
use crate::finding::{Finding, Mend, Repair};
use crate::host::{Host, lock, users};
use crate::journal::{self, Journal, Stands};
use crate::net::resolv_conf::PATH;

const CHECK: &str = "dns";

/// What is wrong where names are looked up so. Changes nothing.
pub fn checks(host: &Host, standing: Standing) -> Vec<Finding> {
    let seen = look(host);
    let mut found = Vec::new();
    let problem = |message: String| Finding::problem(CHECK, message);
    match (standing, seen) {
        (Standing::Dead(at), Found::Changed(_)) => found.push(
            problem(format!(
                "{PATH} names hpcsh's resolver at {at}, where nobody answers, and was changed since `hpcsh dns on`"
            ))
            .hint("or take the line of that address out")
            .mend(on("starts it, and takes the file as it is for the original")),
        ),
        (Standing::Dead(at), _) => found.push(
            problem(format!("{PATH} names hpcsh's resolver at {at}, and nobody answers there"))
                .mend(on("starts it again"))
                .mend(restore("brings the original back")),
        ),
        (_, Found::Changed(at)) => found.push(
            problem(format!("{PATH} was changed since `hpcsh dns on`, and names the resolver at {at} still"))
                .mend(on("takes the file as it is for the original")),
        ),
        _ => {}
    }
    for dir in places(host) {
        // An `on` or `off` that is at work has its journal there as well.
        if lock::is_held(&dir.join("journal/lock")) {
            continue;
        }
        match journal::glance(&dir, NAME) {
            Ok(Some(journal)) if standing == Standing::Away => found.push(left(&journal)),
            Ok(_) => {}
            Err(why) => {
                let finding = problem(why);
                found.push(match standing {
                    // What answers is not to end for that.
                    Standing::Here(_) => finding.mend(on("saves the original anew")),
                    Standing::Away | Standing::Dead(_) => finding.mend(restore("puts it aside")),
                });
            }
        }
    }
    found
}

fn on(does: &str) -> Mend {
    Mend::new("hpcsh dns on", does).as_root()
}

fn restore(does: &str) -> Mend {
    let is_root = users::my_id() == 0;
    Mend::new("hpcsh dns restore", does).as_root().by_itself(Repair::RestoreResolvConf, is_root)
}

/// A journal where resolv.conf is not ours: of somebody who was killed, or whose file another one has replaced since.
fn left(journal: &Journal) -> Finding {
    let last = journal.changes.len().saturating_sub(1);
    let stands = journal.stands(last);
    if matches!(stands, Ok(Stands::Foreign)) && journal.changes.get(last).is_some() {
        let message = format!("somebody else has replaced {PATH} since `hpcsh dns on`: the resolver is not asked");
        let keep = Mend::new("hpcsh dns restore", "leaves it as it is, and takes back the rest").as_root();
        return Finding::problem(CHECK, message).mend(on("puts the resolver in front again")).mend(keep);
    }
    Finding::problem(CHECK, format!("a `hpcsh dns on` or `off` was cut short, and has left its journal for {PATH}"))
        .mend(restore("brings the original back, and ends it"))
}
