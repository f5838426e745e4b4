//! Finding drivers by name and loading them from dynamic libraries.
//!
//! A library is loaded once and stays loaded until the process ends: threads and thread-local values of an engine may
//! outlive every handle. Loading runs the library's code; load only what you trust.

mod search;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

pub use search::{ENVIRONMENT_VARIABLE, SearchPath};

use crate::abi::DynamicDriver;
use crate::abi::layout::{Entry, SYMBOL_PREFIX};
#[cfg(feature = "tracing")]
use crate::driver::Driver as _;
use crate::driver::{DriverError, ErrorKind};
use crate::error::NetabaseError;

/// Loads the driver of this name from the first place that has it.
///
/// A file that is there and is no driver that can be loaded does not end the search; if no other is found, the error
/// lists every place and what was wrong with each file. Loading the same file again gives the same driver; different
/// files are different drivers, even of one name.
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

/// Loads a driver from this library file. Its name follows from the file's, `libnetabase_driver_<name>.so` on Linux, with
/// each `_` read as `-`.
///
/// # Errors
/// - [`DriverNotFound`](ErrorKind::DriverNotFound): there is no such file.
/// - [`DriverRejected`](ErrorKind::DriverRejected): the file is not named as a driver, or is none that can be loaded.
pub fn load_path(path: impl AsRef<Path>) -> Result<DynamicDriver, NetabaseError> {
    let path = path.as_ref();
    let name = search::driver_name(path).ok_or_else(|| {
        NetabaseError::new(
            ErrorKind::DriverRejected,
            format!(
                "{} is not named as a driver; the file of a driver `x` is `{}`",
                path.display(),
                search::file_name("x")
            ),
        )
        .during("load")
    })?;
    let candidate = Candidate {
        name: &name,
        path: path.to_owned(),
    };
    candidate.load().map_err(|refusal| {
        let (kind, reason) = match refusal {
            Refusal::Absent => (
                ErrorKind::DriverNotFound,
                DriverError::new(ErrorKind::DriverNotFound, "there is no such file"),
            ),
            Refusal::Rejected(error) => (error.kind(), error),
        };
        let message = format!("{}: {}", path.display(), reason.message());
        NetabaseError::new(kind, message)
            .with_source(reason)
            .during("load")
            .on_driver(name.clone())
    })
}

fn find(name: &str, search: &SearchPath) -> Result<DynamicDriver, NetabaseError> {
    search::check_name(name)?;
    let file_name = search::file_name(name);
    let mut places = String::new();
    let mut first_rejection = None;
    for directory in search.directories() {
        let candidate = Candidate {
            name,
            path: directory.join(&file_name),
        };
        let reason = match candidate.load() {
            Ok(driver) => return Ok(driver),
            Err(Refusal::Absent) => "there is no such file".to_owned(),
            Err(Refusal::Rejected(error)) => {
                let message = error.message().to_owned();
                first_rejection.get_or_insert(error);
                message
            }
        };
        places.push_str(&format!("\n  {}: {reason}", candidate.path.display()));
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
                "there is no driver of that name; put {file_name} into one of the places, name its directory in \
                 {ENVIRONMENT_VARIABLE}, or link the driver in; looked at:{places}"
            ),
        ),
    })
}

/// A file that may be a driver.
struct Candidate<'a> {
    name: &'a str,
    path: PathBuf,
}

/// Why a candidate was turned down.
enum Refusal {
    Absent,
    Rejected(DriverError),
}

/// Every driver that was loaded, by file and name. Held while one is loaded, so that none is loaded twice.
static LOADED: Mutex<BTreeMap<(FileId, String), DynamicDriver>> = Mutex::new(BTreeMap::new());

