//! Values and keys too long for sled's own ways: no page ever gets a file of its own, and values are whole.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::SystemTime;

use netabase_core::driver::{
    Bounds, Cursor, Database, Direction, Driver, Durability, ErrorKind, OpenConfig, Read, Write,
};
use netabase_driver_sled::{Sled, SledDatabase};

use crate::{
    Model, Random, assert_shows, close, command, get_one, open, open_error, owned, place, put_one,
    scan, without_driver,
};

/// The longest value that lies in the user's tree as a whole.
const CHUNK: usize = 12 << 10;

/// Lengths around the borders between one piece and several.
const LENGTHS: [usize; 9] = [
    0,
    CHUNK - 1,
    CHUNK,
    CHUNK + 1,
    CHUNK + 16,
    2 * CHUNK,
    2 * CHUNK + 1,
    300_000,
    700_000,
];

/// Bytes that differ from piece to piece, and from version to version.
fn bytes(length: usize, version: u8) -> Vec<u8> {
    (0..length)
        .map(|at| (at / 1000) as u8 ^ (at % 251) as u8 ^ version)
        .collect()
}

/// The tree in which the driver keeps the chunks of large values.
pub(crate) fn chunks(engine: &sled::Db) -> sled::Tree {
    engine.open_tree(b"\0chunks").unwrap()
}

/// How many chunks of a value of this length lie there.
pub(crate) fn chunks_of(length: usize) -> usize {
    length.saturating_sub(CHUNK).div_ceil(CHUNK)
}

/// When a file was created or removed last where sled keeps pages that are too long for its log.
fn pages_changed(path: &Path) -> SystemTime {
    let folder = path.join("blobs");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    fs::metadata(folder).unwrap().modified().unwrap()
}

/// A key of this number: some as long as can be, some of them the same but for their end.
fn key(number: u64) -> Vec<u8> {
    let longest = usize::try_from(Sled.manifest().limits.key_bytes).unwrap();
    let number_bytes = number.to_be_bytes();
    match number % 4 {
        0 => [&vec![b'k'; longest - 8][..], &number_bytes].concat(),
        1 => [&number_bytes[..], &vec![b'k'; longest - 8]].concat(),
        2 => [&vec![b'k'; 300][..], &number_bytes].concat(),
        _ => number_bytes.to_vec(),
    }
}

#[test]
fn no_page_gets_a_file_of_its_own() {
    let (_folder, path) = place();
    let mut random = Random(0xB10B);
    let mut model = Model::new();
    let mut store = open(&path);
    let unchanged = pages_changed(&path);
    for round in 0..14_u64 {
        let mut writer = store.begin_write().unwrap();
        let tree = writer.tree("t").unwrap();
        if round % 3 == 2 {
            // Most of the entries go, so that pages are merged.
            let last = model.len();
            let gone: Vec<_> = model.keys().take(last * 9 / 10).cloned().collect();
            for key in gone {
                writer.remove(tree, &key, |_| ()).unwrap();
                model.remove(&key);
            }
        } else {
            for _ in 0..700 {
                let length = match random.below(60) {
                    0 => 100_000 + random.below(100_000) as usize,
                    1..20 => CHUNK,
                    _ => random.below(40) as usize,
                };
                let (key, value) = (key(random.below(4000)), vec![round as u8; length]);
                writer.put(tree, &key, &value, |_| ()).unwrap();
                model.insert(key, value);
            }
        }
        writer.commit(Durability::Immediate).unwrap();
        if round % 4 == 3 {
            drop(store);
            store = open(&path);
        }
        assert_shows(&store.begin_read().unwrap(), "t", &model);
        assert_eq!(pages_changed(&path), unchanged, "round {round}");
    }
    assert_eq!(command(&store, "check_integrity").unwrap(), [[1]]);
}

