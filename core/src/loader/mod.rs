//! Finding drivers by name and loading them from dynamic libraries.
//!
//! A library is loaded once and stays loaded until the process ends: threads and thread-local values of an engine may
//! outlive every handle. Loading runs the library's code; load only what you trust.
//!
//! `docs/loading-drivers.md` describes for people where a driver is looked for, manifest files, and what is refused.
//!
//! # Trust
//! On Unix, a file is loaded only if nobody but this user and root may have put it there. Refused, each with a message
//! that says what to do, are:
//! - files, directories and parents of directories that belong to other users, or that a group or everyone may write to;
//!   a parent where only owners rename files, such as `/tmp`, is good enough, and the directory itself is not;
//! - links in a directory that lead out of it, and links of other users on the way to it;
//! - relative directories in `NETABASE_DRIVER_PATH`;
//! - in a program with a set-user-id or set-group-id bit or with capabilities, everything that the user who starts it
//!   chooses: `NETABASE_DRIVER_PATH`, what lies beside the executable, and the user's data directory. No switch opens them;
//!   [`SearchPath::with_directory`] does.
//!
//! Beside the executable those are trusted as well who may write to the executable itself, and its parents are not asked;
//! links are held to the same there.
//! Access control lists are not looked at. On Windows, owners and permissions are not checked.
//!
//! The checks are made on the real path, up to the root, so that nobody who is not trusted can exchange anything between
//! check and load. On Linux the very file that was checked is loaded, by its handle. That somebody who is trusted replaces
//! or changes the file meanwhile is noticed and refused.

mod driver_file;
#[cfg(target_os = "linux")]
mod elf;
mod library;
mod listing;
mod platform;
mod privilege;
mod program;
mod search;
mod trust;

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

pub use driver_file::DriverFile;
pub use listing::{Candidate, Place, PlaceState, list};
pub use program::find_program;
pub use search::{ENVIRONMENT_VARIABLE, Level, SearchPath};

use self::library::OpenFile;
use self::search::Location;
use self::trust::Trust;
use crate::abi::DynamicDriver;
use crate::driver::{DriverError, ErrorKind};
use crate::error::{NetabaseError, printable};

/// Loads the driver of this name from the first place that has it.
///
/// In each directory that is a manifest file `NAME.toml`, or else the library file. A file that is there and is no
/// driver that can be loaded does not end the search; if no other is found, the error lists every place and what was
/// wrong with each file. Loading the same file again gives the same driver, and an error if it was written to meanwhile
/// (by its size and time of modification); different files are different drivers, even of one name.
///
/// # Errors
/// - [`InvalidInput`](ErrorKind::InvalidInput): this is no name of a driver.
/// - [`DriverNotFound`](ErrorKind::DriverNotFound): none of the places has such a file.
/// - [`DriverRejected`](ErrorKind::DriverRejected): such files were found, and none could be loaded.
///
/// # Examples
/// ```
/// use netabase_core::error::ErrorKind;
/// use netabase_core::loader::{self, SearchPath};
///
/// let error = loader::load("no-such-driver", &SearchPath::default()).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::DriverNotFound);
/// ```
pub fn load(name: &str, search: &SearchPath) -> Result<DynamicDriver, NetabaseError> {
    #[cfg(feature = "tracing")]
    let _span = tracing::info_span!("load", driver = name).entered();
    find(name, search).map_err(|error| error.during("load").on_driver(name.to_owned()))
}

/// Loads a driver from this file: a library, whose name follows from the file's, `libnetabase_driver_<name>.so` on Linux
/// with each `_` read as `-`; or a manifest file, `<name>.toml`.
///
/// # Errors
/// - [`DriverNotFound`](ErrorKind::DriverNotFound): there is no such file.
/// - [`DriverRejected`](ErrorKind::DriverRejected): the file is not named as a driver, is none that can be loaded, or
///   others may have written it: see [Trust](self#trust).
pub fn load_path(path: impl AsRef<Path>) -> Result<DynamicDriver, NetabaseError> {
    load_named_by_path(path.as_ref(), &Trust::Owner)
}

