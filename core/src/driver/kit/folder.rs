//! The folder of an engine: claimed for one handle, by a lock on one of its files.
//!
//! What a folder means: one that is missing or empty is a database that is not there yet, and so is one whose creation was
//! cut off, by a crash or a full device. Any other folder that the engine did not write is somebody else's, and stays as
//! it is. An engine's own files say which it is; where they do not, a [`Marker`] does.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use super::lock::LockedFile;
use super::path::{
    Place, foreign, inaccessible, look, look_inside, missing, require_parent, sync_folder,
};
use crate::driver::{OpenConfig, Result};

/// What there is at the path of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contents {
    /// Nothing, an empty folder, or one whose creation was cut off.
    Nothing,
    /// A database of the engine.
    Database,
}

/// What a handle does with a folder.
#[derive(Debug, Clone, Copy)]
pub struct Access {
    /// Creates the database if there is none.
    pub creates: bool,
    /// Shares the folder with others that read only.
    pub read_only: bool,
}

/// Claims the folder of a database by a lock on the file of this name in it; creates both if that is asked for. `inspect`
/// looks at the folder, and changes nothing. A link in the file's place is not followed.
///
/// # Errors
/// [`NotFound`](crate::driver::ErrorKind::NotFound) if there is no database and none is to be created,
/// [`Locked`](crate::driver::ErrorKind::Locked) if another handle has it,
/// [`Corrupt`](crate::driver::ErrorKind::Corrupt) if the file's place is taken by something else, what `inspect` reports,
/// or an error of the operating system.
pub fn claim(
    folder: &Path,
    file: &str,
    access: Access,
    inspect: impl Fn(&Path) -> Result<Contents>,
) -> Result<(LockedFile, Contents)> {
    let look_at_file = || look_inside(folder, file, Place::File, u64::MAX);
    let look = || {
        // Before `inspect`, which opens it.
        look_at_file()?;
        match inspect(folder)? {
            Contents::Nothing if !access.creates => Err(missing(folder)),
            contents => Ok(contents),
        }
    };
    if look()? == Contents::Nothing
        && let Err(error) = fs::create_dir(folder)
        && error.kind() != io::ErrorKind::AlreadyExists
    {
        return Err(inaccessible(folder, error));
    }
    let path = folder.join(file);
    let mut options = File::options();
    options.read(true).write(!access.read_only);
    if access.creates && look_at_file()?.is_none() {
        // What is created new is not created through a link.
        match options.clone().create_new(true).open(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(inaccessible(&path, error));
            }
            _ => {}
        }
    }
    let opened = options.open(&path);
    let opened = opened.map_err(|error| inaccessible(&path, error))?;
    let locked = match access.read_only {
        true => LockedFile::shared(opened, folder)?,
        false => LockedFile::exclusive(opened, folder)?,
    };
    // Another handle may have been here since the first look.
    let contents = look()?;
    if contents == Contents::Nothing {
        // An engine synchronises its files, and seldom their names.
        sync_folder(folder)
            .and_then(|()| folder.parent().map_or(Ok(()), sync_folder))
            .map_err(|error| inaccessible(folder, error))?;
    }
    Ok((locked, contents))
}

/// A file in the folder of an engine that says whose the folder is, and whether its creation was finished; for engines
/// whose own files do not say.
///
/// It holds `text` from before the engine writes its first file, and a line's end behind it once the engine's database is
/// there. Whatever lies in the folder in between is left of a creation that was cut off, and is removed by the next one.
///
/// # Examples
/// ```
/// use netabase_core::driver::OpenConfig;
/// use netabase_core::driver::kit::folder::Marker;
///
/// /// The last part is the version of the format.
/// const MARKER: Marker = Marker {
///     file: "kv.marker",
///     text: "a database of netabase_store, by the engine kv, format 1",
/// };
///
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("people.kv");
/// for is_new in [true, false] {
///     let claimed = MARKER.claim(&path, "kv", &OpenConfig::new(&path))?;
///     assert_eq!(claimed.is_new(), is_new);
///     // Here the engine opens its database in the folder, or creates it.
///     claimed.complete()?;
/// }
/// # Ok::<(), netabase_core::driver::DriverError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Marker {
    /// The name of the file.
    pub file: &'static str,
    /// What it holds: the engine, and the version of the format.
    pub text: &'static str,
}

