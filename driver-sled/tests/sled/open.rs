//! Opening: what is created, what is refused, and what stays untouched.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use netabase_core::driver::{Database, Driver, Durability, ErrorKind, OpenConfig, Read, Write};
use netabase_driver_sled::Sled;

use crate::{close, command, get_one, open, open_error, place, put_one, without_driver};

/// Every way of opening that could change what is there.
fn every_way(path: &Path) -> [OpenConfig<'_>; 3] {
    let plain = OpenConfig::new(path);
    [
        plain,
        OpenConfig {
            create_if_missing: false,
            ..plain
        },
        OpenConfig {
            truncate: true,
            ..plain
        },
    ]
}

/// Everything below a path, with its bytes; folders have none.
fn below(path: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(below(&path));
            found.insert(path, None);
        } else {
            let bytes = fs::read(&path).unwrap();
            found.insert(path, Some(bytes));
        }
    }
    found
}

fn assert_foreign(path: &Path) {
    let before = below(path);
    for config in every_way(path) {
        let error = open_error(&config);
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{config:?}: {error:?}");
        assert!(error.message().contains("data.sled"), "{error:?}");
        assert!(below(path) == before, "{config:?} changed something");
    }
}

#[test]
fn a_foreign_folder_is_corrupt_and_stays_as_it_is() {
    let contents: [&[(&str, &[u8])]; 7] = [
        &[("letter.txt", b"Dear Ada")],
        &[("db", b"a file that happens to be called so")],
        &[("conf", b"segment_size: 524288\nuse_compression: false\n")],
        &[("conf", b"x")],
        &[("conf", b"[core]\nbare = false\n"), ("db", b"")],
        &[("blobs", b"")],
        &[("db", b""), ("letter.txt", b"")],
    ];
    for files in contents {
        let (_folder, path) = place();
        fs::create_dir(&path).unwrap();
        for (name, bytes) in files {
            fs::write(path.join(name), bytes).unwrap();
        }
        assert_foreign(&path);
    }
}

/// sled opens what it finds under its names: through a link it would empty and delete the files of others.
#[cfg(unix)]
#[test]
fn no_link_in_a_folder_is_followed() {
    use std::os::unix::fs::symlink;

    for is_database in [false, true] {
        for name in ["blobs", "conf", "db", "snap.0000000000000001", "blobs/1"] {
            for target in ["file", "folder", "nothing"] {
                let (folder, path) = place();
                let others = folder.path().join("others");
                fs::create_dir_all(others.join("folder")).unwrap();
                // What sled would take for a log that is blank, and for pages of its own.
                for file in ["file", "folder/1", "folder/9000000000000000000"] {
                    fs::write(others.join(file), [0; 64]).unwrap();
                }
                if is_database {
                    put_one(&open(&path), "t", b"k", b"v", Durability::Immediate);
                }
                let link = path.join(name);
                fs::create_dir_all(link.parent().unwrap()).unwrap();
                let _ = fs::remove_file(&link);
                let _ = fs::remove_dir(&link);
                symlink(others.join(target), &link).unwrap();
                let before = below(&others);
                for config in every_way(&path) {
                    let error = open_error(&config);
                    assert_eq!(error.kind(), ErrorKind::Corrupt, "{config:?}: {error:?}");
                    assert!(error.message().contains("a link"), "{error:?}");
                    assert!(below(&others) == before, "{name} to {target}: {config:?}");
                    assert!(link.is_symlink());
                }
            }
        }
    }
}

