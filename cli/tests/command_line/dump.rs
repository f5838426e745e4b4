//! `dump` and `load`: there and back, and files that are damaged.

use crate::program::{DRIVERS, fill, netabase, titles, url};

#[test]
fn a_dump_of_any_driver_loads_into_any_other() {
    let folder = tempfile::tempdir().unwrap();
    for source in DRIVERS {
        let part = tempfile::tempdir().unwrap();
        let from = fill(source, part.path(), 500);
        let file = folder.path().join(format!("{source}.dump"));
        let file = file.to_str().unwrap();
        let run = netabase(&["dump", &from, file]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        assert_eq!(netabase(&["dump", &from, file]).status, 2);
        for target in DRIVERS {
            let to = url(target, part.path(), &format!("to-{target}"));
            let run = netabase(&["load", file, &to]);
            assert_eq!(run.status, 0, "{source} to {target}: {}", run.stderr);
            assert_eq!(titles(&to), titles(&from));
        }
    }
}

#[test]
fn a_damaged_file_takes_nothing_from_a_database_that_it_was_to_replace() {
    let folder = tempfile::tempdir().unwrap();
    let from = fill("redb", folder.path(), 3);
    let file = folder.path().join("dump");
    let path = file.to_str().unwrap();
    assert_eq!(netabase(&["dump", &from, path]).status, 0);
    let dump = std::fs::read(&file).unwrap();
    let before = netabase(&["scan", &from, "Book"]);
    for place in (0..dump.len()).step_by(97).chain([dump.len() - 1]) {
        let mut damaged = dump.clone();
        damaged[place] ^= 0x55;
        std::fs::write(&file, damaged).unwrap();
        let run = netabase(&["load", path, &from, "--overwrite"]);
        assert_eq!(run.status, 3, "byte {place}: {}", run.stderr);
    }
    std::fs::write(&file, &dump[..dump.len() / 2]).unwrap();
    let run = netabase(&["load", path, &from, "--overwrite"]);
    assert!(run.stderr.contains("ends early"), "{}", run.stderr);
    let after = netabase(&["scan", &from, "Book"]);
    assert_eq!((after.status, after.stdout), (0, before.stdout));
}

#[test]
fn a_dump_replaces_nothing_but_a_dump() {
    for driver in DRIVERS {
        let folder = tempfile::tempdir().unwrap();
        let from = fill(driver, folder.path(), 3);
        let source = folder.path().join(from.split_once(':').unwrap().1);
        let mut files = vec![source.clone()];
        if source.is_dir() {
            let found = std::fs::read_dir(&source).unwrap();
            files.extend(found.map(|file| file.unwrap().path()));
            files.push(source.join("new"));
        }
        for file in files {
            let run = netabase(&["dump", &from, file.to_str().unwrap(), "--overwrite"]);
            assert_eq!(run.status, 2, "{}: {}", file.display(), run.stderr);
        }
        assert_eq!(netabase(&["verify", &from]).status, 0, "{driver}");
        #[cfg(unix)]
        {
            let (kept, link) = (folder.path().join("kept"), folder.path().join("link"));
            std::fs::write(&kept, "kept").unwrap();
            std::os::unix::fs::symlink(&kept, &link).unwrap();
            let run = netabase(&["dump", &from, link.to_str().unwrap(), "--overwrite"]);
            assert!(run.status == 2 && link.is_symlink(), "{}", run.stderr);
            assert_eq!(std::fs::read(&kept).unwrap(), b"kept");
        }
        let before = std::fs::read_dir(folder.path()).unwrap().count();
        let file = folder.path().join("dump");
        let run = netabase(&["dump", &from, file.to_str().unwrap()]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            before + 1
        );
    }
}

#[test]
fn a_damaged_file_leaves_an_incomplete_database() {
    let folder = tempfile::tempdir().unwrap();
    let from = fill("redb", folder.path(), 3);
    let file = folder.path().join("dump");
    let path = file.to_str().unwrap();
    assert_eq!(netabase(&["dump", &from, path]).status, 0);
    let dump = std::fs::read(&file).unwrap();
    for place in (0..dump.len()).step_by(37).chain([dump.len() - 1]) {
        let to = url("redb", folder.path(), &format!("to{place}"));
        let mut damaged = dump.clone();
        damaged[place] ^= 0x55;
        std::fs::write(&file, damaged).unwrap();
        let run = netabase(&["load", path, &to]);
        assert_eq!(run.status, 3, "byte {place}: {}", run.stderr);
        if place >= 12 {
            let run = netabase(&["scan", &to, "Book"]);
            assert!(
                run.status != 0 && !run.stderr.contains("panic"),
                "byte {place}: {}",
                run.stderr
            );
        }
    }
    let to = url("redb", folder.path(), "to");
    std::fs::write(&file, &dump[..dump.len() / 2]).unwrap();
    let run = netabase(&["load", path, &to]);
    assert!(
        run.status == 3 && run.stderr.contains("ends early"),
        "{}",
        run.stderr
    );
    std::fs::write(&file, "something else entirely").unwrap();
    let run = netabase(&["load", path, &to, "--overwrite"]);
    assert!(run.stderr.contains("not a dump"), "{}", run.stderr);
}

#[test]
fn what_was_dumped_and_loaded_is_told_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let from = fill("redb", folder.path(), 3);
    let file = folder.path().join("dump");
    let path = file.to_str().unwrap();
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let run = netabase(&["dump", &from, path, "--json"]);
    let told = json(&run.stdout);
    assert_eq!(
        (&told["entries"], &told["trees"], &told["file"]),
        (&10.into(), &4.into(), &path.into()),
        "{told}"
    );
    let output = crate::program::command()
        .args(["dump", &from, "-", "--json"])
        .output()
        .unwrap();
    assert_eq!(output.stdout, std::fs::read(&file).unwrap());
    let told = json(std::str::from_utf8(&output.stderr).unwrap());
    assert_eq!(
        (&told["entries"], &told["file"]),
        (&10.into(), &serde_json::Value::Null)
    );
    let run = netabase(&["load", path, &url("sled", folder.path(), "to"), "--json"]);
    let told = json(&run.stdout);
    assert_eq!(told["entries"], 9);
    assert_eq!(told["trees"][0]["name"], "Book");
}