/// A folder with a [`Marker`], locked until this is dropped.
#[derive(Debug)]
pub struct Claimed {
    file: LockedFile,
    path: PathBuf,
    is_new: bool,
}

impl Marker {
    /// Claims the folder as `config` asks for it: creates it, empties it, or finds a database in it.
    ///
    /// # Errors
    /// [`Corrupt`](crate::driver::ErrorKind::Corrupt) for a folder that this marker does not mark, and what [`claim`]
    /// reports.
    pub fn claim(&self, folder: &Path, engine: &str, config: &OpenConfig<'_>) -> Result<Claimed> {
        let access = Access {
            creates: config.create_if_missing && !config.read_only,
            read_only: config.read_only,
        };
        let inspect = |folder: &Path| self.inspect(folder, engine);
        let (file, contents) = claim(folder, self.file, access, inspect)?;
        let claimed = Claimed {
            file,
            path: folder.join(self.file),
            is_new: config.truncate || contents == Contents::Nothing,
        };
        if claimed.is_new {
            self.begin(folder, claimed.file.file())
                .map_err(|error| inaccessible(folder, error))?;
        }
        Ok(claimed)
    }

    fn inspect(&self, folder: &Path, engine: &str) -> Result<Contents> {
        if look(folder, engine, Place::Folder)?.is_none() {
            return require_parent(folder).map(|()| Contents::Nothing);
        }
        let failed = |error| inaccessible(folder, error);
        let path = folder.join(self.file);
        let mut text = Vec::new();
        match File::open(&path) {
            Ok(file) => {
                let most = self.text.len() as u64 + 2;
                file.take(most).read_to_end(&mut text).map_err(failed)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let own = self.text.as_bytes();
        if text.strip_suffix(b"\n") == Some(own) {
            return Ok(Contents::Database);
        }
        if !own.starts_with(&text) {
            let what = format_args!("is marked by something else than {engine}");
            return Err(foreign(folder, what));
        }
        // The engine writes nothing before the marker is there.
        if text == own || others(folder, self.file).map_err(failed)?.next().is_none() {
            return Ok(Contents::Nothing);
        }
        let what = format_args!("holds files that {engine} did not write");
        Err(foreign(folder, what))
    }

    /// Marks the folder as one whose creation is not finished, and empties it.
    fn begin(&self, folder: &Path, mut marker: &File) -> io::Result<()> {
        marker.rewind()?;
        marker.write_all(self.text.as_bytes())?;
        marker.set_len(self.text.len() as u64)?;
        marker.sync_all()?;
        sync_folder(folder)?;
        folder.parent().map_or(Ok(()), sync_folder)?;
        for entry in others(folder, self.file)? {
            let entry = entry?;
            // A link is removed, and not followed.
            match entry.file_type()?.is_dir() {
                true => fs::remove_dir_all(entry.path())?,
                false => fs::remove_file(entry.path())?,
            }
        }
        Ok(())
    }
}

/// What is in a folder beside the file of this name.
fn others(folder: &Path, file: &str) -> io::Result<impl Iterator<Item = io::Result<fs::DirEntry>>> {
    let is_other = move |entry: &io::Result<fs::DirEntry>| {
        entry
            .as_ref()
            .map_or(true, |entry| entry.file_name() != file)
    };
    Ok(fs::read_dir(folder)?.filter(is_other))
}

impl Claimed {
    /// Whether the engine has to create its database: there was none, or it was to be emptied. Nothing but the marker is in
    /// the folder then.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Marks the folder as one that holds a database, on disk. To be called once the engine's database is there, on disk as
    /// well.
    ///
    /// # Errors
    /// An error of the operating system.
    pub fn complete(&self) -> Result<()> {
        if !self.is_new {
            return Ok(());
        }
        let mut file = self.file.file();
        let written = file
            .seek(io::SeekFrom::End(0))
            .and_then(|_| file.write_all(b"\n"))
            .and_then(|()| file.sync_all());
        written.map_err(|error| inaccessible(&self.path, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::ErrorKind;

    const MARKER: Marker = Marker {
        file: "kv.marker",
        text: "kv, format 1",
    };

    fn claim(path: &Path, change: impl FnOnce(&mut OpenConfig<'_>)) -> Result<Claimed> {
        let mut config = OpenConfig::new(path);
        change(&mut config);
        MARKER.claim(path, "kv", &config)
    }

    /// The contents of a folder, by name.
    fn below(path: &Path) -> Vec<(String, Vec<u8>)> {
        let mut found: Vec<_> = fs::read_dir(path)
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let bytes = fs::read(entry.path()).unwrap_or_default();
                (entry.file_name().to_string_lossy().into_owned(), bytes)
            })
            .collect();
        found.sort();
        found
    }

    /// A database that holds one file.
    fn create(path: &Path) {
        let claimed = claim(path, |_| ()).unwrap();
        assert!(claimed.is_new());
        fs::write(path.join("data"), "records").unwrap();
        claimed.complete().unwrap();
    }

    #[test]
    fn a_creation_cut_off_anywhere_counts_as_missing_and_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        for length in 0..=MARKER.text.len() {
            let path = folder.path().join(length.to_string());
            fs::create_dir(&path).unwrap();
            fs::write(path.join(MARKER.file), &MARKER.text[..length]).unwrap();
            if length == MARKER.text.len() {
                fs::create_dir_all(path.join("half").join("done")).unwrap();
                fs::write(path.join("data"), "rec").unwrap();
            }
            let before = below(&path);
            let refused = claim(&path, |config| config.create_if_missing = false);
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotFound);
            assert_eq!(below(&path), before);
            let claimed = claim(&path, |_| ()).unwrap();
            assert!(claimed.is_new());
            assert_eq!(below(&path), [(MARKER.file.into(), MARKER.text.into())]);
            claimed.complete().unwrap();
            drop(claimed);
            assert!(!claim(&path, |_| ()).unwrap().is_new());
        }
    }

    #[test]
    fn a_database_is_found_with_all_that_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("database");
        create(&path);
        let before = below(&path);
        for read_only in [false, true] {
            let claimed = claim(&path, |config| config.read_only = read_only).unwrap();
            assert!(!claimed.is_new());
            claimed.complete().unwrap();
            assert_eq!(below(&path), before);
            let other = claim(&path, |config| config.truncate = true);
            assert_eq!(other.unwrap_err().kind(), ErrorKind::Locked);
        }
    }

    #[test]
    fn emptying_leaves_the_marker_alone_and_a_cut_counts_as_missing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("database");
        create(&path);
        let claimed = claim(&path, |config| config.truncate = true).unwrap();
        assert!(claimed.is_new());
        assert_eq!(below(&path), [(MARKER.file.into(), MARKER.text.into())]);
        drop(claimed);
        let refused = claim(&path, |config| config.read_only = true);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_foreign_folder_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let files: [&[(&str, &str)]; 5] = [
            &[("letter.txt", "Dear Ada")],
            &[(MARKER.file, ""), ("letter.txt", "Dear Ada")],
            &[(MARKER.file, "kv, form"), ("letter.txt", "Dear Ada")],
            &[(MARKER.file, "kv, format 2\n")],
            &[(MARKER.file, "kv, format 1\n\n")],
        ];
        for (number, files) in files.iter().enumerate() {
            let path = folder.path().join(number.to_string());
            fs::create_dir(&path).unwrap();
            for (name, text) in *files {
                fs::write(path.join(name), text).unwrap();
            }
            let before = below(&path);
            for truncate in [false, true] {
                let refused = claim(&path, |config| config.truncate = truncate);
                assert_eq!(refused.unwrap_err().kind(), ErrorKind::Corrupt, "{files:?}");
                assert_eq!(below(&path), before);
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_neither_a_marker_nor_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, letter) = (folder.path().join("database"), folder.path().join("letter"));
        fs::write(&letter, MARKER.text).unwrap();
        fs::create_dir(&path).unwrap();
        std::os::unix::fs::symlink(&letter, path.join(MARKER.file)).unwrap();
        let refused = claim(&path, |_| ());
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Corrupt);
        fs::remove_file(path.join(MARKER.file)).unwrap();
        create(&path);
        std::os::unix::fs::symlink(folder.path(), path.join("link")).unwrap();
        drop(claim(&path, |config| config.truncate = true).unwrap());
        assert_eq!(fs::read_to_string(letter).unwrap(), MARKER.text);
        assert!(!path.join("link").exists());
    }
}
