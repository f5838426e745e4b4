//! A process that is killed in the middle of its commits leaves each of them whole, or nothing of it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use netabase_core::driver::{
    Bounds, Cursor, Database, Direction, Driver, Durability, ErrorKind, OpenConfig, Read, Result,
    Write,
};
use netabase_driver_sled::{Sled, SledDatabase};

use crate::large::{chunks, chunks_of};
use crate::{Model, Random, assert_shows, command, get_one, open, place, put_one, without_driver};

const PATH: &str = "SLED_TEST_PATH";
const TREES: [&str; 3] = ["a", "b", "c"];

fn path_from_parent() -> PathBuf {
    std::env::var_os(PATH).expect("run by another test").into()
}

/// One of this file's ignored tests, to be run in a process of its own.
fn child(test: &str, path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            test,
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(PATH, path);
    command
}

/// What the transaction of this number does: tree, key, and the value or nothing.
fn operations(number: u64) -> Vec<(usize, Vec<u8>, Option<Vec<u8>>)> {
    let mut random = Random(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    (0..3 + random.below(60))
        .map(|_| {
            let tree = random.below(3) as usize;
            let key = random.below(200).to_be_bytes().to_vec();
            let value = (random.below(4) > 0).then(|| {
                let length = match random.below(60) {
                    0 => 200_000,
                    1..8 => 5000,
                    _ => 40,
                };
                vec![number as u8; length]
            });
            (tree, key, value)
        })
        .collect()
}

/// Whether the transaction of this number is durable when its commit returns.
fn durability(number: u64) -> Durability {
    if number.is_multiple_of(5) {
        Durability::Immediate
    } else {
        Durability::None
    }
}

fn last(store: &SledDatabase) -> u64 {
    get_one(store, TREES[0], b"last")
        .map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap()))
}

fn commit(store: &SledDatabase, number: u64) {
    let mut writer = store.begin_write().unwrap();
    let trees = TREES.map(|name| writer.tree(name).unwrap());
    writer
        .put(trees[0], b"last", &number.to_be_bytes(), |_| ())
        .unwrap();
    for (tree, key, value) in operations(number) {
        match value {
            Some(value) => writer.put(trees[tree], &key, &value, |_| ()).unwrap(),
            None => writer.remove(trees[tree], &key, |_| ()).unwrap(),
        };
    }
    writer.commit(durability(number)).unwrap();
}

#[test]
#[ignore = "run in a process of its own by a_killed_process_leaves_whole_transactions"]
fn child_commits_until_it_is_killed() {
    let store = open(&path_from_parent());
    for number in last(&store) + 1.. {
        commit(&store, number);
        if durability(number) == Durability::Immediate {
            println!("durable {number}");
        }
    }
}