/// The largest index pages: neighbouring keys differ at their very end only, so that sled cannot shorten them.
#[test]
fn keys_at_the_limit_fit_into_the_pages_of_an_index() {
    let (_folder, path) = place();
    let store = open(&path);
    let unchanged = pages_changed(&path);
    let longest = usize::try_from(Sled.manifest().limits.key_bytes).unwrap();
    let mut expected = Model::new();
    for piece in 0..6_u64 {
        let mut writer = store.begin_write().unwrap();
        let tree = writer.tree("t").unwrap();
        for number in piece * 1000..(piece + 1) * 1000 {
            let key = [&vec![b'k'; longest - 8][..], &number.to_be_bytes()].concat();
            writer.put(tree, &key, b"", |_| ()).unwrap();
            expected.insert(key, Vec::new());
        }
        writer.commit(Durability::None).unwrap();
    }
    assert_shows(&store.begin_read().unwrap(), "t", &expected);
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree("t").unwrap();
    for key in expected.keys().filter(|key| key[longest - 1] % 16 != 0) {
        writer.remove(tree, key, |_| ()).unwrap();
    }
    writer.commit(Durability::Immediate).unwrap();
    expected.retain(|key, _| key[longest - 1] % 16 == 0);
    assert_shows(&store.begin_read().unwrap(), "t", &expected);
    assert_eq!(pages_changed(&path), unchanged);
}

#[test]
fn a_value_of_any_length_is_replaced_by_one_of_any_other_and_leaves_nothing_behind() {
    let (_folder, path) = place();
    let store = open(&path);
    let mut number = 0_u8;
    for before in LENGTHS {
        for after in LENGTHS {
            number = number.wrapping_add(1);
            let (old, new) = (bytes(before, number), bytes(after, !number));
            put_one(&store, "t", b"k", &old, Durability::None);
            let mut writer = store.begin_write().unwrap();
            let tree = writer.tree("t").unwrap();
            assert!(owned(&writer, tree, b"k").as_ref() == Some(&old));
            let previous = writer.put(tree, b"k", &new, <[u8]>::to_vec).unwrap();
            assert!(previous == Some(old), "{before} to {after}");
            assert!(owned(&writer, tree, b"k").as_ref() == Some(&new));
            let mine = scan(&writer, tree, Bounds::ALL, Direction::Backward);
            assert!(mine == [(b"k".to_vec(), new.clone())]);
            writer.commit(Durability::None).unwrap();
            assert!(
                get_one(&store, "t", b"k") == Some(new),
                "{before} to {after}"
            );
        }
    }
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree("t").unwrap();
    let previous = writer.remove(tree, b"k", <[u8]>::to_vec).unwrap();
    assert!(previous == Some(bytes(700_000, !number)));
    writer.commit(Durability::Immediate).unwrap();
    drop(store);
    assert_eq!(chunks(&without_driver(&path)).len(), 0);
}

#[test]
fn large_values_are_shown_after_reopening_and_go_with_their_tree() {
    let (_folder, path) = place();
    let store = open(&path);
    let expected: Model = LENGTHS
        .iter()
        .map(|length| (format!("{length:08}").into_bytes(), bytes(*length, 1)))
        .collect();
    let mut writer = store.begin_write().unwrap();
    for name in ["t", "u"] {
        let tree = writer.tree(name).unwrap();
        for (key, value) in &expected {
            writer.put(tree, key, value, |_| ()).unwrap();
        }
    }
    writer.commit(Durability::Immediate).unwrap();
    drop(store);

    let store = open(&path);
    assert_eq!(command(&store, "tree_names").unwrap(), [b"t", b"u"]);
    assert_shows(&store.begin_read().unwrap(), "t", &expected);
    let before = store.begin_read().unwrap();
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree("t").unwrap();
    assert_shows(&writer, "t", &expected);
    writer.clear(tree).unwrap();
    assert_shows(&writer, "t", &Model::new());
    writer
        .put(tree, b"new", &bytes(100_000, 2), |_| ())
        .unwrap();
    writer.commit(Durability::Immediate).unwrap();
    let after = Model::from([(b"new".to_vec(), bytes(100_000, 2))]);
    assert_shows(&store.begin_read().unwrap(), "t", &after);
    assert_shows(&before, "t", &expected);
    assert_shows(&before, "u", &expected);
    assert_eq!(command(&store, "check_integrity").unwrap(), [[1]]);
    drop(before);
    let mut writer = store.begin_write().unwrap();
    for name in ["t", "u"] {
        let tree = writer.tree(name).unwrap();
        writer.clear(tree).unwrap();
    }
    writer.commit(Durability::Immediate).unwrap();
    drop(store);
    assert_eq!(chunks(&without_driver(&path)).len(), 0);
}