/// Whoever opens a pipe waits for another to write to it, and whoever reads a file of a terabyte has no room for it.
#[cfg(unix)]
#[test]
fn what_has_no_end_in_a_folder_is_corrupt() {
    let pipe = |path: &Path| {
        let status = std::process::Command::new("mkfifo").arg(path).status();
        assert!(status.unwrap().success());
    };
    let sparse = |path: &Path, bytes: u64| {
        let file = fs::File::create(path).unwrap();
        file.set_len(bytes).unwrap();
    };
    for name in ["conf", "db", "snap.0000000000000001", "blobs", "blobs/1"] {
        let (_folder, path) = place();
        put_one(&open(&path), "t", b"k", b"v", Durability::Immediate);
        let file = path.join(name);
        let _ = fs::remove_file(&file);
        let _ = fs::remove_dir(&file);
        pipe(&file);
        for config in every_way(&path) {
            let error = open_error(&config);
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{config:?}: {error:?}");
        }
    }
    for (name, bytes) in [
        ("conf", 1 << 40),
        ("snap.0000000000000001", 1 << 40),
        ("db", 1 << 43),
    ] {
        let (_folder, path) = place();
        put_one(&open(&path), "t", b"k", b"v", Durability::Immediate);
        sparse(&path.join(name), bytes);
        for config in every_way(&path) {
            let error = open_error(&config);
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{config:?}: {error:?}");
        }
    }
}

/// A log is looked at segment by segment, which is for ever if they are short enough.
#[test]
fn segments_that_sled_does_not_make_are_corrupt() {
    let (_folder, path) = place();
    drop(open(&path));
    let log = fs::File::create(path.join("db")).unwrap();
    log.set_len(1 << 40).unwrap();
    for length in [
        "0",
        "1",
        "128",
        "300",
        "33554432",
        "-1",
        "99999999999999999999",
    ] {
        let text = format!("segment_size: {length}\nuse_compression: false\nversion: 0.34\n");
        let mut bytes = text.into_bytes();
        let checksum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        fs::write(path.join("conf"), &bytes).unwrap();
        for config in every_way(&path) {
            let error = open_error(&config);
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{length}: {error:?}");
            assert!(error.message().contains("`conf`"), "{error:?}");
        }
    }
}