/// What would be said to be read back and verified has to be a database that can be opened.
#[test]
fn a_dump_of_another_format_fills_no_database() {
    use std::io::Write as _;
    use std::process::Stdio;

    use netabase_store::driver::EntryWidths;
    use netabase_store::driver::schema::{INCOMPLETE_KEY, SCHEMA_KEY, SCHEMA_TREE};
    use netabase_store::dump::DumpWriter;

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dump");
    let path = file.to_str().unwrap();
    for (number, (key, value)) in [
        (SCHEMA_KEY, &b"netabase 99\n"[..]),
        (SCHEMA_KEY, b"damaged"),
        (b"format", b"\x01\0\0\0"),
        (INCOMPLETE_KEY, b"a load"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut dump = DumpWriter::new(Vec::new()).unwrap();
        dump.tree("1", EntryWidths::default()).unwrap();
        dump.entry(b"key", b"value").unwrap();
        dump.tree(SCHEMA_TREE, EntryWidths::default()).unwrap();
        dump.entry(key, value).unwrap();
        let dump = dump.finish().unwrap().0;
        std::fs::write(&file, &dump).unwrap();
        let to = url("redb", folder.path(), &format!("to{number}"));
        let run = netabase(&["load", path, &to]);
        assert_eq!((run.status, &*run.stdout), (3, ""), "{}", run.stderr);
        let run = netabase(&["scan", &to, "1"]);
        assert!(run.stderr.contains("incomplete"), "{}", run.stderr);

        // Of a file that much is found out before what is there goes.
        let part = tempfile::tempdir().unwrap();
        let full = fill("redb", part.path(), 3);
        let before = titles(&full);
        let run = netabase(&["load", path, &full, "--overwrite"]);
        assert_eq!(run.status, 3, "{}", run.stderr);
        assert!(!run.stderr.contains("is gone"), "{}", run.stderr);
        assert_eq!(titles(&full), before);
        let mut program = crate::program::command()
            .args(["load", "-", &full, "--overwrite"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        program.stdin.take().unwrap().write_all(&dump).unwrap();
        let output = program.wait_with_output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{message}");
        assert!(message.contains("is gone"), "{message}");
    }
}

#[test]
fn a_dump_of_many_empty_trees_is_loaded() {
    use netabase_store::driver::EntryWidths;
    use netabase_store::dump::DumpWriter;

    const TREES: u32 = 20_000;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dump");
    let mut dump = DumpWriter::new(Vec::new()).unwrap();
    for tree in 0..TREES {
        dump.tree(&format!("{tree:0200}"), EntryWidths::default())
            .unwrap();
    }
    std::fs::write(&file, dump.finish().unwrap().0).unwrap();
    for driver in DRIVERS {
        let to = url(driver, folder.path(), driver);
        let run = netabase(&["load", file.to_str().unwrap(), &to, "--json"]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        let told: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(told["trees"].as_array().unwrap().len(), TREES as usize);
    }
}

#[test]
fn a_dump_is_never_written_over_its_source_nor_loaded_into_itself() {
    let folder = tempfile::tempdir().unwrap();
    let from = fill("redb", folder.path(), 3);
    let database = folder.path().join("source");
    let before = std::fs::read(&database).unwrap();
    let refused = |arguments: &[&str], hint: &str| {
        let run = netabase(arguments);
        assert_eq!(run.status, 2, "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(hint), "{arguments:?}: {}", run.stderr);
    };
    refused(
        &["dump", &from, database.to_str().unwrap(), "--overwrite"],
        "written over",
    );
    let other = folder.path().join("other name");
    std::fs::hard_link(&database, &other).unwrap();
    refused(
        &["dump", &from, other.to_str().unwrap(), "--overwrite"],
        "written over",
    );
    assert_eq!(std::fs::read(&database).unwrap(), before);
    let dump = folder.path().join("dump");
    let dump = dump.to_str().unwrap();
    assert_eq!(netabase(&["dump", &from, dump]).status, 0);
    refused(
        &["load", dump, &format!("redb:{dump}"), "--overwrite"],
        "both the file",
    );
}

#[test]
fn a_dump_whose_trees_lie_about_their_widths_fails_in_order() {
    use netabase_store::driver::EntryWidths;
    use netabase_store::dump::DumpWriter;

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dump");
    let path = file.to_str().unwrap();
    let write = |width: u32, key: &[u8]| {
        let mut dump = DumpWriter::new(Vec::new()).unwrap();
        let widths = EntryWidths {
            key: Some(width),
            value: Some(2),
        };
        dump.tree("T", widths).unwrap();
        dump.entry(key, b"ab").unwrap();
        std::fs::write(&file, dump.finish().unwrap().0).unwrap();
    };
    for driver in DRIVERS {
        let to = url(driver, folder.path(), &format!("to-{driver}"));
        write(4, b"12345");
        let run = netabase(&["load", path, &to]);
        assert!(matches!(run.status, 0 | 2 | 3), "{driver}: {}", run.stderr);
        assert!(!run.stderr.contains("panic"), "{driver}: {}", run.stderr);
        // The same tree, once of this form and once of that.
        for (width, key) in [(4, &b"1234"[..]), (8, b"12345678"), (5, b"12345")] {
            write(width, key);
            let run = netabase(&["load", path, &to, "--overwrite"]);
            assert_eq!(run.status, 0, "{driver} {width}: {}", run.stderr);
            assert!(
                netabase(&["scan", &to, "T"]).stdout.contains("0x6162"),
                "{driver}"
            );
        }
    }
}