#[test]
fn a_rolled_back_large_value_leaves_nothing() {
    let (_folder, path) = place();
    let store = open(&path);
    put_one(&store, "t", b"k", &bytes(50_000, 1), Durability::Immediate);
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree("t").unwrap();
    writer.put(tree, b"k", &bytes(90_000, 2), |_| ()).unwrap();
    writer.put(tree, b"l", &bytes(90_000, 3), |_| ()).unwrap();
    drop(writer);
    assert!(get_one(&store, "t", b"k") == Some(bytes(50_000, 1)));
    drop(store);
    assert_eq!(chunks(&without_driver(&path)).len(), chunks_of(50_000));
}

/// What a reader sees of two keys that every transaction gives values of one version, of any lengths.
fn version(reader: &impl Read) -> u8 {
    let tree = reader.tree("t").unwrap();
    let mut found = Vec::new();
    for direction in [Direction::Forward, Direction::Backward] {
        let entries = scan(reader, tree, Bounds::ALL, direction);
        assert_eq!(entries.len(), 2);
        found.extend(entries.into_iter().map(|(_, value)| value));
    }
    for key in [b"a", b"b"] {
        found.push(owned(reader, tree, key).unwrap());
    }
    let version = found[0][0];
    for value in found {
        assert!(value == bytes(value.len(), version), "a torn value");
    }
    version
}

fn put_version(store: &SledDatabase, version: u8, random: &mut Random) {
    let mut writer = store.begin_write().unwrap();
    let tree = writer.tree("t").unwrap();
    for key in [b"a", b"b"] {
        let length = match random.below(4) {
            0 => 100,
            1 => CHUNK + 1,
            _ => 200_000,
        };
        writer
            .put(tree, key, &bytes(length, version), |_| ())
            .unwrap();
    }
    writer.commit(Durability::None).unwrap();
}

#[test]
fn readers_see_whole_values_while_they_are_replaced() {
    let (_folder, path) = place();
    let store = open(&path);
    put_version(&store, 0, &mut Random(1));
    let oldest = store.begin_read().unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let (mut last, mut changes) = (0, 0);
                    while !done.load(Ordering::Relaxed) {
                        let reader = store.begin_read().unwrap();
                        let seen = version(&reader);
                        assert_eq!(version(&reader), seen);
                        assert!(seen >= last, "a reader went back");
                        changes += u32::from(seen > last);
                        last = seen;
                    }
                    changes
                })
            })
            .collect();
        let mut random = Random(2);
        for version in 1..=250 {
            put_version(&store, version, &mut random);
        }
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(
                reader.join().unwrap() > 1,
                "the threads ran one after another"
            );
        }
    });
    assert_eq!(version(&oldest), 0);
    assert_eq!(version(&store.begin_read().unwrap()), 250);
}