#[test]
fn a_file_in_place_of_the_folder_is_refused_and_stays_as_it_is() {
    for bytes in [&b""[..], b"Dear Ada"] {
        let (_folder, path) = place();
        fs::write(&path, bytes).unwrap();
        for config in every_way(&path) {
            let error = open_error(&config);
            assert_eq!(
                error.kind(),
                ErrorKind::InvalidInput,
                "{config:?}: {error:?}"
            );
            assert!(error.message().contains("is a file"), "{error:?}");
            assert_eq!(fs::read(&path).unwrap(), bytes, "{config:?}");
        }
        let below_a_file = path.join("data.sled");
        let error = open_error(&OpenConfig::new(&below_a_file));
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn a_field_without_a_meaning_for_sled_is_refused_before_anything_is_touched() {
    let (_folder, path) = place();
    let plain = OpenConfig::new(&path);
    let refused = [
        OpenConfig {
            cache_bytes: Some(1),
            ..plain
        },
        OpenConfig {
            options: &[("compression", "on")],
            ..plain
        },
        OpenConfig {
            options: &[("mode", "fast")],
            truncate: true,
            ..plain
        },
    ];
    put_one(&open(&path), "t", b"k", b"v", Durability::Immediate);
    let before = below(&path);
    for config in refused {
        let error = open_error(&config);
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error:?}");
        assert!(below(&path) == before);
    }
    let accepted = OpenConfig {
        cache_bytes: Some(1 << 20),
        options: &[("flush_every_ms", "never"), ("mode", "high_throughput")],
        create_if_missing: false,
        ..plain
    };
    assert_eq!(
        get_one(&Sled.open(&accepted).unwrap(), "t", b"k").as_deref(),
        Some(&b"v"[..])
    );
}

#[test]
fn a_log_that_sled_did_not_write_is_corrupt_and_stays_as_it_is() {
    let (_folder, path) = place();
    put_one(&open(&path), "t", b"k", b"v", Durability::Immediate);
    let log = path.join("db");
    let length = fs::metadata(&log).unwrap().len();
    for foreign in [vec![b'x'; length as usize], b"name,age\n".to_vec()] {
        fs::write(&log, foreign).unwrap();
        assert_foreign(&path);
    }
}

#[test]
fn parameters_that_sled_did_not_write_are_corrupt_and_stay_as_they_are() {
    let (_folder, path) = place();
    put_one(&open(&path), "t", b"k", b"v", Durability::Immediate);
    let conf = path.join("conf");
    let mut bytes = fs::read(&conf).unwrap();
    bytes[14] ^= 1;
    fs::write(&conf, &bytes).unwrap();
    assert_foreign(&path);
    bytes[14] ^= 1;
    fs::write(&conf, &bytes).unwrap();
    assert_eq!(get_one(&open(&path), "t", b"k").as_deref(), Some(&b"v"[..]));
}

#[test]
fn an_empty_folder_and_a_creation_cut_off_count_as_missing() {
    let cuts: [fn(&Path); 4] = [
        |_| (),
        |path| fs::create_dir(path.join("blobs")).unwrap(),
        |path| fs::write(path.join("conf"), b"").unwrap(),
        |path| {
            fs::create_dir(path.join("blobs")).unwrap();
            fs::write(path.join("conf"), b"segment_").unwrap();
            fs::write(path.join("db"), b"").unwrap();
        },
    ];
    for cut in cuts {
        let (_folder, path) = place();
        fs::create_dir(&path).unwrap();
        cut(&path);
        let existing = OpenConfig {
            create_if_missing: false,
            ..OpenConfig::new(&path)
        };
        assert_eq!(open_error(&existing).kind(), ErrorKind::NotFound);
        put_one(&open(&path), "t", b"k", b"v", Durability::Immediate);
        assert_eq!(get_one(&open(&path), "t", b"k").as_deref(), Some(&b"v"[..]));
    }
}

/// sled writes its parameters in two pieces, and goes by what it finds of them.
#[test]
fn a_creation_cut_off_at_any_byte_of_its_parameters_counts_as_missing() {
    let (_folder, whole) = place();
    drop(open(&whole));
    let parameters = fs::read(whole.join("conf")).unwrap();
    for length in 0..parameters.len() {
        let (_folder, path) = place();
        fs::create_dir_all(path.join("blobs")).unwrap();
        fs::write(path.join("conf"), &parameters[..length]).unwrap();
        let existing = OpenConfig {
            create_if_missing: false,
            ..OpenConfig::new(&path)
        };
        assert_eq!(
            open_error(&existing).kind(),
            ErrorKind::NotFound,
            "{length}"
        );
        put_one(&open(&path), "t", b"k", b"v", Durability::Immediate);
        assert_eq!(get_one(&open(&path), "t", b"k").as_deref(), Some(&b"v"[..]));
        assert_eq!(fs::read(path.join("conf")).unwrap(), parameters, "{length}");
    }
}

/// What a crash leaves in the middle of emptying a database: a log without a byte, and the parameters of another program.
#[test]
fn an_emptying_cut_off_before_its_parameters_were_removed_counts_as_missing() {
    for keep_blobs in [false, true] {
        let (_folder, path) = place();
        let foreign = sled::Config::new().path(&path).open().unwrap();
        foreign.insert(b"k", b"v").unwrap();
        foreign.flush().unwrap();
        close(foreign, &path);
        for entry in fs::read_dir(&path).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name().as_encoded_bytes().starts_with(b"snap.") {
                fs::remove_file(entry.path()).unwrap();
            }
        }
        if keep_blobs {
            fs::write(path.join("blobs").join("5"), b"of a page that is gone").unwrap();
        }
        fs::write(path.join("db"), b"").unwrap();
        assert!(path.join("conf").exists());

        let existing = OpenConfig {
            create_if_missing: false,
            ..OpenConfig::new(&path)
        };
        assert_eq!(open_error(&existing).kind(), ErrorKind::NotFound);
        let store = open(&path);
        assert_eq!(command(&store, "was_recovered").unwrap(), [[0]]);
        put_one(&store, "t", b"k", b"v", Durability::Immediate);
        drop(store);
        assert_eq!(fs::read_dir(path.join("blobs")).unwrap().count(), 0);
        assert_eq!(get_one(&open(&path), "t", b"k").as_deref(), Some(&b"v"[..]));
    }
}