impl Candidate<'_> {
    fn load(&self) -> Result<DynamicDriver, Refusal> {
        let file = self.inspect()?;
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (file, self.name.to_owned());
        if let Some(driver) = loaded.get(&key) {
            return Ok(*driver);
        }
        let driver = self.open().map_err(Refusal::Rejected)?;
        loaded.insert(key, driver);
        #[cfg(feature = "tracing")]
        tracing::info!(
            driver = self.name,
            version = %driver.manifest().version,
            path = %self.path.display(),
            "loaded a driver"
        );
        Ok(driver)
    }

    /// What can be said of the file without running any of it.
    fn inspect(&self) -> Result<FileId, Refusal> {
        let metadata = match fs::metadata(&self.path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Refusal::Absent),
            Err(error) => {
                return Err(Refusal::Rejected(
                    rejected(format!("it cannot be looked at: {error}")).with_source(error),
                ));
            }
        };
        let reason = if metadata.is_dir() {
            "it is a directory, not a library; remove it or name another place"
        } else if !metadata.is_file() {
            "it is not a regular file; remove it or name another place"
        } else if metadata.len() == 0 {
            "the file is empty; build or copy it again"
        } else {
            return FileId::of(&self.path, &metadata).map_err(|error| {
                Refusal::Rejected(
                    rejected(format!("it cannot be looked at: {error}")).with_source(error),
                )
            });
        };
        Err(Refusal::Rejected(rejected(reason)))
    }

    fn open(&self) -> Result<DynamicDriver, DriverError> {
        let path = fs::canonicalize(&self.path).map_err(|error| {
            rejected(format!("it cannot be looked at: {error}")).with_source(error)
        })?;
        let library = open_library(&path).map_err(|error| {
            rejected(format!(
                "it is no library that can be loaded here: {}; build it for this platform",
                reason(&error)
            ))
            .with_source(error)
        })?;
        let symbol = format!("{SYMBOL_PREFIX}{}", search::underscored(self.name));
        // SAFETY: the address is only taken; whether an entry is there is checked behind it.
        let entry = unsafe { library.get::<*const Entry>(symbol.as_bytes()) }
            .map(|symbol| symbol.as_raw_ptr().cast_const().cast::<Entry>())
            .map_err(|error| {
                rejected(format!(
                    "it has no symbol `{symbol}`; export the driver with `netabase_core::export_driver!`"
                ))
                .with_source(error)
            });
        // Whatever it did when it was loaded, such as starting a thread, must not lose its code.
        mem::forget(library);
        // SAFETY: the library stays loaded, so that what it exports stays; by the name of the symbol it is an entry, and
        // whoever loads a library vouches for what it exports.
        unsafe { DynamicDriver::from_entry(entry?, self.name) }
    }
}

#[cold]
fn rejected(message: impl Into<std::borrow::Cow<'static, str>>) -> DriverError {
    DriverError::new(ErrorKind::DriverRejected, message)
}

/// What the platform says; `libloading` itself says only that it failed.
fn reason(error: &libloading::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

#[cfg(unix)]
type Library = libloading::os::unix::Library;
#[cfg(windows)]
type Library = libloading::os::windows::Library;

#[cfg(unix)]
fn open_library(path: &Path) -> Result<Library, libloading::Error> {
    use libloading::os::unix::{RTLD_LOCAL, RTLD_NOW};

    // SAFETY: loading runs the library's initialisers; whoever loads a library vouches for it. All symbols are bound now,
    // so that a missing one is an error here and not a crash later; they are not seen by other libraries.
    unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }
}

#[cfg(windows)]
fn open_library(path: &Path) -> Result<Library, libloading::Error> {
    // SAFETY: loading runs the library's initialisers; whoever loads a library vouches for it.
    unsafe { Library::new(path) }
}

/// What tells one file from another, whatever path leads to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct FileId {
    #[cfg(unix)]
    device_and_inode: (u64, u64),
    #[cfg(not(unix))]
    path: PathBuf,
}

impl FileId {
    #[cfg(unix)]
    #[allow(
        clippy::unnecessary_wraps,
        reason = "other platforms have to ask for the canonical path"
    )]
    fn of(_: &Path, metadata: &fs::Metadata) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt as _;

        Ok(Self {
            device_and_inode: (metadata.dev(), metadata.ino()),
        })
    }

    #[cfg(not(unix))]
    fn of(path: &Path, _: &fs::Metadata) -> io::Result<Self> {
        Ok(Self {
            path: fs::canonicalize(path)?,
        })
    }
}
