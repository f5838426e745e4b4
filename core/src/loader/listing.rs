//! What is there to be loaded, place by place, and what is not and why.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::names;
use super::refusal::{Refusal, is_present, rejected};
use super::search::{Level, Location, SearchPath};
use crate::abi::DynamicDriver;
use crate::driver::{DriverError, ErrorKind};
use crate::error::NetabaseError;

/// A directory of a search path, and what lies there.
#[derive(Debug)]
#[non_exhaustive]
pub struct Place {
    /// Why it is looked at.
    pub level: Level,
    /// The directory.
    pub directory: PathBuf,
    /// Whether what lies there can be loaded at all.
    pub state: PlaceState,
    /// Every file that is named as a driver, sorted by the driver's name; those of a refused directory as well.
    pub candidates: Vec<Candidate>,
}

/// Whether drivers are looked for in a directory.
#[derive(Debug)]
#[non_exhaustive]
pub enum PlaceState {
    /// They are.
    Searched,
    /// There is no such directory.
    Missing,
    /// They are not: others may write there, or it cannot be read. The message says what to do.
    Refused(NetabaseError),
}

/// A file that is named as a driver.
#[derive(Debug)]
#[non_exhaustive]
pub struct Candidate {
    /// The driver's name, by the name of the file.
    pub name: String,
    /// The file: a library, or a manifest.
    pub path: PathBuf,
    /// The library that the manifest points to, if the file is a manifest that could be read.
    pub library: Option<PathBuf>,
    /// The driver, whose [manifest](crate::driver::Driver::manifest), [ABI](DynamicDriver::abi_version) and so on say
    /// more; or why the file was turned down.
    pub driver: Result<DynamicDriver, NetabaseError>,
}

/// Every driver that a search path leads to, and every file that is named as one and was turned down, with the reason.
///
/// [`load`](super::load) gives the first driver of a name, in the order of this list. To know what a driver says of
/// itself its library is loaded, as `load` does it: its code runs, and it stays loaded.
///
/// # Examples
/// ```
/// use netabase_core::driver::Driver as _;
/// use netabase_core::loader::{self, SearchPath};
///
/// for place in loader::list(&SearchPath::default()) {
///     for candidate in place.candidates {
///         match candidate.driver {
///             Ok(driver) => println!("{} {}", candidate.name, driver.manifest().version),
///             Err(error) => println!("{}: {}", candidate.path.display(), error.message()),
///         }
///     }
/// }
/// ```
#[must_use]
pub fn list(search: &SearchPath) -> Vec<Place> {
    search.locations().iter().map(place).collect()
}

fn place(location: &Location) -> Place {
    let real = match location.refusal() {
        Some(reason) => Err(Refusal::rejected(reason)),
        None => location.trust.directory(&location.directory),
    };
    let names = if location.withheld {
        Ok(BTreeSet::new())
    } else {
        location.driver_names()
    };
    let state = match (&real, &names) {
        (Err(Refusal::Absent), _) => PlaceState::Missing,
        (Err(Refusal::Rejected(error)), _) => PlaceState::Refused(error.clone().into()),
        (Ok(_), Err(error)) => PlaceState::Refused(unreadable(error)),
        (Ok(_), Ok(_)) => PlaceState::Searched,
    };
    let real = real.ok();
    let candidates = names
        .unwrap_or_default()
        .iter()
        .flat_map(|name| candidates(location, real.as_deref(), name))
        .collect();
    Place {
        level: location.level,
        directory: location.directory.clone(),
        state,
        candidates,
    }
}

/// The files of one driver: what stands for it, and the library of that name if it is passed over for the manifest.
fn candidates(location: &Location, real: Option<&Path>, name: &str) -> Vec<Candidate> {
    let path = location.file(name);
    let manifest = location.manifest(name);
    let is_manifest = path == manifest;
    let library = real
        .filter(|_| is_manifest)
        .and_then(|real| location.open_manifest(real, name).ok())
        .and_then(|manifest| Some(location.directory.join(&manifest.library().ok()?.path)));
    let beside = location.directory.join(names::file_name(name));
    let is_passed_over = is_manifest && library.as_ref() != Some(&beside) && is_present(&beside);
    let driver = location
        .load(name)
        .map_err(|refusal| located(refusal.into_error(), name));
    let mut candidates = vec![Candidate {
        name: name.to_owned(),
        path,
        library,
        driver,
    }];
    if is_passed_over {
        let error = rejected(format!(
            "{} lies beside it and stands for the driver; let it point to this library, or remove one of them",
            names::manifest_file_name(name)
        ));
        candidates.push(Candidate {
            name: name.to_owned(),
            path: beside,
            library: None,
            driver: Err(located(error, name)),
        });
    }
    candidates
}

fn located(error: DriverError, name: &str) -> NetabaseError {
    NetabaseError::from(error)
        .during("load")
        .on_driver(name.to_owned())
}

fn unreadable(error: &io::Error) -> NetabaseError {
    NetabaseError::new(
        ErrorKind::Io,
        format!("the directory cannot be read: {error}; let this user read it, or leave it out"),
    )
}
