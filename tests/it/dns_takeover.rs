//! `hpcsh dns on`, `off` and `restore`, each time on a node of the test's own.

mod disk;
mod killed;
mod owners;
mod power;
pub mod world;

use std::fs;
use std::io::Read as _;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::support::{NOBODY, Outcome, PROGRAM};
use world::{KINDS, MOUNT, USUAL, World};

const FIRST: &str = "/etc/resolv.conf names 127.0.0.1 first now; `hpcsh dns off` brings the original back\n";
const ON_ALREADY: &str = "nothing to do: /etc/resolv.conf names 127.0.0.1 first, and the resolver answers there\n";
const OFF_ALREADY: &str = "nothing to do: /etc/resolv.conf is not ours\n";
const BACK: &str = "/etc/resolv.conf is the original again\n";

/// A text of ours without its first line, which has a digest in it.
#[track_caller]
fn below_mark(text: &str) -> &str {
    let (mark, rest) = text.split_once('\n').unwrap();
    assert!(mark.starts_with("# hpcsh dns at 127.0.0.1 "), "{text}");
    rest.strip_prefix("nameserver 127.0.0.1\n").unwrap()
}

/// Whether a name is found, and which address it has, as the C library says.
fn look_up(world: &World, name: &str) -> Option<String> {
    let outcome = world.run(&["getent", "ahostsv4", name]);
    (outcome.status == 0).then(|| outcome.out.split_whitespace().next().unwrap().to_owned())
}

#[test]
fn each_kind_of_file_comes_back_as_it_was() {
    for kind in KINDS {
        let Some(world) = World::new(kind.script) else { return };
        (kind.make)(&world);
        world.serve();
        let (before, said) = (world.shot(), world.text());
        assert_eq!(world.dns("on"), format!("{}{FIRST}", kind.says), "{}", kind.name);
        let on = (world.shot(), world.text());
        let below = below_mark(&on.1);
        for line in said.lines().filter(|line| line.starts_with("search") || *line == "nameserver 10.9.8.7") {
            assert!(below.lines().any(|other| other == line), "{}: {below}", kind.name);
        }
        assert!(
            !below.lines().any(|line| line == "nameserver 127.0.0.53" || line.starts_with("options rotate")),
            "{below}"
        );
        let servers: Vec<&str> = on.1.lines().filter(|line| line.starts_with("nameserver")).collect();
        assert!(servers.len() <= 3 && servers[0] == "nameserver 127.0.0.1", "{servers:?}");
        if let (Some(before), Some(now)) = (&before, &on.0)
            && before.mode & 0o170_000 == 0o100_000
        {
            assert_eq!((now.mode, now.owner, &now.note), (before.mode, before.owner, &before.note), "{}", kind.name);
        }
        if below.contains("10.9.8.7") && below.contains("a.example") {
            assert_eq!(look_up(&world, "db.a.example").as_deref(), Some("192.0.2.1"), "{}", kind.name);
        }
        assert_eq!(look_up(&world, "huggingface.co"), None);
        assert_eq!(world.dns("on"), ON_ALREADY, "{}", kind.name);
        assert_eq!((world.shot(), world.text()), on, "{}", kind.name);
        assert_eq!(world.dns("off"), BACK, "{}", kind.name);
        assert_eq!((world.shot(), world.text()), (before.clone(), said.clone()), "{}", kind.name);
        assert_eq!(world.dns("off"), OFF_ALREADY, "{}", kind.name);
        // The other way back, twice too.
        world.dns("on");
        assert_eq!(world.dns("restore"), BACK, "{}", kind.name);
        assert_eq!(world.dns("restore"), OFF_ALREADY, "{}", kind.name);
        assert_eq!((world.shot(), world.text()), (before, said), "{}", kind.name);
        assert!(nothing_is_left(&world), "{}", kind.name);
    }
}

