//! The configuration: every field is honoured or refused, and a foreign file stays as it is.

use std::fs;
use std::path::{Path, PathBuf};

use netabase_core::driver::{Capabilities, Driver, ErrorKind, OpenConfig, Result};

use super::{assert_refused, commit_entries, committed, owned};
use crate::case::{Case, CaseResult, Requirement, case};
use crate::fixture::Fixture;

const PERSISTENT: Requirement = Requirement::Declares(Capabilities::PERSISTENT);
const READ_ONLY: Requirement = Requirement::Declares(Capabilities::READ_ONLY);

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(a_missing_database_is_created_only_when_asked),
        case!(
            an_existing_database_opens_whatever_create_if_missing_says,
            PERSISTENT
        ),
        case!(opening_keeps_what_is_there, PERSISTENT),
        case!(truncate_removes_what_is_there, PERSISTENT),
        case!(truncate_of_a_missing_database_creates_it),
        case!(truncate_does_not_create_what_must_exist),
        case!(read_only_reads_and_refuses_writes, PERSISTENT, READ_ONLY),
        case!(read_only_changes_no_byte, PERSISTENT, READ_ONLY),
        case!(read_only_creates_nothing, PERSISTENT, READ_ONLY),
        case!(
            read_only_is_refused_where_it_is_not_declared,
            Requirement::Lacks(Capabilities::READ_ONLY)
        ),
        case!(read_only_and_truncate_exclude_each_other),
        case!(an_unknown_option_is_refused),
        case!(a_cache_size_is_honoured_or_refused),
        case!(a_url_of_another_engine_is_refused),
        case!(
            a_path_is_refused_where_nothing_is_kept,
            Requirement::Lacks(Capabilities::PERSISTENT)
        ),
        case!(
            a_foreign_file_is_refused_and_stays_as_it_is,
            PERSISTENT,
            Requirement::Files
        ),
        case!(
            a_folder_of_somebodys_files_is_refused_and_stays_as_it_is,
            PERSISTENT,
            Requirement::Files
        ),
        case!(
            a_path_in_no_folder_is_an_error,
            PERSISTENT,
            Requirement::Files
        ),
        case!(a_device_is_a_wrong_path, PERSISTENT, Requirement::Files),
        case!(
            a_separator_at_the_end_is_for_folders,
            PERSISTENT,
            Requirement::Files
        ),
    ]
}

fn a_missing_database_is_created_only_when_asked<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let existing = OpenConfig {
        create_if_missing: false,
        ..fixture.config()
    };
    assert_refused(fixture.open_with(&existing).map(drop), ErrorKind::NotFound);
    assert!(
        fixture.path().as_os_str().is_empty() || !fixture.path().exists(),
        "a refused opening left something"
    );
    drop(fixture.open()?);
    Ok(())
}

fn an_existing_database_opens_whatever_create_if_missing_says<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    commit_entries(&fixture.open()?, "t", &[(b"k", b"v")])?;
    for create_if_missing in [true, false] {
        let store = fixture.open_with(&OpenConfig {
            create_if_missing,
            ..fixture.config()
        })?;
        assert_eq!(committed(&store, "t")?, owned(&[(b"k", b"v")]));
    }
    Ok(())
}

fn opening_keeps_what_is_there<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    commit_entries(&fixture.open()?, "t", &[(b"k", b"v")])?;
    let config = fixture.config();
    assert!(config.create_if_missing && !config.truncate);
    assert_eq!(committed(&fixture.open()?, "t")?, owned(&[(b"k", b"v")]));
    Ok(())
}

fn truncate_removes_what_is_there<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    for create_if_missing in [true, false] {
        let store = fixture.open()?;
        commit_entries(&store, "t", &[(b"k", b"v")])?;
        commit_entries(&store, "u", &[(b"k", b"v")])?;
        drop(store);
        let truncating = OpenConfig {
            truncate: true,
            create_if_missing,
            ..fixture.config()
        };
        let store = fixture.open_with(&truncating)?;
        assert_eq!(committed(&store, "t")?, []);
        assert_eq!(committed(&store, "u")?, []);
        commit_entries(&store, "t", &[(b"new", b"")])?;
        drop(store);
        assert_eq!(committed(&fixture.open()?, "t")?, owned(&[(b"new", b"")]));
    }
    Ok(())
}

fn truncate_of_a_missing_database_creates_it<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open_with(&OpenConfig {
        truncate: true,
        ..fixture.config()
    })?;
    commit_entries(&store, "t", &[(b"k", b"v")])?;
    assert_eq!(committed(&store, "t")?, owned(&[(b"k", b"v")]));
    Ok(())
}

fn truncate_does_not_create_what_must_exist<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let config = OpenConfig {
        truncate: true,
        create_if_missing: false,
        ..fixture.config()
    };
    assert_refused(fixture.open_with(&config).map(drop), ErrorKind::NotFound);
    Ok(())
}

pub(super) fn read_only<'a, D: Driver>(fixture: &'a Fixture<D>) -> OpenConfig<'a> {
    OpenConfig {
        read_only: true,
        ..fixture.config()
    }
}