#[test]
fn truncate_empties_every_tree_and_gives_the_space_back() {
    let (_folder, path) = place();
    let store = open(&path);
    let mut writer = store.begin_write().unwrap();
    for name in ["t", "u"] {
        let tree = writer.tree(name).unwrap();
        for key in 0..100_u32 {
            let value = vec![1; 20_000];
            writer
                .put(tree, &key.to_be_bytes(), &value, |_| ())
                .unwrap();
        }
    }
    writer.commit(Durability::Immediate).unwrap();
    drop(store);
    let size =
        |path: &Path| -> usize { below(path).into_values().flatten().map(|f| f.len()).sum() };
    assert!(size(&path) > 4_000_000);

    let truncating = OpenConfig {
        truncate: true,
        ..OpenConfig::new(&path)
    };
    let store = Sled.open(&truncating).unwrap();
    assert!(command(&store, "tree_names").unwrap().is_empty());
    assert_eq!(get_one(&store, "t", &[0; 4]), None);
    put_one(&store, "t", b"new", b"", Durability::None);
    drop(store);
    assert!(size(&path) < 2_000_000, "{}", size(&path));
    let store = open(&path);
    assert_eq!(command(&store, "tree_names").unwrap(), [b"t"]);
    assert_eq!(get_one(&store, "t", b"new").as_deref(), Some(&b""[..]));
}

/// Nobody waits for the holder: it may keep the database for good.
#[test]
fn a_locked_database_is_refused_at_once() {
    let (_folder, path) = place();
    let _store = open(&path);
    let started = Instant::now();
    assert_eq!(
        open_error(&OpenConfig::new(&path)).kind(),
        ErrorKind::Locked
    );
    let waited = started.elapsed();
    assert!(waited < Duration::from_secs(4), "{waited:?}");
}

#[test]
fn a_database_opens_again_the_moment_it_is_closed() {
    let (_folder, path) = place();
    for round in 0..30_u32 {
        let store = Arc::new(Mutex::new(open(&path)));
        let writing: Vec<_> = (0..3)
            .map(|number: u32| {
                let store = Arc::clone(&store);
                thread::spawn(move || {
                    let key = (round * 10 + number).to_be_bytes();
                    put_one(
                        &store.lock().unwrap(),
                        "t",
                        &key,
                        &[1; 5000],
                        Durability::None,
                    );
                })
            })
            .collect();
        for thread in writing {
            thread.join().unwrap();
        }
    }
    let store = open(&path);
    let reader = store.begin_read().unwrap();
    let tree = reader.tree("t").unwrap();
    assert_eq!(reader.len(tree).unwrap(), 90);
}

#[test]
fn what_sled_wrote_in_segments_of_the_same_length_is_read_and_the_other_way_round() {
    let (_folder, path) = place();
    let plain = without_driver(&path);
    plain.insert(b"in the default tree", b"1").unwrap();
    plain.open_tree("t").unwrap().insert(b"k", b"v").unwrap();
    close(plain, &path);

    let store = open(&path);
    assert_eq!(get_one(&store, "t", b"k").as_deref(), Some(&b"v"[..]));
    assert_eq!(command(&store, "tree_names").unwrap(), [b"t"]);
    put_one(&store, "t", b"l", b"w", Durability::None);
    drop(store);

    let plain = without_driver(&path);
    let tree = plain.open_tree("t").unwrap();
    assert_eq!(tree.get(b"l").unwrap().as_deref(), Some(&b"w"[..]));
    assert_eq!(
        plain.get(b"in the default tree").unwrap().as_deref(),
        Some(&b"1"[..])
    );
}