#[test]
fn damaged_large_values_are_corrupt() {
    let damages: [fn(&sled::Db); 5] = [
        // A chunk is missing, or all of them; one is too short.
        |engine| drop(chunks(engine).pop_max().unwrap()),
        |engine| assert!(engine.drop_tree(b"\0chunks").unwrap()),
        |engine| {
            let (key, value) = chunks(engine).first().unwrap().unwrap();
            chunks(engine).insert(key, &value[1..]).unwrap();
        },
        // The root record is too long; what it says is impossible.
        |engine| {
            let tree = engine.open_tree("t").unwrap();
            tree.insert(b"k", vec![1; CHUNK + 17]).unwrap();
        },
        |engine| {
            let tree = engine.open_tree("t").unwrap();
            tree.insert(b"k", vec![0xFF; CHUNK + 16]).unwrap();
        },
    ];
    for (number, damage) in damages.into_iter().enumerate() {
        let (_folder, path) = place();
        put_one(
            &open(&path),
            "t",
            b"k",
            &bytes(70_000, 1),
            Durability::Immediate,
        );
        let engine = without_driver(&path);
        damage(&engine);
        engine.flush().unwrap();
        close(engine, &path);

        let store = open(&path);
        let corrupt = |error: netabase_core::driver::DriverError| {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{number}: {error:?}");
        };
        let reader = store.begin_read().unwrap();
        let tree = reader.tree("t").unwrap();
        corrupt(reader.get(tree, b"k", |_| ()).unwrap_err());
        for direction in [Direction::Forward, Direction::Backward] {
            let mut cursor = reader.cursor(tree, Bounds::ALL, direction).unwrap();
            corrupt(cursor.advance().unwrap_err());
            assert!(!cursor.advance().unwrap());
        }
        corrupt(command(&store, "check_integrity").unwrap_err());
        let mut writer = store.begin_write().unwrap();
        let tree = writer.tree("t").unwrap();
        corrupt(writer.get(tree, b"k", |_| ()).unwrap_err());
        corrupt(writer.put(tree, b"k", b"", |_| ()).unwrap_err());
        corrupt(writer.remove(tree, b"k", |_| ()).unwrap_err());
        writer.put(tree, b"other", b"1", |_| ()).unwrap();
        writer.commit(Durability::None).unwrap();
        assert_eq!(get_one(&store, "t", b"other").as_deref(), Some(&b"1"[..]));
    }
}

#[test]
fn names_that_sled_has_no_page_for_are_refused() {
    let (_folder, path) = place();
    let store = open(&path);
    let unchanged = pages_changed(&path);
    let mut taken = 0;
    let error = loop {
        let name = format!("{taken}{}", "n".repeat(100_000));
        let mut writer = store.begin_write().unwrap();
        let [new, counted] = ["t", &name].map(|name| writer.tree(name).unwrap());
        writer.put(counted, b"k", b"v", |_| ()).unwrap();
        writer.put(new, b"last", &[taken], |_| ()).unwrap();
        match writer.commit(Durability::Immediate) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error:?}");
    assert_eq!(taken, 10);
    assert_eq!(get_one(&store, "t", b"last"), Some(vec![9]));
    // Nothing but the new name was refused.
    put_one(&store, "t", b"k", &bytes(50_000, 1), Durability::Immediate);
    assert_eq!(pages_changed(&path), unchanged);
    drop(store);
    assert!(get_one(&open(&path), "t", b"k") == Some(bytes(50_000, 1)));
}

/// A page of sled's that cannot be read, and can be read again later.
#[cfg(unix)]
struct UnreadablePage {
    log: std::path::PathBuf,
    good: Vec<u8>,
    damaged: Vec<usize>,
}

#[cfg(unix)]
impl UnreadablePage {
    /// Damages every place in the log that holds one of these values.
    fn new(path: &Path, values: impl Iterator<Item = Vec<u8>>) -> Self {
        let log = path.join("db");
        let good = fs::read(&log).unwrap();
        let values: Vec<_> = values.collect();
        let first = values[0][0];
        let is_one = |at: &usize| values.iter().any(|value| good[*at..].starts_with(value));
        let damaged: Vec<_> = (0..good.len())
            .filter(|at| good[*at] == first)
            .filter(is_one)
            .collect();
        assert!(!damaged.is_empty());
        let page = Self { log, good, damaged };
        page.write(1);
        page
    }

    fn heal(self) {
        self.write(0);
    }

    fn write(&self, difference: u8) {
        use std::os::unix::fs::FileExt;
        let log = fs::File::options().write(true).open(&self.log).unwrap();
        for at in &self.damaged {
            let byte = [self.good[*at] ^ difference];
            log.write_all_at(&byte, *at as u64).unwrap();
        }
    }
}