fn read_only_reads_and_refuses_writes<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    commit_entries(&fixture.open()?, "t", &[(b"k", b"v")])?;
    let store = fixture.open_with(&read_only(fixture))?;
    assert!(store.is_read_only());
    assert_eq!(committed(&store, "t")?, owned(&[(b"k", b"v")]));
    assert_eq!(committed(&store, "never written to")?, []);
    assert_refused(store.begin_write().map(drop), ErrorKind::ReadOnly);
    drop(store);
    commit_entries(&fixture.open()?, "t", &[(b"l", b"w")])?;
    Ok(())
}

/// Every file at or below a path, with its bytes.
pub(super) fn bytes_below(path: &Path) -> std::io::Result<Vec<(String, Vec<u8>)>> {
    if !path.is_dir() {
        return Ok(vec![(path.display().to_string(), fs::read(path)?)]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        files.extend(bytes_below(&entry?.path())?);
    }
    files.sort();
    Ok(files)
}

fn read_only_changes_no_byte<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    commit_entries(&fixture.open()?, "t", &[(b"k", &[7; 10_000])])?;
    let before = bytes_below(fixture.path())?;
    let store = fixture.open_with(&read_only(fixture))?;
    assert_eq!(committed(&store, "t")?.len(), 1);
    drop(store);
    assert!(
        bytes_below(fixture.path())? == before,
        "reading changed the database"
    );
    Ok(())
}

fn read_only_creates_nothing<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let opened = fixture.open_with(&read_only(fixture)).map(drop);
    assert_refused(opened, ErrorKind::NotFound);
    assert!(!fixture.path().exists());
    Ok(())
}

fn read_only_is_refused_where_it_is_not_declared<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    if fixture.declares(Capabilities::PERSISTENT) {
        drop(fixture.open()?);
    }
    let opened = fixture.open_with(&read_only(fixture)).map(drop);
    assert_refused(opened, ErrorKind::Unsupported);
    Ok(())
}

fn read_only_and_truncate_exclude_each_other<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let config = OpenConfig {
        truncate: true,
        ..read_only(fixture)
    };
    assert_refused(
        fixture.open_with(&config).map(drop),
        ErrorKind::InvalidInput,
    );
    Ok(())
}

fn an_unknown_option_is_refused<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let config = OpenConfig {
        options: &[("no-engine-has-this", "on")],
        ..fixture.config()
    };
    match fixture.open_with(&config) {
        Ok(_) => panic!("an unknown option was accepted"),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error:?}");
            assert!(
                error.message().contains("no-engine-has-this"),
                "the message does not name the option: {error}"
            );
        }
    }
    assert!(
        fixture.path().as_os_str().is_empty() || !fixture.path().exists(),
        "a refused opening left something"
    );
    Ok(())
}

/// Whether the engine has a cache whose size can be set; one that has none says `Unsupported`, whatever the size.
pub(crate) fn takes_a_cache_size<D: Driver>(fixture: &Fixture<D>) -> Result<bool> {
    let path = fixture.other_path();
    let opened = fixture.open_with(&OpenConfig {
        cache_bytes: Some(8 << 20),
        ..OpenConfig::new(&path)
    });
    match opened {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(false),
        Err(error) => Err(error),
    }
}

fn a_cache_size_is_honoured_or_refused<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let sized = |bytes| OpenConfig {
        cache_bytes: Some(bytes),
        ..fixture.config()
    };
    let takes = takes_a_cache_size(fixture)?;
    assert!(
        !takes || fixture.declares(Capabilities::PERSISTENT),
        "a cache in front of nothing"
    );
    if !takes {
        for bytes in [1 << 20, 64 << 20] {
            let opened = fixture.open_with(&sized(bytes)).map(drop);
            assert_refused(opened, ErrorKind::Unsupported);
            assert!(
                fixture.path().as_os_str().is_empty() || !fixture.path().exists(),
                "a refused opening left something"
            );
        }
        return Ok(());
    }
    for bytes in [1 << 20, 64 << 20] {
        let store = fixture.open_with(&sized(bytes))?;
        commit_entries(&store, "t", &[(&bytes.to_be_bytes(), &[1; 5000])])?;
        assert!(!committed(&store, "t")?.is_empty());
    }
    assert_eq!(committed(&fixture.open()?, "t")?.len(), 2);
    Ok(())
}

fn a_url_of_another_engine_is_refused<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let opened = fixture.open_with(&OpenConfig::new(
        "no-engine://user:secret@one:1,two/database",
    ));
    let error = opened.map(drop).expect_err("the location is not its own");
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error:?}");
    assert!(!error.message().contains("secret"), "{error:?}");
    assert!(!Path::new("no-engine:").exists(), "it was taken for a path");
    Ok(())
}

fn a_path_is_refused_where_nothing_is_kept<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let opened = fixture.open_with(&OpenConfig::new(Path::new("somewhere")));
    assert_refused(opened.map(drop), ErrorKind::InvalidInput);
    Ok(())
}