/// [`load_path`], whoever may have written the file. Whoever can write there then runs code with the rights of this
/// process.
///
/// # Errors
/// As [`load_path`], but for what concerns trust.
pub fn load_trusted_path(path: impl AsRef<Path>) -> Result<DynamicDriver, NetabaseError> {
    load_named_by_path(path.as_ref(), &Trust::Anyone)
}

fn load_named_by_path(path: &Path, trust: &Trust) -> Result<DynamicDriver, NetabaseError> {
    let (name, is_manifest) = search::driver_name(path)
        .map(|name| (name, false))
        .or_else(|| search::manifest_name(path).map(|name| (name, true)))
        .ok_or_else(|| {
            NetabaseError::new(
                ErrorKind::DriverRejected,
                format!(
                    "{} is not named as a driver; the file of a driver `x` is `{}`, or its manifest `{}`",
                    path.display(),
                    search::file_name("x"),
                    search::manifest_file_name("x"),
                ),
            )
            .during("load")
        })?;
    let load = || {
        let real = present(path, || trust.path(path))?;
        if is_manifest {
            let directory = real.parent().unwrap_or(&real).to_owned();
            Manifest::open(real, trust)?.load(&directory, &name, trust)
        } else {
            OpenFile::open(real, trust)?.load(&name)
        }
    };
    load().map_err(|refusal| {
        let reason = refusal.into_error();
        let message = format!("{}: {}", path.display(), reason.message());
        NetabaseError::new(reason.kind(), message)
            .with_source(reason)
            .during("load")
            .on_driver(name.clone())
    })
}

fn find(name: &str, search: &SearchPath) -> Result<DynamicDriver, NetabaseError> {
    search::check_name(name)?;
    let mut places = String::new();
    let mut first_rejection = None;
    for location in search.locations() {
        let file = if location.withheld {
            location.directory.clone()
        } else {
            location.file(name)
        };
        let reason = match location.load(name) {
            Ok(driver) => return Ok(driver),
            Err(Refusal::Absent) => location.refusal().unwrap_or_else(|| {
                format!(
                    "there is no such file, and no {}",
                    search::manifest_file_name(name)
                )
            }),
            Err(Refusal::Rejected(error)) => {
                let message = error.message().to_owned();
                first_rejection.get_or_insert(error);
                message
            }
        };
        push_place(&mut places, &file, &reason);
    }
    if places.is_empty() {
        places.push_str(" nowhere, since the search path is empty");
    }
    Err(match first_rejection {
        Some(source) => NetabaseError::new(
            ErrorKind::DriverRejected,
            format!("no driver of that name could be loaded; looked at:{places}"),
        )
        .with_source(source),
        None => NetabaseError::new(
            ErrorKind::DriverNotFound,
            format!(
                "there is no driver of that name; put {} into one of the places, name its directory in \
                 {ENVIRONMENT_VARIABLE}, or link the driver in; looked at:{places}",
                search::file_name(name)
            ),
        ),
    })
}

/// Adds a line to a list of places. A reason may hold what a driver or its file says, which begins no line of its own.
fn push_place(places: &mut String, file: &Path, reason: &str) {
    let file = file.to_string_lossy();
    let (file, reason) = (printable(&file), printable(reason));
    places.push_str(&format!("\n  {file}: {reason}"));
}

impl Location {
    /// The file that stands for a driver here: its manifest if there is one, else its library.
    fn file(&self, name: &str) -> PathBuf {
        let manifest = self.manifest(name);
        if is_present(&manifest) {
            manifest
        } else {
            self.directory.join(search::file_name(name))
        }
    }

    fn manifest(&self, name: &str) -> PathBuf {
        self.directory.join(search::manifest_file_name(name))
    }

