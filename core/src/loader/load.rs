//! Loading a driver: by its name from the places of a search, or from one file.

use std::path::{Path, PathBuf};

use super::driver_file::{self, DriverFile};
use super::library::OpenFile;
use super::names;
use super::refusal::{Refusal, is_present, present, push_place, rejected};
use super::search::{ENVIRONMENT_VARIABLE, Location, SearchPath};
use super::trust::Trust;
use crate::abi::DynamicDriver;
use crate::error::{ErrorKind, NetabaseError};

/// Loads the driver of this name from the first place that has it.
///
/// In each directory that is a manifest file `NAME.toml`, or else the library file. A file that is there and is no
/// driver that can be loaded does not end the search; if no other is found, the error lists every place and what was
/// wrong with each file. Loading the same file again gives the same driver, and an error if it was written to meanwhile
/// (by its size and time of modification); different files are different drivers, even of one name.
///
/// # Errors
/// - [`InvalidInput`](ErrorKind::InvalidInput): this is not a driver's name.
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
///   others may have written it: see [Trust](super#trust).
pub fn load_path(path: impl AsRef<Path>) -> Result<DynamicDriver, NetabaseError> {
    load_named_by_path(path.as_ref(), &Trust::Owner)
}

/// [`load_path`] without checks of trust. Anyone who can write there then runs code with the rights of this
/// process.
///
/// # Errors
/// As [`load_path`], but for what concerns trust.
pub fn load_trusted_path(path: impl AsRef<Path>) -> Result<DynamicDriver, NetabaseError> {
    load_named_by_path(path.as_ref(), &Trust::Anyone)
}

fn load_named_by_path(path: &Path, trust: &Trust) -> Result<DynamicDriver, NetabaseError> {
    let (name, is_manifest) = names::driver_name(path)
        .map(|name| (name, false))
        .or_else(|| names::manifest_name(path).map(|name| (name, true)))
        .ok_or_else(|| {
            NetabaseError::new(
                ErrorKind::DriverRejected,
                format!(
                    "{} is not named as a driver; the file of a driver `x` is `{}`, or its manifest `{}`",
                    path.display(),
                    names::file_name("x"),
                    names::manifest_file_name("x"),
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
    names::check_name(name)?;
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
                    names::manifest_file_name(name)
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
                names::file_name(name)
            ),
        ),
    })
}

impl Location {
    /// The file that stands for a driver here: its manifest if there is one, else its library.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        let manifest = self.manifest(name);
        if is_present(&manifest) {
            manifest
        } else {
            self.directory.join(names::file_name(name))
        }
    }

    pub(super) fn manifest(&self, name: &str) -> PathBuf {
        self.directory.join(names::manifest_file_name(name))
    }

    /// Loads a driver from here. With a manifest, a library beside it that could not be verified is none.
    pub(super) fn load(&self, name: &str) -> Result<DynamicDriver, Refusal> {
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
            let library = names::file_name(name);
            let real = present(&file, || self.trust.file(&directory, library.as_ref()))?;
            OpenFile::open(real, &self.trust)?.load(name)
        }
    }

    /// Opens the manifest of a driver, here, where the directory's real path is known.
    pub(super) fn open_manifest(&self, directory: &Path, name: &str) -> Result<Manifest, Refusal> {
        let file = names::manifest_file_name(name);
        let real = present(&self.manifest(name), || {
            self.trust.file(directory, file.as_ref())
        })?;
        Manifest::open(real, &self.trust)
    }
}

/// A manifest file that was read.
pub(super) struct Manifest {
    file: DriverFile,
}

impl Manifest {
    fn open(path: PathBuf, trust: &Trust) -> Result<Self, Refusal> {
        let file = OpenFile::open(path, trust)?.into_file();
        let file = driver_file::read(file).map_err(|error| {
            Refusal::Rejected(
                rejected(format!(
                    "it is not a driver's manifest: {}",
                    error.message()
                ))
                .with_source(error),
            )
        })?;
        Ok(Self { file })
    }

    /// Where the library for this platform is, from the manifest's directory.
    pub(super) fn library(&self) -> Result<&driver_file::Library, Refusal> {
        self.file.library().map_err(Refusal::rejected)
    }

    /// Loads the library that the manifest points to, once it is verified.
    pub(super) fn load(
        &self,
        directory: &Path,
        name: &str,
        trust: &Trust,
    ) -> Result<DynamicDriver, Refusal> {
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
