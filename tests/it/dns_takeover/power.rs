//! The power fails at whatever moment: what was synced is there, and of the rest any of the parts that a file system may keep.
//!
//! The calls of a run are replayed on a model of the disk, and after each of them the node stops. From each state in which the disk
//! may be then, `restore` brings the original back.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

use super::disk::{Disk, MODELS, Node, State};
use super::nothing_is_left;
use super::world::{KINDS, Kind, USUAL, World};
use crate::support::{PROGRAM, has, run, skip};

/// Makes the node have this, and nothing else where files are followed.
fn put(world: &World, state: &State, is_mount: bool) {
    let _ = fs::remove_dir_all(world.below("lib/hpcsh"));
    for name in ["resolv.conf", ".resolv.conf.hpcsh-new"] {
        if !is_mount {
            let _ = fs::remove_file(world.below("etc").join(name));
        }
    }
    for (path, node) in state {
        let at = world.seen(path);
        match node {
            Node::Dir => fs::create_dir_all(&at).unwrap(),
            Node::Link(target, owner) => {
                symlink(target, &at).unwrap();
                std::os::unix::fs::lchown(&at, Some(owner.0), Some(owner.1)).unwrap();
            }
            Node::File(content) => {
                fs::write(&at, &content.bytes).unwrap();
                chown(&at, Some(content.owner.0), Some(content.owner.1)).unwrap();
                fs::set_permissions(&at, fs::Permissions::from_mode(content.mode)).unwrap();
            }
        }
    }
}

/// From which states the way back was gone.
fn fail_everywhere(kind: &Kind) {
    if !has("strace") {
        skip("strace is not installed");
        return;
    }
    let Some(world) = World::new(kind.script) else { return };
    if run(&mut world.command(0, &["strace", "-qq", "-o", "/dev/null", "true"])).status != 0 {
        skip("strace may not trace here");
        return;
    }
    (kind.make)(&world);
    if world.shot().is_some_and(|shot| shot.note.is_some()) {
        // Attributes are not part of the model.
        rustix::fs::removexattr(world.seen("/etc/resolv.conf"), "user.note").unwrap();
    }
    world.serve();
    let before = world.shot();
    let mut count = 0;
    for word in ["on", "restore"] {
        let mut disk = Disk::of(&world);
        let mut states: BTreeSet<State> = BTreeSet::new();
        let log = world.below("outside/log");
        let options = ["strace", "-qq", "-y", "-xx", "-s", "65536", "-o", log.to_str().unwrap(), PROGRAM, "dns", word];
        let outcome = world.run(&options);
        assert_eq!(outcome.status, 0, "{outcome:?}");
        for line in fs::read_to_string(&log).unwrap().lines() {
            if disk.replay(line) {
                states.extend(MODELS.map(|keeps| disk.after(keeps)));
            }
        }
        // The model knows what the run has done.
        let end = Disk::of(&world).after(MODELS[0]);
        assert_eq!(disk.after(MODELS[4]), end, "{}: the model is wrong of {word}", kind.name);
        assert_eq!(
            disk.after(MODELS[0]).get("/etc/resolv.conf"),
            end.get("/etc/resolv.conf"),
            "{}: {word} is not synced",
            kind.name
        );
        count += states.len();
        for state in &states {
            put(&world, state, kind.script.contains("mount"));
            let outcome = world.hpcsh(&["dns", "restore"]);
            let said = format!("{}: {word}: {outcome:?}\nfrom {state:?}", kind.name);
            assert_eq!(outcome.status, 0, "{said}");
            assert_eq!(world.shot(), before, "{said}");
            assert!(nothing_is_left(&world), "{said}");
        }
        put(&world, &end, kind.script.contains("mount"));
    }
    assert!(count > 20, "{}: only {count} states", kind.name);
}

#[test]
fn a_plain_file_without_power() {
    fail_everywhere(&KINDS[0]);
}

#[test]
fn a_link_without_power() {
    fail_everywhere(&KINDS[5]);
}

#[test]
fn a_mount_without_power() {
    fail_everywhere(&KINDS[8]);
    // Where the new text is the shorter one, too.
    let shorter = |world: &World| {
        fs::write(world.below("outside/resolv.conf"), format!("{USUAL}options rotate\n{}", "\n".repeat(300))).unwrap();
    };
    fail_everywhere(&Kind { name: "a mount that ends in empty lines", make: shorter, ..KINDS[8] });
}

#[test]
fn no_file_without_power() {
    fail_everywhere(&KINDS[2]);
}

#[test]
fn settings_for_resolvconf_without_power() {
    fail_everywhere(&KINDS[12]);
}