/// Kills a process that commits to this database, some time after its first durable commit.
pub(crate) fn killed_after(path: &Path, time: Duration) {
    let mut process = child("crash::child_commits_until_it_is_killed", path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    lines
        .find(|line| line.as_ref().is_ok_and(|line| line.contains("durable ")))
        .expect("the process ended by itself")
        .unwrap();
    thread::sleep(time);
    process.kill().unwrap();
    process.wait().unwrap();
}

/// 12 rounds; `SLED_CRASH_ROUNDS` sets another number.
#[test]
fn a_killed_process_leaves_whole_transactions() {
    let rounds = std::env::var("SLED_CRASH_ROUNDS").map_or(12, |rounds| rounds.parse().unwrap());
    let (_folder, path) = place();
    let mut random = Random(0x5EED);
    let mut models: [Model; 3] = Default::default();
    let mut modelled = 0;
    for round in 0..rounds {
        let mut process = child("crash::child_commits_until_it_is_killed", &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (acknowledge, durable) = mpsc::channel();
        let reading = thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .filter_map(|line| line.split_once("durable ")?.1.parse::<u64>().ok())
                .for_each(|number| acknowledge.send(number).unwrap());
        });
        // Every other process comes to a durable commit, however slow the machine is; the rest may end while they open.
        let first = if round % 2 == 0 {
            durable.recv().expect("the process ended by itself")
        } else {
            modelled
        };
        thread::sleep(Duration::from_millis(50 + random.below(400)));
        process.kill().unwrap();
        process.wait().unwrap();
        reading.join().unwrap();
        let acknowledged = durable.try_iter().last().unwrap_or(first);

        let store = open(&path);
        let last = last(&store);
        assert!(
            last >= acknowledged,
            "round {round}: {last} of {acknowledged} acknowledged"
        );
        for number in modelled + 1..=last {
            for (tree, key, value) in operations(number) {
                match value {
                    Some(value) => models[tree].insert(key, value),
                    None => models[tree].remove(&key),
                };
            }
        }
        modelled = last;
        if last > 0 {
            models[0].insert(b"last".to_vec(), last.to_be_bytes().to_vec());
        }
        let reader = store.begin_read().unwrap();
        for (name, model) in TREES.iter().zip(&models) {
            assert_shows(&reader, name, model);
        }
        assert_eq!(command(&store, "check_integrity").unwrap(), [[1]]);
    }
    assert!(modelled > 0, "no process came to a commit");
    // No chunk of a large value outlives it.
    let values = models.iter().flat_map(|model| model.values());
    let expected: usize = values.map(|value| chunks_of(value.len())).sum();
    assert_eq!(chunks(&without_driver(&path)).len(), expected);
}

/// What keeps the files of a child at a few MiB, without the signal that would end it.
#[cfg(unix)]
const LIMITED: &str = "trap '' XFSZ; ulimit -f 8192; exec \"$@\"";

fn put_all(store: &SledDatabase, entries: &[([u8; 8], Vec<u8>)]) -> Result<()> {
    let mut writer = store.begin_write()?;
    let tree = writer.tree("t")?;
    for (key, value) in entries {
        writer.put(tree, key, value, |_| ())?;
    }
    writer.commit(Durability::Immediate)
}

#[test]
#[ignore = "run in a process of its own by a_full_device_is_a_limit"]
fn child_fills_the_device() {
    let store = open(&path_from_parent());
    put_one(&store, "t", b"before", b"1", Durability::Immediate);
    let mut random = Random(3);
    let before = store.begin_read().unwrap();
    let mut committed = Model::from([(b"before".to_vec(), b"1".to_vec())]);
    let error = loop {
        let mut next = committed.clone();
        let new: Vec<_> = (0..20)
            .map(|_| (random.next().to_be_bytes(), vec![1; 10_000]))
            .collect();
        next.extend(new.iter().map(|(key, value)| (key.to_vec(), value.clone())));
        // A put may fail as well: it reads, and sled splits the pages that it reads.
        match put_all(&store, &new) {
            Ok(()) => committed = next,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error:?}");
    assert!(error.message().contains("make room"), "{error:?}");
    // What failed is visible to nobody, and what was visible stays so, as far as sled can still read it.
    let after = store.begin_read().unwrap();
    let first = Model::from([(b"before".to_vec(), b"1".to_vec())]);
    for (reader, expected) in [(&before, &first), (&after, &committed)] {
        let tree = reader.tree("t").unwrap();
        let mut cursor = reader
            .cursor(tree, Bounds::ALL, Direction::Forward)
            .unwrap();
        let mut entries = expected.iter();
        loop {
            match cursor.advance() {
                Ok(true) => {
                    let (key, value) = entries.next().unwrap();
                    assert!((cursor.key(), cursor.value()) == (key, value));
                }
                Ok(false) => {
                    assert!(entries.next().is_none());
                    break;
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error:?}");
                    break;
                }
            }
        }
    }
    let again = put_all(&store, &[([0; 8], Vec::new())]).unwrap_err();
    assert!(
        [ErrorKind::Closed, ErrorKind::LimitExceeded].contains(&again.kind()),
        "{again:?}"
    );
    println!("committed {}", committed.len());
}