/// sled gives a commit up where it meets a page that it cannot read, and keeps what it did until then.
#[cfg(unix)]
#[test]
fn a_commit_that_is_cut_off_leaves_no_root_record_without_its_chunks() {
    let value = |number: u32| format!("marker-{number:04}-{}", "v".repeat(100)).into_bytes();
    for removing in [false, true] {
        let (_folder, path) = place();
        let options = [("flush_every_ms", "never")];
        let config = OpenConfig {
            options: &options,
            ..OpenConfig::new(&path)
        };
        let store = Sled.open(&config).unwrap();
        let mut writer = store.begin_write().unwrap();
        let records = writer.tree("records").unwrap();
        for number in 0..200_u32 {
            let (key, value) = (number.to_be_bytes(), value(number));
            writer.put(records, &key, &value, |_| ()).unwrap();
        }
        let large = writer.tree("large").unwrap();
        writer.put(large, b"anchor", b"", |_| ()).unwrap();
        if removing {
            writer.put(large, b"x", &bytes(30_000, 1), |_| ()).unwrap();
        }
        writer.commit(Durability::Immediate).unwrap();
        drop(store);
        // What one opening finds in the log's tail stays in memory.
        for _ in 0..3 {
            drop(Sled.open(&config).unwrap());
        }

        let store = Sled.open(&config).unwrap();
        let mut writer = store.begin_write().unwrap();
        let unreadable = UnreadablePage::new(&path, (60..100).map(value));
        // The trees of a transaction are written in the order in which they were asked for.
        if !removing {
            let large = writer.tree("large").unwrap();
            writer.put(large, b"x", &bytes(30_000, 1), |_| ()).unwrap();
        }
        let records = writer.tree("records").unwrap();
        let readable = |number: &u32| {
            let found = writer.get(records, &number.to_be_bytes(), |_| ());
            matches!(found, Ok(Some(())))
        };
        let first = (100..200_u32).find(readable).unwrap();
        for number in first..first + 40 {
            writer
                .remove(records, &number.to_be_bytes(), |_| ())
                .unwrap();
        }
        if removing {
            let large = writer.tree("large").unwrap();
            writer.remove(large, b"x", |_| ()).unwrap();
        }
        let error = writer.commit(Durability::Immediate).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
        drop(store);
        unreadable.heal();

        let store = Sled.open(&config).unwrap();
        let x = get_one(&store, "large", b"x");
        assert!(x.is_none() || x == Some(bytes(30_000, 1)));
        put_one(
            &store,
            "large",
            b"y",
            &bytes(30_000, 2),
            Durability::Immediate,
        );
        assert!(get_one(&store, "large", b"x") == x);
        let mut writer = store.begin_write().unwrap();
        let large = writer.tree("large").unwrap();
        writer.remove(large, b"x", |_| ()).unwrap();
        writer.commit(Durability::Immediate).unwrap();
        assert!(get_one(&store, "large", b"y") == Some(bytes(30_000, 2)));
    }
}

#[test]
fn a_database_with_other_segments_is_refused_with_advice_and_can_be_emptied() {
    let (_folder, path) = place();
    let foreign = sled::Config::new().path(&path).open().unwrap();
    foreign.insert(b"k", b"v").unwrap();
    foreign.flush().unwrap();
    close(foreign, &path);
    let error = open_error(&OpenConfig::new(&path));
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
    for part in ["data.sled", "524288", "4194304", "export", "import"] {
        assert!(error.message().contains(part), "{error:?}");
    }
    let truncating = OpenConfig {
        truncate: true,
        ..OpenConfig::new(&path)
    };
    let store = Sled.open(&truncating).unwrap();
    put_one(&store, "t", b"k", &bytes(50_000, 1), Durability::Immediate);
    drop(store);
    assert!(get_one(&open(&path), "t", b"k") == Some(bytes(50_000, 1)));
}

/// sled writes the state of its pages to such a file when it opens a database, and takes the last one that it finds.
#[test]
fn a_snapshot_of_pages_that_was_cut_off_is_passed_over() {
    let (_folder, path) = place();
    put_one(&open(&path), "t", b"k", b"v", Durability::Immediate);
    drop(open(&path));
    let whole = fs::read_dir(&path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().contains("snap."))
        .unwrap();
    let contents = fs::read(&whole).unwrap();
    let name = path.join("snap.00000000FFFFFFFF.generating");
    for length in [0, 5, contents.len() / 2] {
        fs::write(&name, &contents[..length]).unwrap();
        assert_eq!(get_one(&open(&path), "t", b"k").as_deref(), Some(&b"v"[..]));
        assert!(!name.exists());
    }
}