    /// Loads a driver from here. With a manifest, a library beside it that could not be verified is none.
    fn load(&self, name: &str) -> Result<DynamicDriver, Refusal> {
        if self.withheld {
            return Err(Refusal::Absent);
        }
        let file = self.file(name);
        if !is_present(&file) {
            return Err(Refusal::Absent);
        }
        if let Some(reason) = self.refusal() {
            return Err(Refusal::rejected(reason));
        }
        let directory = self.trust.directory(&self.directory)?;
        if file == self.manifest(name) {
            self.open_manifest(&directory, name)?
                .load(&directory, name, &self.trust)
        } else {
            let library = search::file_name(name);
            let real = present(&file, || self.trust.file(&directory, library.as_ref()))?;
            OpenFile::open(real, &self.trust)?.load(name)
        }
    }

    /// Opens the manifest of a driver, here, where the directory's real path is known.
    fn open_manifest(&self, directory: &Path, name: &str) -> Result<Manifest, Refusal> {
        let file = search::manifest_file_name(name);
        let real = present(&self.manifest(name), || {
            self.trust.file(directory, file.as_ref())
        })?;
        Manifest::open(real, &self.trust)
    }
}

/// A manifest file that was read.
struct Manifest {
    file: DriverFile,
}

impl Manifest {
    fn open(path: PathBuf, trust: &Trust) -> Result<Self, Refusal> {
        let file = OpenFile::open(path, trust)?.into_file();
        let file = driver_file::read(file).map_err(|error| {
            Refusal::Rejected(
                rejected(format!("it is no driver's manifest: {}", error.message()))
                    .with_source(error),
            )
        })?;
        Ok(Self { file })
    }

    /// Where the library for this platform is, from the manifest's directory.
    fn library(&self) -> Result<&driver_file::Library, Refusal> {
        self.file.library().map_err(Refusal::rejected)
    }

    /// Loads the library that the manifest points to, once it is verified.
    fn load(&self, directory: &Path, name: &str, trust: &Trust) -> Result<DynamicDriver, Refusal> {
        let library = self.library()?;
        let load = || {
            let path = directory.join(&library.path);
            let real = present(&path, || trust.file(directory, &library.path))?;
            let mut file = OpenFile::open(real, trust)?;
            file.verify(library.sha256)?;
            file.load(name)
        };
        load().map_err(|refusal| {
            let reason = refusal.into_error();
            Refusal::Rejected(
                rejected(format!(
                    "the library {} that it points to: {}",
                    library.path.display(),
                    reason.message()
                ))
                .with_source(reason),
            )
        })
    }
}

/// Whether there is such a file, even if it is a link to nowhere.
fn is_present(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// The real path of a file; one that is not there although there is a link to it is not absent but wrong.
fn present(
    path: &Path,
    resolve: impl FnOnce() -> Result<PathBuf, Refusal>,
) -> Result<PathBuf, Refusal> {
    match resolve() {
        Err(Refusal::Absent) if is_present(path) => Err(Refusal::rejected(
            "it is a link to a file that is not there; remove it, or put the file there",
        )),
        resolved => resolved,
    }
}

/// Why a file was turned down.
#[derive(Debug)]
enum Refusal {
    Absent,
    Rejected(DriverError),
}

impl Refusal {
    #[cold]
    fn rejected(message: impl Into<Cow<'static, str>>) -> Self {
        Self::Rejected(rejected(message))
    }

    fn into_error(self) -> DriverError {
        match self {
            Self::Absent => DriverError::new(ErrorKind::DriverNotFound, "there is no such file"),
            Self::Rejected(error) => error,
        }
    }
}

impl From<DriverError> for Refusal {
    fn from(error: DriverError) -> Self {
        Self::Rejected(error)
    }
}

#[cold]
fn rejected(message: impl Into<Cow<'static, str>>) -> DriverError {
    DriverError::new(ErrorKind::DriverRejected, message)
}
