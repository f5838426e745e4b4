//! Where a driver of a given name may lie: names, file names, and the places that are looked at in turn.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{ErrorKind, NetabaseError};

/// The environment variable with further directories, separated as in `PATH`.
pub const ENVIRONMENT_VARIABLE: &str = "NETABASE_DRIVER_PATH";

/// What the file name of a driver's library begins with, after the platform's own prefix.
const STEM: &str = "netabase_driver_";

/// Where to look for drivers, in this order: the directories given here, those of the environment variable
/// `NETABASE_DRIVER_PATH`, the executable's own.
///
/// # Examples
/// ```
/// use netabase_core::loader::SearchPath;
///
/// let search = SearchPath::default().with_directory("/opt/my_app/drivers").without_environment();
/// assert_eq!(search.directories()[0].to_str(), Some("/opt/my_app/drivers"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchPath {
    given: Vec<PathBuf>,
    environment: bool,
    executable: bool,
}

impl Default for SearchPath {
    fn default() -> Self {
        Self {
            given: Vec::new(),
            environment: true,
            executable: true,
        }
    }
}

impl SearchPath {
    /// Looks in `directory` as well, after those given before it.
    #[must_use]
    pub fn with_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.given.push(directory.into());
        self
    }

    /// Leaves `NETABASE_DRIVER_PATH` alone.
    #[must_use]
    pub fn without_environment(mut self) -> Self {
        self.environment = false;
        self
    }

    /// Does not look beside the executable.
    #[must_use]
    pub fn without_executable(mut self) -> Self {
        self.executable = false;
        self
    }

    /// The directories that are looked at, in order.
    ///
    /// Beside an executable means its own directory and the folders where Cargo puts the libraries that were built
    /// together with it: `deps` below it, and `deps` beside `examples`.
    #[must_use]
    pub fn directories(&self) -> Vec<PathBuf> {
        let mut directories = self.given.clone();
        if self.environment
            && let Some(paths) = env::var_os(ENVIRONMENT_VARIABLE)
        {
            directories
                .extend(env::split_paths(&paths).filter(|path| !path.as_os_str().is_empty()));
        }
        if self.executable
            && let Ok(executable) = env::current_exe()
            && let Some(directory) = executable.parent()
        {
            directories.push(directory.to_owned());
            directories.push(directory.join("deps"));
            if directory.file_name() == Some(OsStr::new("examples")) {
                directories.push(directory.with_file_name("deps"));
            }
        }
        directories
    }

    /// The names of the drivers whose libraries lie there, sorted. Goes by the names of files alone: whether one can be
    /// loaded shows when it is. Directories that cannot be read count as empty.
    #[must_use]
    pub fn driver_names(&self) -> Vec<String> {
        let directories = self.directories();
        let files = directories
            .iter()
            .filter_map(|directory| fs::read_dir(directory).ok())
            .flatten()
            .flatten();
        let names: BTreeSet<_> = files.filter_map(|file| driver_name(&file.path())).collect();
        names.into_iter().collect()
    }
}

/// Checks a driver's name: `[a-z0-9][a-z0-9-]*`, never a path.
pub(super) fn check_name(name: &str) -> Result<(), NetabaseError> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !name.is_empty() && !name.starts_with('-') && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(NetabaseError::new(
        ErrorKind::InvalidInput,
        format!(
            "{name:?} is no driver's name; a name has lower-case letters, digits and `-`, and begins without `-`; a file \
             is loaded by its path with `load_path`"
        ),
    ))
}

/// What a driver's name is in the name of its library file and of its symbol.
pub(super) fn underscored(name: &str) -> String {
    name.replace('-', "_")
}

/// The name of a driver's library file on this platform.
pub(super) fn file_name(name: &str) -> String {
    format!(
        "{}{STEM}{}{}",
        env::consts::DLL_PREFIX,
        underscored(name),
        env::consts::DLL_SUFFIX
    )
}

/// The name of the driver whose library file this is; `None` if the file is not named as one.
pub(super) fn driver_name(path: &Path) -> Option<String> {
    let name = path
        .file_name()?
        .to_str()?
        .strip_prefix(env::consts::DLL_PREFIX)?
        .strip_prefix(STEM)?
        .strip_suffix(env::consts::DLL_SUFFIX)?
        .replace('_', "-");
    check_name(&name).is_ok().then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_a_path() {
        for name in ["redb", "redb-zerocopy", "0", "a-"] {
            check_name(name).unwrap();
        }
        for name in [
            "",
            "-a",
            "../redb",
            "/redb",
            "redb.so",
            "Redb",
            "redb_zerocopy",
            "ré",
            "a b",
            "a\0",
        ] {
            let error = check_name(name).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name:?}");
        }
    }

    #[test]
    fn a_file_name_gives_its_driver_back() {
        for name in ["redb", "redb-zerocopy"] {
            let file = Path::new("somewhere").join(file_name(name));
            assert_eq!(driver_name(&file).as_deref(), Some(name));
        }
        assert_eq!(driver_name(Path::new("libother.so")), None);
        assert_eq!(driver_name(Path::new("..")), None);
    }

    #[test]
    fn drivers_are_listed_by_the_names_of_their_files() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["two", "one-b"] {
            fs::write(folder.path().join(file_name(name)), "").unwrap();
        }
        fs::write(folder.path().join("libother.so"), "").unwrap();
        let search = SearchPath::default()
            .without_environment()
            .without_executable()
            .with_directory(folder.path())
            .with_directory(folder.path())
            .with_directory(folder.path().join("missing"));
        assert_eq!(search.driver_names(), ["one-b", "two"]);
    }

    #[test]
    fn given_directories_come_first_and_the_others_can_be_left_out() {
        let search = SearchPath::default()
            .with_directory("b")
            .with_directory("a");
        let directories = search.directories();
        assert_eq!(directories[..2], [PathBuf::from("b"), PathBuf::from("a")]);
        assert!(directories.len() > 2);
        let search = search.without_environment().without_executable();
        assert_eq!(
            search.directories(),
            [PathBuf::from("b"), PathBuf::from("a")]
        );
    }
}
