//! A log that has lost its end is not taken for a whole one.

use std::fs;
use std::path::Path;
use std::time::Duration;

use netabase_core::driver::{Driver, Durability, ErrorKind, OpenConfig};
use netabase_driver_sled::{Sled, SledDatabase};

use crate::crash::killed_after;
use crate::{get_one, open, open_error, place, put_one};

const FILE: &str = "netabase.commits";

fn accepting(path: &Path) -> SledDatabase {
    let options = [("accept_lost_commits", "true")];
    let config = OpenConfig {
        options: &options,
        ..OpenConfig::new(path)
    };
    Sled.open(&config).unwrap()
}

fn commit(path: &Path, numbers: std::ops::Range<u32>) {
    let store = open(path);
    for number in numbers {
        let value = [number as u8; 100];
        put_one(&store, "t", &number.to_be_bytes(), &value, Durability::None);
    }
}

/// How many of the entries that [`commit`] makes are there.
fn left(store: &SledDatabase) -> usize {
    (0..100_u32)
        .filter(|number| get_one(store, "t", &number.to_be_bytes()).is_some())
        .count()
}

/// Where the log holds the value that [`commit`] gives to this number first.
fn place_of(log: &[u8], number: u32) -> usize {
    let value = [number as u8; 100];
    log.windows(value.len())
        .position(|bytes| bytes == value)
        .unwrap()
}

fn damage(path: &Path, number: u32) {
    let file = path.join("db");
    let mut log = fs::read(&file).unwrap();
    let place = place_of(&log, number);
    log[place] ^= 1;
    fs::write(&file, log).unwrap();
}

#[test]
fn a_log_that_lost_its_end_is_corrupt_until_the_loss_is_accepted() {
    let (_folder, path) = place();
    commit(&path, 0..50);
    damage(&path, 40);
    for _ in 0..2 {
        let error = open_error(&OpenConfig::new(&path));
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        for part in ["50 commits", "accept_lost_commits"] {
            assert!(error.message().contains(part), "{error:?}");
        }
    }
    let store = accepting(&path);
    assert!(left(&store) < 50);
    drop(store);
    // What is left is all there is.
    commit(&path, 50..60);
    assert!(left(&open(&path)) >= 10);
}

#[test]
fn a_loss_behind_an_earlier_closing_is_noticed_with_the_number_of_commits_in_doubt() {
    let (_folder, path) = place();
    commit(&path, 0..30);
    commit(&path, 30..50);
    damage(&path, 49);
    let error = open_error(&OpenConfig::new(&path));
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    for part in ["50 commits", "commit 30", "up to 20"] {
        assert!(error.message().contains(part), "{error:?}");
    }
    assert!((30..50).contains(&left(&accepting(&path))));
}

#[test]
fn a_missing_log_is_noticed() {
    for empty in [false, true] {
        let (_folder, path) = place();
        commit(&path, 0..10);
        for entry in fs::read_dir(&path).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name().as_encoded_bytes().starts_with(b"snap.") {
                fs::remove_file(entry.path()).unwrap();
            }
        }
        if empty {
            fs::write(path.join("db"), "").unwrap();
        } else {
            fs::remove_file(path.join("db")).unwrap();
        }
        let error = open_error(&OpenConfig::new(&path));
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.message().contains("up to 10"), "{error:?}");
    }
}

#[test]
fn a_folder_without_the_number_is_opened_as_it_is() {
    let (_folder, path) = place();
    commit(&path, 0..50);
    fs::remove_file(path.join(FILE)).unwrap();
    assert_eq!(left(&open(&path)), 50);
    commit(&path, 50..51);
    assert!(path.join(FILE).exists());
}

#[test]
fn a_damaged_number_is_corrupt_until_that_is_accepted() {
    for content in ["", "50", "51 00000000\n", "x"] {
        let (_folder, path) = place();
        commit(&path, 0..50);
        fs::write(path.join(FILE), content).unwrap();
        let before = fs::read(path.join("db")).unwrap();
        let error = open_error(&OpenConfig::new(&path));
        assert!(fs::read(path.join("db")).unwrap() == before);
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{content:?}");
        assert!(error.message().contains(FILE), "{error:?}");
        assert_eq!(left(&accepting(&path)), 50);
        assert_eq!(left(&open(&path)), 50);
    }
}

#[test]
fn opening_and_closing_writes_no_number() {
    let (_folder, path) = place();
    commit(&path, 0..5);
    let before = fs::read(path.join(FILE)).unwrap();
    fs::remove_file(path.join(FILE)).unwrap();
    drop(open(&path));
    assert!(!path.join(FILE).exists());
    commit(&path, 5..6);
    assert_ne!(fs::read(path.join(FILE)).unwrap(), before);
}

#[test]
fn a_database_that_is_emptied_begins_to_count_again() {
    let (_folder, path) = place();
    commit(&path, 0..50);
    let config = OpenConfig {
        truncate: true,
        ..OpenConfig::new(&path)
    };
    let store = Sled.open(&config).unwrap();
    assert!(!path.join(FILE).exists());
    put_one(&store, "t", b"k", b"v", Durability::None);
    drop(store);
    assert!(
        fs::read_to_string(path.join(FILE))
            .unwrap()
            .starts_with("1 ")
    );
    assert_eq!(left(&open(&path)), 0);
}

#[test]
fn a_crash_is_not_taken_for_a_loss() {
    let (_folder, path) = place();
    commit(&path, 0..20);
    for round in 20..26 {
        killed_after(&path, Duration::from_millis(u64::from(round - 20) * 30));
        let store = open(&path);
        assert_eq!(left(&store), round as usize);
        drop(store);
        if round % 2 == 0 {
            killed_after(&path, Duration::ZERO);
        }
        commit(&path, round..round + 1);
    }
}
