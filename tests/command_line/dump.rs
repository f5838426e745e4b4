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
fn a_damaged_file_leaves_an_incomplete_database() {
    let folder = tempfile::tempdir().unwrap();
    let from = fill("redb", folder.path(), 3);
    let file = folder.path().join("dump");
    let path = file.to_str().unwrap();
    assert_eq!(netabase(&["dump", &from, path]).status, 0);
    let dump = std::fs::read(&file).unwrap();
    let to = url("redb", folder.path(), "to");
    for place in (0..dump.len()).step_by(37).chain([dump.len() - 1]) {
        let mut damaged = dump.clone();
        damaged[place] ^= 0x55;
        std::fs::write(&file, damaged).unwrap();
        let run = netabase(&["load", path, &to, "--overwrite"]);
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
    std::fs::write(&file, &dump[..dump.len() / 2]).unwrap();
    let run = netabase(&["load", path, &to, "--overwrite"]);
    assert!(
        run.status == 3 && run.stderr.contains("ends early"),
        "{}",
        run.stderr
    );
    std::fs::write(&file, "something else entirely").unwrap();
    let run = netabase(&["load", path, &to, "--overwrite"]);
    assert!(run.stderr.contains("no dump"), "{}", run.stderr);
}