/// What an engine says of somebody's files: where its databases are files, a folder is a wrong path, and a file that it did
/// not write is none of its databases; and the other way round.
fn kind_of_foreign<D: Driver>(fixture: &Fixture<D>, is_folder: bool) -> Result<ErrorKind> {
    drop(fixture.open()?);
    Ok(match fixture.path().is_dir() == is_folder {
        true => ErrorKind::Corrupt,
        false => ErrorKind::InvalidInput,
    })
}

fn a_foreign_file_is_refused_and_stays_as_it_is<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let kind = kind_of_foreign(fixture, false)?;
    let text = "not a database\n".repeat(2000);
    let noise: Vec<u8> = (0..100_000u32)
        .map(|place| (place.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let zeros = vec![0; 65_536];
    for foreign in [b"x", text.as_bytes(), &noise, &zeros] {
        let path = fixture.other_path();
        fs::write(&path, foreign)?;
        for truncate in [false, true] {
            for create_if_missing in [false, true] {
                let opened = fixture.open_with(&OpenConfig {
                    truncate,
                    create_if_missing,
                    ..OpenConfig::new(&path)
                });
                assert_refused(opened.map(drop), kind);
                assert!(
                    fs::read(&path)? == foreign,
                    "the foreign file was changed (truncate: {truncate})"
                );
            }
        }
    }
    Ok(())
}

/// Every folder and file at or below a path, files with their bytes.
fn all_below(path: &Path) -> std::io::Result<Vec<(PathBuf, Option<Vec<u8>>)>> {
    if !path.is_dir() {
        return Ok(vec![(path.to_owned(), Some(fs::read(path)?))]);
    }
    let mut found = vec![(path.to_owned(), None)];
    for entry in fs::read_dir(path)? {
        found.extend(all_below(&entry?.path())?);
    }
    found.sort();
    Ok(found)
}

fn a_folder_of_somebodys_files_is_refused_and_stays_as_it_is<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    let kind = kind_of_foreign(fixture, true)?;
    // Some of these names are those of engines' own files.
    let folders: [&[&str]; 6] = [
        &["letter.txt"],
        &[".hidden"],
        &["photos/2025/summer.jpg"],
        &["empty/"],
        &["data.mdb", "notes/data.mdb"],
        &[
            "db",
            "conf",
            "snap.0000",
            "blobs/1",
            "CURRENT",
            "letter.txt",
        ],
    ];
    for names in folders {
        let path = fixture.other_path();
        for name in names {
            let file = path.join(name);
            if name.ends_with('/') {
                fs::create_dir_all(&file)?;
                continue;
            }
            fs::create_dir_all(file.parent().ok_or("a file is in a folder")?)?;
            fs::write(&file, format!("{name} of a person\n").repeat(40))?;
        }
        let before = all_below(&path)?;
        for truncate in [false, true] {
            for create_if_missing in [false, true] {
                let opened = fixture.open_with(&OpenConfig {
                    truncate,
                    create_if_missing,
                    ..OpenConfig::new(&path)
                });
                let opened = opened.map(drop);
                assert!(
                    all_below(&path)? == before,
                    "{names:?} were changed (truncate: {truncate}, create: {create_if_missing})"
                );
                assert_refused(opened, kind);
            }
        }
    }
    Ok(())
}

fn a_path_in_no_folder_is_an_error<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let folder = fixture.other_path().join("no such folder");
    let path = folder.join("database");
    for create_if_missing in [false, true] {
        let opened = fixture.open_with(&OpenConfig {
            create_if_missing,
            ..OpenConfig::new(&path)
        });
        let opened = opened.map(drop);
        if let Err(error) = &opened {
            let named = folder.display().to_string();
            assert!(error.message().contains(&named), "{error}");
        }
        assert_refused(opened, ErrorKind::NotFound);
        assert!(!folder.exists());
    }
    Ok(())
}

fn a_device_is_a_wrong_path<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let path = fixture.other_path();
    // A link, so that a driver that removes what is there removes no device.
    #[cfg(unix)]
    std::os::unix::fs::symlink("/dev/null", &path)?;
    if !path.is_symlink() {
        return Ok(());
    }
    for truncate in [false, true] {
        for create_if_missing in [false, true] {
            let opened = fixture.open_with(&OpenConfig {
                truncate,
                create_if_missing,
                ..OpenConfig::new(&path)
            });
            assert_refused(opened.map(drop), ErrorKind::InvalidInput);
            assert!(path.is_symlink(), "the link to the device is gone");
        }
    }
    Ok(())
}

fn a_separator_at_the_end_is_for_folders<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    drop(fixture.open()?);
    let takes = fixture.path().is_dir();
    let plain = fixture.other_path();
    let mut path = plain.clone().into_os_string();
    path.push("/");
    let config = OpenConfig::new(Path::new(&path));
    // The first time nothing is there, the second time a database.
    for _ in 0..2 {
        let opened = fixture.open_with(&config).map(drop);
        if takes {
            opened?;
        } else {
            assert_refused(opened, ErrorKind::InvalidInput);
            drop(fixture.open_with(&OpenConfig::new(&plain))?);
        }
    }
    Ok(())
}
