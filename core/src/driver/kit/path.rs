//! What there is at the path of a database, and the errors that name it.

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;

use super::io_error;
use crate::driver::{DriverError, ErrorKind, Result};

/// What an engine keeps a database in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// One file.
    File,
    /// A folder, with whatever the engine puts into it.
    Folder,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Folder => "folder",
        })
    }
}

/// Looks at what is at `path`, and changes nothing; `None` if nothing is there.
///
/// # Errors
/// - [`InvalidInput`](ErrorKind::InvalidInput) for something else than a place of this kind: the path is wrong, and nothing
///   is damaged.
/// - What [`inaccessible`] makes of an error of the operating system.
pub fn look(path: &Path, engine: &str, place: Place) -> Result<Option<Metadata>> {
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(inaccessible(path, error)),
    };
    let fits = match place {
        Place::File => found.is_file(),
        Place::Folder => found.is_dir(),
    };
    if fits {
        return Ok(Some(found));
    }
    let what = match (found.is_dir(), found.is_file()) {
        (true, _) => "is a folder",
        (_, true) => "is a file",
        _ => "is not a regular file",
    };
    Err(DriverError::new(
        ErrorKind::InvalidInput,
        format!(
            "`{}` {what}, and {engine} keeps its data in a {place}; it was left as it is, choose another path",
            path.display()
        ),
    ))
}

/// Looks at what a database's folder has under this name, and changes nothing; `None` if there is nothing.
///
/// The maker of the folder may have put anything there, and an engine opens it by its name. A link would lead it to files
/// beyond the folder, a pipe would make it wait, and a device has no end: only a regular file of at most `most_bytes`, or a
/// folder, is what an engine made itself. To be called before the engine opens the folder.
///
/// # Errors
/// - [`Corrupt`](ErrorKind::Corrupt) for anything else, naming the folder and the entry.
/// - What [`inaccessible`] makes of an error of the operating system.
pub fn look_inside(
    folder: &Path,
    name: impl AsRef<Path>,
    place: Place,
    most_bytes: u64,
) -> Result<Option<Metadata>> {
    let name = name.as_ref();
    let path = folder.join(name);
    let found = match fs::symlink_metadata(&path) {
        Ok(found) => found,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(inaccessible(&path, error)),
    };
    let strange = |what: fmt::Arguments<'_>| {
        let name = name.display();
        Err(foreign(
            folder,
            format_args!("holds `{name}`, which is {what}"),
        ))
    };
    match place {
        _ if found.is_symlink() => strange(format_args!("a link, and no link is followed there")),
        Place::File if !found.is_file() => strange(format_args!("not a regular file")),
        Place::Folder if !found.is_dir() => strange(format_args!("not a folder")),
        Place::File if found.len() > most_bytes => strange(format_args!(
            "{} bytes long, more than the {most_bytes} that it may have",
            found.len()
        )),
        _ => Ok(Some(found)),
    }
}

/// Refuses a path in a folder that is not there.
///
/// # Errors
/// [`NotFound`](ErrorKind::NotFound), naming the folder.
pub fn require_parent(path: &Path) -> Result<()> {
    match path.parent() {
        // A path of one step is in the folder that the process works in.
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            Err(DriverError::new(
                ErrorKind::NotFound,
                format!(
                    "the folder `{}` is not there; create it first",
                    folder.display()
                ),
            ))
        }
        _ => Ok(()),
    }
}

/// Makes the names in a folder permanent. Where a folder cannot be opened as a file, the system needs no such call.
///
/// # Errors
/// An error of the operating system.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(path)?.sync_all()
    } else {
        Ok(())
    }
}

/// The error for a database that is not there, and is not to be created.
#[cold]
#[must_use]
pub fn missing(path: &Path) -> DriverError {
    DriverError::new(
        ErrorKind::NotFound,
        format!(
            "there is no database at `{}`; open it with `create_if_missing` and without `read_only` to create it",
            path.display()
        ),
    )
}

/// The error for something that the engine did not write. `what` goes on from the path: "holds a letter".
#[cold]
#[must_use]
pub fn foreign(path: &Path, what: impl fmt::Display) -> DriverError {
    DriverError::new(
        ErrorKind::Corrupt,
        format!(
            "`{}` {what}; it was left as it is, choose another path",
            path.display()
        ),
    )
}

/// The error for a database that another handle holds.
#[cold]
#[must_use]
pub fn locked(path: &Path) -> DriverError {
    DriverError::new(
        ErrorKind::Locked,
        format!(
            "`{}` is open elsewhere; close the other handle first, or share it",
            path.display()
        ),
    )
}

/// The error for a file or folder that the operating system does not give.
///
/// Its kind is [`InvalidInput`](ErrorKind::InvalidInput) for a path that no file can have, and else that of
/// [`io_error::kind`].
#[cold]
#[must_use]
pub fn inaccessible(path: &Path, error: io::Error) -> DriverError {
    let kind = match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidFilename => ErrorKind::InvalidInput,
        _ => io_error::kind(&error),
    };
    let message = format!("`{}` cannot be opened: {error}", path.display());
    DriverError::new(kind, message).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_of_another_kind_is_foreign_and_nothing_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "a letter").unwrap();
        fn found(path: &Path, place: Place) -> Result<bool> {
            look(path, "the engine", place).map(|found| found.is_some())
        }
        assert!(found(&file, Place::File).unwrap());
        assert!(found(folder.path(), Place::Folder).unwrap());
        for (path, place) in [(&*file, Place::Folder), (folder.path(), Place::File)] {
            let error = found(path, place).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(
                error.message().contains(&*path.to_string_lossy()),
                "{error}"
            );
        }
        assert!(!found(&folder.path().join("other"), Place::File).unwrap());
        let below_a_file = found(&file.join("other"), Place::Folder).unwrap_err();
        assert_eq!(below_a_file.kind(), ErrorKind::NotFound);
    }

    #[test]
    fn what_no_engine_makes_in_its_folder_is_foreign() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "letter").unwrap();
        fs::create_dir(folder.path().join("folder")).unwrap();
        let found = |name: &str, place, most| {
            look_inside(folder.path(), name, place, most).map(|found| found.is_some())
        };
        assert!(found("file", Place::File, 6).unwrap());
        assert!(found("folder", Place::Folder, 0).unwrap());
        assert!(!found("other", Place::File, 0).unwrap());
        for (name, place, what) in [
            ("file", Place::Folder, "not a folder"),
            ("folder", Place::File, "not a regular file"),
            ("file", Place::File, "6 bytes long"),
        ] {
            let error = found(name, place, 5).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            assert!(error.message().contains(what), "{error}");
            assert!(error.message().contains(&format!("`{name}`")), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_a_folder_is_foreign_wherever_it_leads() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "letter").unwrap();
        for (name, target) in [("one", "file"), ("two", "nowhere"), ("three", ".")] {
            std::os::unix::fs::symlink(target, folder.path().join(name)).unwrap();
            for place in [Place::File, Place::Folder] {
                let error = look_inside(folder.path(), name, place, u64::MAX).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Corrupt);
                assert!(error.message().contains("a link"), "{error}");
            }
        }
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        require_parent(&folder.path().join("database")).unwrap();
        require_parent(Path::new("database")).unwrap();
        let error = require_parent(&folder.path().join("missing").join("database")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.message().contains("missing` is not there"), "{error}");
    }
}