#[cfg(unix)]
#[test]
fn a_full_device_is_a_limit() {
    let (_folder, path) = place();
    let command = child("crash::child_fills_the_device", &path);
    let filled = Command::new("sh")
        .args(["-c", LIMITED, "sh"])
        .arg(command.get_program())
        .args(command.get_args())
        .env(PATH, &path)
        .output()
        .unwrap();
    assert!(filled.status.success(), "{filled:?}");
    assert_goes_on_after(&path, number(&filled.stdout, "committed "));
}

/// The number that a process printed after a word.
#[cfg(unix)]
fn number(output: &[u8], word: &str) -> u64 {
    String::from_utf8_lossy(output)
        .lines()
        .find_map(|line| line.split_once(word)?.1.parse().ok())
        .unwrap()
}

/// Shows that of the commit that failed all is there or nothing, and that the database takes another one.
#[cfg(unix)]
fn assert_goes_on_after(path: &Path, committed: u64) {
    let store = Sled.open(&OpenConfig::new(path)).unwrap();
    assert_eq!(command(&store, "check_integrity").unwrap(), [[1]]);
    let reader = store.begin_read().unwrap();
    let entries = reader.len(reader.tree("t").unwrap()).unwrap();
    assert!(
        [committed, committed + 20].contains(&entries),
        "{entries} of {committed}"
    );
    drop(reader);
    put_one(&store, "t", b"after", b"2", Durability::Immediate);
}

#[cfg(unix)]
const COMMITTED: &str = "SLED_TEST_COMMITTED";

#[cfg(unix)]
#[test]
#[ignore = "run in a process of its own by a_device_that_is_really_full_leaves_whole_transactions"]
fn child_goes_on() {
    let committed = std::env::var(COMMITTED).unwrap().parse().unwrap();
    assert_goes_on_after(&path_from_parent(), committed);
    println!("went on");
}

/// Fills a device of `$1` bytes at `$2`, makes room, and goes on: `$3` and its arguments run a test, named last.
#[cfg(unix)]
const ON_A_SMALL_DEVICE: &str = r#"
    set -e
    mount -t tmpfs -o size="$1" tmpfs "$2"
    device=$2; shift 2
    said=$("$@" crash::child_fills_the_device)
    mount -o remount,size=64m "$device"
    SLED_TEST_COMMITTED=$(echo "$said" | sed -n 's/.*committed //p'); export SLED_TEST_COMMITTED
    "$@" crash::child_goes_on
"#;

/// The limit on the length of a file, elsewhere in this file, makes only the log fail; this is every file.
///
/// Not tried where this user may not mount anything.
#[cfg(target_os = "linux")]
#[test]
fn a_device_that_is_really_full_leaves_whole_transactions() {
    let folder = tempfile::tempdir().unwrap();
    let in_own_namespace = |arguments: &[&str], script: &str| {
        let mut command = Command::new("unshare");
        command.args(arguments).args(["sh", "-c", script, "sh"]);
        command
    };
    let may_mount = |arguments: &[&str]| {
        in_own_namespace(arguments, "mount -t tmpfs tmpfs \"$1\"")
            .arg(folder.path())
            .output()
            .is_ok_and(|output| output.status.success())
    };
    let ways: [&[&str]; 2] = [&["-m"], &["-rm"]];
    let Some(way) = ways.into_iter().find(|way| may_mount(way)) else {
        println!("not tried: this user may not mount anything");
        return;
    };
    for size in ["5300k", "6m", "8700k", "9m", "9600k", "10200k", "11m"] {
        let done = in_own_namespace(way, ON_A_SMALL_DEVICE)
            .arg(size)
            .arg(folder.path())
            .arg(std::env::current_exe().unwrap())
            .args(["--ignored", "--nocapture", "--test-threads=1", "--exact"])
            .env(PATH, folder.path().join("data.sled"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(
            done.status.success() && said.contains("went on"),
            "{size}: {done:?}"
        );
    }
}
