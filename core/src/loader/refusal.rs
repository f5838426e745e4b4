//! Why a file was turned down, and how that is said.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use crate::driver::{DriverError, ErrorKind};
use crate::error::printable;

/// Why a file was turned down.
#[derive(Debug)]
pub(super) enum Refusal {
    Absent,
    Rejected(DriverError),
}

impl Refusal {
    #[cold]
    pub(super) fn rejected(message: impl Into<Cow<'static, str>>) -> Self {
        Self::Rejected(rejected(message))
    }

    pub(super) fn into_error(self) -> DriverError {
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
pub(super) fn rejected(message: impl Into<Cow<'static, str>>) -> DriverError {
    DriverError::new(ErrorKind::DriverRejected, message)
}

/// Whether there is such a file, even if it is a link to nowhere.
pub(super) fn is_present(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// The real path of a file; one that is not there although there is a link to it is not absent but wrong.
pub(super) fn present(
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

/// Adds a line to a list of places. A reason may hold what a driver or its file says, which begins no line of its own.
pub(super) fn push_place(places: &mut String, file: &Path, reason: &str) {
    let file = file.to_string_lossy();
    let (file, reason) = (printable(&file), printable(reason));
    places.push_str(&format!("\n  {file}: {reason}"));
}