/// Whether nothing of ours lies beside the file, and no journal is there.
fn nothing_is_left(world: &World) -> bool {
    let names = |path: &str| -> Vec<String> {
        let entries = fs::read_dir(world.seen(path)).into_iter().flatten();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let beside = ["/etc", "/run"].iter().any(|dir| names(dir).iter().any(|name| name.contains("hpcsh-new")));
    let journals = names("/var/lib/hpcsh/journal").into_iter().chain(names("/run/hpcsh/journal"));
    !beside && journals.filter(|name| name != "lock").count() == 0
}

#[test]
fn on_starts_the_server_and_off_ends_it() {
    let Some(world) = World::new("") else { return };
    (KINDS[0].make)(&world);
    let before = world.shot();
    let started = |said: &str| {
        let number = said.split("(process ").nth(1).unwrap().split(',').next().unwrap().to_owned();
        format!("the resolver answers at 127.0.0.1 (process {number}, log /var/lib/hpcsh/dns.log)\n")
    };
    let said = world.dns("on");
    assert_eq!(said, format!("{}{}{FIRST}", KINDS[0].says, started(&said)));
    assert_eq!(world.servers(), 1);
    assert_eq!(world.dns("on"), ON_ALREADY);
    assert_eq!(world.servers(), 1);
    // It died: the servers behind it answer, and it is started again.
    assert_eq!(world.run(&["pkill", "-KILL", "-f", "dns serve"]).status, 0);
    assert_eq!(look_up(&world, "db.a.example").as_deref(), Some("192.0.2.1"));
    let said = world.dns("on");
    assert_eq!(said, format!("{}/etc/resolv.conf named 127.0.0.1 first already\n", started(&said)));
    assert_eq!((world.servers(), look_up(&world, "huggingface.co")), (1, None));
    assert_eq!(world.dns("off"), format!("{BACK}the resolver has ended\n"));
    assert_eq!((world.servers(), world.shot()), (0, before.clone()));
    assert_eq!(world.dns("off"), OFF_ALREADY);
    // `restore` leaves the server alone; `off` ends it all the same.
    world.dns("on");
    assert_eq!(world.dns("restore"), BACK);
    assert_eq!((world.servers(), world.shot()), (1, before));
    assert_eq!(world.dns("off"), format!("{OFF_ALREADY}the resolver has ended\n"));
    assert_eq!(world.servers(), 0);
}

#[test]
fn a_plan_changes_nothing() {
    for kind in &KINDS[..3] {
        let Some(world) = World::new(kind.script) else { return };
        (kind.make)(&world);
        let before = world.shot();
        let plan = |word: &str| world.hpcsh(&["dns", word, "--dry-run"]);
        let outcome = plan("on");
        let start = format!("would start the resolver, and wait until it answers at 127.0.0.1: {PROGRAM} dns serve\n");
        let ways: String = kind.says.lines().map(|line| format!("would go so: {line}\n")).collect();
        assert_eq!((outcome.err, outcome.status), (format!("{start}{ways}would write /etc/resolv.conf:\n"), 0));
        assert_eq!((world.shot(), world.servers()), (before.clone(), 0));
        assert!(fs::read_dir(world.below("lib")).unwrap().next().is_none(), "nothing is saved");
        let nothing = Outcome { out: String::new(), err: OFF_ALREADY.to_owned(), status: 0 };
        assert_eq!((plan("off"), plan("restore")), (nothing.clone(), nothing));
        world.dns("on");
        let on = world.text();
        assert_eq!(on, outcome.out, "as it was planned");
        let outcome = plan("on");
        assert_eq!(outcome.err, "would not touch /etc/resolv.conf: it names 127.0.0.1 first already\n");
        let way = "would put /etc/resolv.conf back, from /var/lib/hpcsh/journal/resolv.conf/0.before\n";
        let end = format!("{way}would end the resolver that `hpcsh dns on` has started\n");
        assert_eq!((plan("off").err, plan("restore").err.as_str()), (end, way));
        assert_eq!((world.text(), world.servers()), (on, 1));
        world.dns("off");
        assert_eq!(world.shot(), before);
    }
}

#[test]
fn what_somebody_else_has_written_stays() {
    for kind in [&KINDS[0], &KINDS[5], &KINDS[8]] {
        let Some(world) = World::new(kind.script) else { return };
        (kind.make)(&world);
        world.serve();
        world.dns("on");
        // Another's file in place of ours, as of a DHCP client.
        let theirs = "search b.example\nnameserver 10.9.8.8\n";
        let replace = |text: &str| {
            let path = world.seen("/etc/resolv.conf");
            fs::write(&path, text).unwrap();
        };
        replace(theirs);
        let kept = "/var/lib/hpcsh/journal/resolv.conf.kept";
        let told = format!(
            "/etc/resolv.conf was changed by somebody else since and stays as it is; what was there before lies in {kept}\n"
        );
        assert_eq!(world.dns("restore"), told, "{}", kind.name);
        assert_eq!(world.text(), theirs);
        assert!(world.seen(kept).join("plan.json").exists());
        assert_eq!((world.dns("off"), world.text()), (OFF_ALREADY.to_owned(), theirs.to_owned()));
        // It is the new original.
        let theirs_shot = world.shot();
        assert!(world.dns("on").ends_with(FIRST));
        assert_eq!(below_mark(&world.text()), theirs);
        world.dns("off");
        assert_eq!(world.shot(), theirs_shot, "{}", kind.name);
        // `on` again, while it is there, does so at once.
        world.dns("on");
        replace("nameserver 10.9.8.7\n");
        assert!(world.dns("on").ends_with(FIRST));
        assert_eq!(below_mark(&world.text()), "nameserver 10.9.8.7\n");
        // A line more in ours.
        let edited = world.text() + "nameserver 10.9.8.8\n";
        replace(&edited);
        let outcome = world.hpcsh(&["dns", "off"]);
        let failure = "error: /etc/resolv.conf was changed by somebody else since, and names 127.0.0.1 still: it stays as it is\n\
                       hint: take that line out; or run `hpcsh dns on`, which takes the file as it is for the original, and then this again\n";
        assert_eq!(outcome, Outcome { out: String::new(), err: format!("{told}{failure}"), status: 1 });
        let again = world.hpcsh(&["dns", "restore"]);
        assert_eq!((again.err.as_str(), again.status, world.text()), (failure, 1, edited));
        world.dns("on");
        world.dns("off");
        assert_eq!(world.text(), "nameserver 10.9.8.7\nnameserver 10.9.8.8\n", "{}", kind.name);
        assert_eq!(world.servers(), 1, "that was not started by `on`");
    }
}

#[test]
fn a_lost_journal_is_no_lost_original() {
    for kind in [&KINDS[0], &KINDS[8]] {
        let Some(world) = World::new(kind.script) else { return };
        (kind.make)(&world);
        world.serve();
        let before = world.shot();
        let lose = |how: &str| {
            world.dns("on");
            assert_eq!(world.run(&["sh", "-c", how]).status, 0);
        };
        lose("rm -r /var/lib/hpcsh");
        let told = "/etc/resolv.conf is the original again, as it stood in the file itself\n";
        assert_eq!((world.dns("restore"), world.shot()), (told.to_owned(), before.clone()), "{}", kind.name);
        // It is as good as with one to `on`.
        lose("rm -r /var/lib/hpcsh");
        world.dns("on");
        assert_eq!((world.dns("off"), world.shot()), (BACK.to_owned(), before.clone()));
        for damage in [
            "echo x >>/var/lib/hpcsh/journal/resolv.conf/0.before",
            "echo x >/var/lib/hpcsh/journal/resolv.conf/plan.json",
        ] {
            lose(damage);
            let dir = "/var/lib/hpcsh/journal/resolv.conf";
            let warning = format!("warning: {dir} is damaged; it lies in {dir}.kept now\n");
            assert_eq!((world.dns("off"), world.shot()), (format!("{warning}{told}"), before.clone()), "{damage}");
        }
    }
}

#[test]
fn two_at_once_do_it_once() {
    let Some(world) = World::new("") else { return };
    (KINDS[0].make)(&world);
    let before = world.shot();
    let start = |word: &str| -> Child {
        let mut command = world.command(0, &[PROGRAM, "dns", word]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    for _ in 0..4 {
        let both = [start("on"), start("on")].map(|child| {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stderr).unwrap()
        });
        assert_eq!(both.iter().filter(|said| said.ends_with(FIRST)).count(), 1, "{both:?}");
        assert_eq!(both.iter().filter(|said| *said == ON_ALREADY).count(), 1, "{both:?}");
        assert_eq!(world.servers(), 1);
        let both = [start("off"), start("off")].map(|child| child.wait_with_output().unwrap());
        assert!(both.iter().all(|output| output.status.success()), "{both:?}");
        assert_eq!((world.servers(), world.shot()), (0, before.clone()));
        // In whatever order they come, the file and the server belong together.
        for child in [start("on"), start("off")] {
            assert!(child.wait_with_output().unwrap().status.success());
        }
        let is_on = world.shot() != before;
        assert!(!is_on || world.servers() == 1, "the file names a server that is not there");
        world.dns("off");
    }
}

#[test]
fn no_look_up_fails_meanwhile() {
    for kind in [&KINDS[0], &KINDS[6], &KINDS[8], &KINDS[10]] {
        let Some(world) = World::new(kind.script) else { return };
        (kind.make)(&world);
        let (ready, stop) = (world.below("tmp/ready"), world.below("tmp/stop"));
        let script = "import os, socket, sys, time
ready, stop = sys.argv[1:]
count, failed, slowest = 0, [], 0
while not os.path.exists(stop):
    before = time.monotonic()
    try:
        found = socket.getaddrinfo('db', 1, socket.AF_INET)[0][4][0]
        if found != '192.0.2.1': failed.append(found)
    except OSError as error:
        failed.append(str(error))
    slowest = max(slowest, time.monotonic() - before)
    count += 1
    if count == 1: open(ready, 'w').close()
print(count, round(slowest, 2), failed)";
        let words = ["python3", "-c", script, ready.to_str().unwrap(), stop.to_str().unwrap()];
        let mut children = [(); 2].map(|()| {
            let mut command = world.command(0, &words);
            command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap()
        });
        while !ready.exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        for _ in 0..8 {
            world.dns("on");
            world.dns("off");
        }
        fs::write(&stop, "").unwrap();
        for child in &mut children {
            let mut said = String::new();
            child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
            child.wait().unwrap();
            let count: usize = said.split(' ').next().unwrap().parse().unwrap();
            assert!(count > 100 && said.ends_with(" []\n"), "{}: {said}", kind.name);
        }
    }
}

#[test]
fn an_ordinary_user_may_where_port_and_file_are_his() {
    let Some(world) = World::new("chmod 777 $W/home") else { return };
    let as_nobody =
        |words: &[&str]| crate::support::run(&mut world.command(NOBODY, &[&[PROGRAM, "dns"], words].concat()));
    let failed = |err: &str| Outcome { out: String::new(), err: err.to_owned(), status: 1 };
    world.write("/etc/resolv.conf", USUAL);
    let port = "error: port 53 is root's here (net.ipv4.ip_unprivileged_port_start is 1024)\n\
                hint: as root: hpcsh dns on, or sysctl -w net.ipv4.ip_unprivileged_port_start=53; without root: hpcsh dns exec -- COMMAND\n";
    assert_eq!(as_nobody(&["on"]), failed(port));
    assert_eq!(world.run(&["sh", "-c", "echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start"]).status, 0);
    let outcome = as_nobody(&["on"]);
    let closed =
        "error: /etc/resolv.conf cannot be written (Permission denied (os error 13)), and you are not root\nhint: ";
    assert!(outcome.status == 1 && outcome.err.starts_with(closed), "{outcome:?}");
    assert_eq!((world.servers(), world.text().as_str()), (0, USUAL));
    // His by its mode, and root's by its owner: that stays so.
    fs::set_permissions(world.below("etc/resolv.conf"), std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    let before = world.shot();
    let outcome = as_nobody(&["on"]);
    assert!(outcome.status == 0 && outcome.err.ends_with(FIRST), "{outcome:?}");
    assert!(outcome.err.contains(&format!("log /var/tmp/hpcsh-{NOBODY}/dns.log")), "{outcome:?}");
    assert_eq!((below_mark(&world.text()), world.servers()), (USUAL, 1));
    assert_eq!(world.shot().unwrap().owner, (0, 0));
    assert_eq!(as_nobody(&["on"]).err, ON_ALREADY);
    assert_eq!(as_nobody(&["off"]).err, format!("{BACK}the resolver has ended\n"));
    assert_eq!((world.shot(), world.servers()), (before, 0));
    // What root has done, he may not undo.
    world.dns("on");
    let other = "error: /var/lib/hpcsh is another user's\nhint: only who ran `hpcsh dns on` may take it back: run this as root\n";
    assert_eq!(as_nobody(&["off"]), failed(other));
    assert_eq!(as_nobody(&["on"]).err, ON_ALREADY);
    assert_eq!(world.dns("off"), format!("{BACK}the resolver has ended\n"));
    assert_eq!(as_nobody(&["off"]).err, OFF_ALREADY);
}

#[test]
fn what_cannot_be_written_is_refused_and_left() {
    // Root of a container that may not mount.
    let Some(world) = World::new("echo 'nameserver 10.9.8.7' >/etc/resolv.conf; mount -o remount,bind,ro /etc") else {
        return;
    };
    let words = ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin", PROGRAM, "dns", "on"];
    let outcome = world.run(&words);
    let why = "error: /etc/resolv.conf cannot be written (Read-only file system (os error 30)), nor may anything be mounted here\nhint: ";
    assert!(outcome.status == 1 && outcome.err.starts_with(why), "{outcome:?}");
    assert_eq!((world.text().as_str(), world.servers()), ("nameserver 10.9.8.7\n", 0));
    let Some(world) = World::new("mount -o remount,bind,ro /etc") else { return };
    let outcome = world.hpcsh(&["dns", "on"]);
    let why = "error: /etc/resolv.conf is not there, and none can be made: Read-only file system (os error 30)\nhint: ";
    assert!(outcome.status == 1 && outcome.err.starts_with(why), "{outcome:?}");
    assert_eq!(world.servers(), 0);
}

#[test]
fn a_port_of_anothers_is_told() {
    let Some(world) = World::new("") else { return };
    world.write("/etc/resolv.conf", "nameserver 127.0.0.1\n");
    // The stub itself serves there too.
    let stub = world.below("stub.py");
    let mut command = world.command(0, &["python3", stub.to_str().unwrap(), "127.0.0.1"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut ready = [0; 6];
    child.stdout.take().unwrap().read_exact(&mut ready).unwrap();
    let failure = "error: another name server answers at 127.0.0.1, port 53\n\
                   hint: `dns.listen` in the configuration names another address for ours, such as 127.0.0.2:53\n";
    assert_eq!(world.hpcsh(&["dns", "on"]), Outcome { out: String::new(), err: failure.to_owned(), status: 1 });
    // Beside it, and asked by it.
    let config = world.below("home/.config/hpcsh/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::write(&config, "[dns]\nlisten = [\"127.0.0.2:53\"]\nallow = [\"a.example\"]\n").unwrap();
    world.dns("on");
    assert!(world.text().contains("\nnameserver 127.0.0.2\nnameserver 127.0.0.1\n"), "{}", world.text());
    assert_eq!((look_up(&world, "db.a.example").as_deref(), look_up(&world, "x.example")), (Some("192.0.2.1"), None));
    // To another address: what is there is taken back first.
    fs::write(&config, "[dns]\nlisten = [\"127.0.0.3:53\"]\nallow = [\"a.example\"]\n").unwrap();
    world.dns("on");
    assert!(world.text().contains("\nnameserver 127.0.0.3\nnameserver 127.0.0.1\n"), "{}", world.text());
    assert_eq!(world.servers(), 1, "the other one has ended");
    world.dns("off");
    assert_eq!((world.text().as_str(), world.servers()), ("nameserver 127.0.0.1\n", 0));
    fs::write(&config, "[dns]\nlisten = [\"127.0.0.1:5300\"]\n").unwrap();
    let outcome = world.hpcsh(&["dns", "on"]);
    let failure = "error: `dns.listen` names no address with port 53, and resolv.conf knows no other port\n\
                   hint: without root: hpcsh dns exec -- COMMAND\n";
    assert_eq!((outcome.err.as_str(), outcome.status), (failure, 2));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_server_that_does_not_begin_is_quoted() {
    let Some(world) = World::new("") else { return };
    world.write("/etc/resolv.conf", USUAL);
    // Nobody answers there, and it cannot be had.
    let hold = "import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('127.0.0.1', 53))
print('ready', flush=True)
time.sleep(1000)";
    let mut command = world.command(0, &["python3", "-c", hold]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut ready = [0; 6];
    child.stdout.take().unwrap().read_exact(&mut ready).unwrap();
    let outcome = world.hpcsh(&["dns", "on"]);
    let begun = "error: the resolver has ended at once: ";
    assert!(
        outcome.status == 1 && outcome.err.starts_with(begun) && outcome.err.contains("127.0.0.1:53"),
        "{outcome:?}"
    );
    assert!(outcome.err.ends_with("\nhint: its log: /var/lib/hpcsh/dns.log\n"), "{outcome:?}");
    assert_eq!((world.text().as_str(), world.servers()), (USUAL, 0));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(world.dns("off"), OFF_ALREADY);
}

#[test]
fn a_resolver_that_is_not_there_is_told() {
    let Some(world) = World::new("") else { return };
    (KINDS[0].make)(&world);
    let status = || -> (Value, String) {
        let json: Value = serde_json::from_str(&world.hpcsh(&["status", "--json"]).out).unwrap();
        (json["resolver"].clone(), world.hpcsh(&["status"]).out)
    };
    assert_eq!(status().0, Value::Null);
    world.dns("on");
    let (json, text) = status();
    assert_eq!(json, serde_json::json!({ "address": "127.0.0.1", "answers": true }));
    assert!(text.contains("names: resolv.conf names hpcsh's resolver at 127.0.0.1\n"), "{text}");
    assert_eq!(world.run(&["pkill", "-KILL", "-f", "dns serve"]).status, 0);
    let (json, text) = status();
    assert_eq!(json, serde_json::json!({ "address": "127.0.0.1", "answers": false }));
    let missing = "names: resolv.conf names hpcsh's resolver at 127.0.0.1, which is not there: `hpcsh dns on` starts it, \
                   `hpcsh dns restore` brings the original back\n";
    assert!(text.contains(missing), "{text}");
    // What the prompt goes by says so too. There is no way out of this network, whatever is asked.
    let mut look = world.command(0, &[PROGRAM, "status", "--refresh", "--json"]);
    let outcome = crate::support::run(look.env_remove("HPCSH_NO_PROBE"));
    let json: Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!(json["reason"], "no default route; resolv.conf names hpcsh's resolver at 127.0.0.1, which is not there");
    world.dns("restore");
    assert_eq!(status().0, Value::Null);
}

#[test]
fn a_file_that_may_not_change_is_covered() {
    let Some(world) = World::new("") else { return };
    (KINDS[0].make)(&world);
    world.serve();
    // Some administrators do so, that nobody may write it. Not each file system knows it.
    if world.run(&["chattr", "+i", "/etc/resolv.conf"]).status != 0 {
        eprintln!("no file can be made immutable here");
        return;
    }
    let before = world.shot();
    let covered = "/etc/resolv.conf cannot be written (Operation not permitted (os error 1)): \
                   another file is mounted over it, until the node restarts\n";
    assert_eq!(world.dns("on"), format!("{covered}{FIRST}"));
    assert_eq!(below_mark(&world.text()), USUAL);
    world.dns("off");
    assert_eq!(world.shot(), before);
    assert_eq!(world.run(&["chattr", "-i", "/etc/resolv.conf"]).status, 0);
}

#[test]
fn a_node_that_has_restarted_has_its_original() {
    // A cover is gone then, and so is what was told to others.
    let Some(world) = World::new("touch /etc/resolv.conf; mount -o remount,bind,ro /etc") else { return };
    (KINDS[0].make)(&world);
    world.serve();
    let before = world.shot();
    world.dns("on");
    assert_eq!(world.run(&["umount", "/etc/resolv.conf"]).status, 0);
    assert_eq!(world.dns("restore"), BACK);
    world.dns("on");
    assert_eq!(world.run(&["umount", "/etc/resolv.conf"]).status, 0);
    assert!(world.dns("on").ends_with(FIRST));
    assert_eq!(below_mark(&world.text()), USUAL);
    assert_eq!((world.dns("off"), world.shot()), (BACK.to_owned(), before));
}

#[test]
fn on_a_full_disk_it_is_saved_in_memory() {
    let full = |path: &str| {
        format!("mount -t tmpfs -o size=64k none {path}; dd if=/dev/zero of={path}/all bs=4k 2>/dev/null || true\n")
    };
    let Some(world) = World::new(&full("/var/lib")) else { return };
    (KINDS[0].make)(&world);
    let before = world.shot();
    let said = world.dns("on");
    assert!(said.contains(", log /run/hpcsh/dns.log)\n") && said.ends_with(FIRST), "{said}");
    assert!(world.below("run/hpcsh/journal/resolv.conf/plan.json").exists());
    assert_eq!((world.dns("on").as_str(), world.servers()), (ON_ALREADY, 1));
    assert_eq!(world.dns("off"), format!("{BACK}the resolver has ended\n"));
    assert_eq!((world.shot(), world.servers()), (before.clone(), 0));
    let Some(world) = World::new(&(full("/var/lib") + &full("/run"))) else { return };
    (KINDS[0].make)(&world);
    let outcome = world.hpcsh(&["dns", "on"]);
    let why = "error: the original can be saved nowhere (/var/lib/hpcsh: No space left on device (os error 28); \
               /run/hpcsh: No space left on device (os error 28))\nhint: nothing was changed\n";
    assert_eq!(outcome, Outcome { out: String::new(), err: why.to_owned(), status: 1 });
    assert_eq!((world.shot(), world.servers()), (before, 0));
}

#[test]
fn without_a_disk_it_is_saved_in_memory() {
    let script = format!("{MOUNT}; mount -o remount,bind,ro /var/lib");
    let Some(world) = World::new(&script) else { return };
    (KINDS[8].make)(&world);
    world.serve();
    let before = world.shot();
    world.dns("on");
    assert!(world.below("run/hpcsh/journal/resolv.conf/plan.json").exists());
    assert_eq!(world.dns("on"), ON_ALREADY);
    assert_eq!((world.dns("off"), world.shot()), (BACK.to_owned(), before.clone()));
    let Some(world) = World::new(&format!("{script}; mount -o remount,bind,ro /run")) else { return };
    (KINDS[8].make)(&world);
    let outcome = world.hpcsh(&["dns", "on"]);
    let why = "error: the original can be saved nowhere (/var/lib/hpcsh: Read-only file system (os error 30); \
               /run/hpcsh: Read-only file system (os error 30))\nhint: nothing was changed\n";
    assert_eq!(outcome, Outcome { out: String::new(), err: why.to_owned(), status: 1 });
    assert_eq!((world.shot(), world.servers()), (before, 0));
}
