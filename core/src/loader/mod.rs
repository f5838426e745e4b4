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
mod load;
mod names;
mod platform;
mod privilege;
mod program;
mod refusal;
mod search;
mod trust;

pub use driver_file::DriverFile;
pub use listing::{Candidate, Place, PlaceState, list};
pub use load::{load, load_path, load_trusted_path};
pub use program::find_program;
pub use search::{ENVIRONMENT_VARIABLE, Level, SearchPath};
