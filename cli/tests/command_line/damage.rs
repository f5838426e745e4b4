//! Databases that were damaged, or not closed cleanly.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use netabase_store::driver::Durability;
use netabase_store::{NetabaseError, NetabaseStore};

use crate::program::library::{Book, BookYearSecondaryKey, Library};
use crate::program::{DRIVERS, fill, netabase, url};

/// Every file at or below a path, with its bytes.
fn files(path: &Path) -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
    if path.is_file() {
        return Ok(vec![(path.to_owned(), fs::read(path)?)]);
    }
    let mut all = Vec::new();
    for entry in fs::read_dir(path)? {
        all.extend(files(&entry?.path())?);
    }
    all.sort();
    Ok(all)
}

fn write_at(from: &Path, to: &Path, files: &[(PathBuf, Vec<u8>)]) {
    for (path, bytes) in files {
        let path = match path.strip_prefix(from) {
            Ok(inside) if !inside.as_os_str().is_empty() => to.join(inside),
            _ => to.to_owned(),
        };
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

#[test]
fn what_only_reads_changes_not_a_byte_of_a_database_that_was_not_closed() {
    for driver in DRIVERS {
        let folder = tempfile::tempdir().unwrap();
        let open = url(driver, folder.path(), "open");
        let store = NetabaseStore::<Library, _>::connect(&open).unwrap();
        let writer = store.write().unwrap();
        for id in 0..20 {
            let title = format!("title {id}");
            let book = Book { id, title, year: 7 };
            writer.open_tree::<Book>().put(book).unwrap();
        }
        writer.commit_with(Durability::Immediate).unwrap();
        // As it would lie there if the process had ended here.
        let (from, to) = (folder.path().join("open"), folder.path().join("left"));
        let before = files(&from).unwrap();
        write_at(&from, &to, &before);
        drop(store);
        let before = files(&to).unwrap();
        let left = url(driver, folder.path(), "left");
        let copy = url(driver, folder.path(), "copy");
        let dump = folder.path().join("dump").display().to_string();
        for arguments in [
            &["inspect", &left][..],
            &["scan", &left, "Book"],
            &["get", &left, "Book", "3"],
            &["dump", &left, &dump],
            &["verify", &left],
            &["copy", &left, &copy],
            &["salvage", &left, &copy, "--overwrite"],
        ] {
            let run = netabase(arguments);
            assert_eq!(run.status, 0, "{driver} {arguments:?}: {}", run.stderr);
            assert!(
                files(&to).unwrap() == before,
                "{driver}: {arguments:?} changed the database"
            );
            let says = run.stderr.contains("temporary copy") && run.stderr.contains("bytes");
            assert_eq!(says, *driver == "sled", "{driver}: {}", run.stderr);
        }
    }
}

/// The titles of all books, by their keys and by their years.
fn read(url: &str) -> Result<[Vec<String>; 2], NetabaseError> {
    let store = NetabaseStore::<Library, _>::connect(url)?;
    let reader = store.read();
    let books = reader.open_tree::<Book>();
    let by_key = books.iter()?.map(|book| book.map(|(_, book)| book.title));
    let by_key = by_key.collect::<Result<_, _>>()?;
    let by_year = books.range_by::<BookYearSecondaryKey>(..)?;
    let by_year = by_year.map(|book| book.map(|(_, book)| book.title));
    Ok([by_key, by_year.collect::<Result<_, _>>()?])
}

/// 1 to 15 bits flip, at places that were written to.
fn flip(files: &mut [(PathBuf, Vec<u8>)], random: &mut fastrand::Rng) {
    for _ in 0..random.usize(1..=15) {
        for _ in 0..1000 {
            let (_, bytes) = &mut files[random.usize(..files.len())];
            if bytes.is_empty() {
                continue;
            }
            let place = random.usize(..bytes.len());
            let around = place.saturating_sub(16)..(place + 16).min(bytes.len());
            if bytes[around].iter().any(|byte| *byte != 0) {
                bytes[place] ^= 1 << random.u32(..8);
                break;
            }
        }
    }
}

/// What `verify` calls sound reads as it was written, by the records and by an index.
#[test]
fn verify_finds_every_flip_that_changes_what_is_read() {
    let mut random = fastrand::Rng::with_seed(0x5EED);
    for driver in DRIVERS {
        let folder = tempfile::tempdir().unwrap();
        let source = fill(driver, folder.path(), 60);
        let sound = read(&source).unwrap();
        let from = folder.path().join("source");
        let whole = files(&from).unwrap();
        let mut found = 0;
        for round in 0..40 {
            let mut flipped = whole.clone();
            flip(&mut flipped, &mut random);
            let name = round.to_string();
            write_at(&from, &folder.path().join(&name), &flipped);
            let url = url(driver, folder.path(), &name);
            let run = netabase(&["verify", &url]);
            if run.status == 0 {
                let read = catch_unwind(AssertUnwindSafe(|| read(&url)));
                let is_sound = matches!(&read, Ok(Ok(read)) if *read == sound);
                assert!(is_sound, "{driver} round {round}: {}", run.stdout);
            } else {
                assert!(
                    [1, 3].contains(&run.status),
                    "{driver} round {round}: {} {}",
                    run.status,
                    run.stderr
                );
                found += 1;
            }
        }
        assert!(found > 10, "{driver}: {found} of 40 were found");
    }
}
