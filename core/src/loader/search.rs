//! Where a driver of a given name may lie: names, file names, and the places that are looked at in turn.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use super::library::OpenFile;
use super::trust::Trust;
use super::{names, privilege};

/// The environment variable with further directories, separated as in `PATH`.
pub const ENVIRONMENT_VARIABLE: &str = "NETABASE_DRIVER_PATH";

/// Where to look for drivers, level by level: each [`Level`] in the order of its variants. Each can be switched off.
///
/// What is found has to be trusted before it is loaded: see [the module](super#trust).
///
/// # Examples
/// ```
/// use netabase_core::loader::SearchPath;
///
/// let search = SearchPath::default().with_directory("/opt/my_app/drivers").without_environment();
/// assert_eq!(search.directories()[0].to_str(), Some("/opt/my_app/drivers"));
///
/// let only_there = SearchPath::none().with_directory("/opt/my_app/drivers");
/// assert_eq!(only_there.directories().len(), 1);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchPath {
    given: Vec<PathBuf>,
    environment: bool,
    executable: bool,
    user_data: bool,
    system: bool,
    trust_checks: bool,
}

impl Default for SearchPath {
    fn default() -> Self {
        Self {
            given: Vec::new(),
            environment: true,
            executable: true,
            user_data: true,
            system: true,
            trust_checks: true,
        }
    }
}

impl SearchPath {
    /// Every level switched off, until directories are given.
    #[must_use]
    pub fn none() -> Self {
        Self {
            given: Vec::new(),
            environment: false,
            executable: false,
            user_data: false,
            system: false,
            trust_checks: true,
        }
    }

    /// Looks in `directory` as well, after those given before it. A relative one is taken from the directory that the
    /// process works in.
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

    /// Does not look in the user's data directory.
    #[must_use]
    pub fn without_user_data(mut self) -> Self {
        self.user_data = false;
        self
    }

    /// Does not look in the system's library directories.
    #[must_use]
    pub fn without_system(mut self) -> Self {
        self.system = false;
        self
    }

    /// Loads whatever is found, without checks of trust: files and directories that others own or may write to,
    /// links that lead out of a directory, and relative directories in `NETABASE_DRIVER_PATH`.
    ///
    /// Anyone who can write there then runs code with the rights of this process. What a manifest file says is still held to.
    #[must_use]
    pub fn without_trust_checks(mut self) -> Self {
        self.trust_checks = false;
        self
    }

    /// The directories that are looked at, in order, whether they are there or not.
    ///
    /// A program with more rights than the user who starts it, as by a set-user-id bit, does not look where that user
    /// can make it look: `NETABASE_DRIVER_PATH`, beside the executable, and the user's data directory.
    ///
    /// Beside an executable means its own directory and the folders where Cargo puts the libraries that were built
    /// together with it: `deps` below it, and `deps` beside `examples`.
    #[must_use]
    pub fn directories(&self) -> Vec<PathBuf> {
        self.locations()
            .into_iter()
            .filter(|location| location.refusal().is_none())
            .map(|location| location.directory)
            .collect()
    }

    /// The names of the drivers whose libraries or manifests lie there, sorted. Goes by the names of files, and by what
    /// a TOML file begins with in a directory that is trusted: whether one can be loaded shows when it is, or by
    /// [`list`](super::list). Directories that cannot be read count as empty.
    #[must_use]
    pub fn driver_names(&self) -> Vec<String> {
        let names: BTreeSet<_> = self
            .locations()
            .iter()
            .filter(|location| location.refusal().is_none())
            .filter_map(|location| location.driver_names().ok())
            .flatten()
            .collect();
        names.into_iter().collect()
    }

    pub(super) fn locations(&self) -> Vec<Location> {
        let mut locations = Vec::new();
        let is_privileged = privilege::is_raised();
        let mut add = |level, directories: Vec<PathBuf>, trust: &Trust| {
            locations.extend(directories.into_iter().map(|directory| Location {
                level,
                directory,
                trust: trust.clone(),
                withheld: is_privileged && level.is_chosen_by_user(),
            }));
        };
        let trust = if self.trust_checks {
            Trust::Owner
        } else {
            Trust::Anyone
        };
        add(Level::Given, self.given.clone(), &trust);
        if self.environment {
            add(Level::Environment, from_environment(), &trust);
        }
        if self.executable
            && let Ok(executable) = env::current_exe()
        {
            let trust = if self.trust_checks {
                Trust::beside(&executable)
            } else {
                Trust::Anyone
            };
            add(Level::Executable, beside(&executable), &trust);
        }
        if self.user_data {
            add(Level::UserData, user_data().into_iter().collect(), &trust);
        }
        if self.system {
            add(Level::System, system(), &trust);
        }
        locations
    }
}

/// Why a directory is looked at; in the order in which they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Level {
    /// The program names it: [`SearchPath::with_directory`].
    Given,
    /// The environment variable `NETABASE_DRIVER_PATH` names it.
    Environment,
    /// The executable lies there.
    Executable,
    /// The user's data directory: `$XDG_DATA_HOME/netabase/drivers`, which is `~/.local/share/netabase/drivers` unless it
    /// is set; `~/Library/Application Support/netabase/drivers` on macOS; `%LOCALAPPDATA%\netabase\drivers` on Windows.
    UserData,
    /// The system's library directories: `/usr/local/lib`, then `/usr/lib`; `%ProgramFiles%\netabase\drivers` on Windows.
    System,
}

impl Level {
    /// A name for people and for programs: `given`, `environment`, `executable`, `user-data`, `system`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Environment => "environment",
            Self::Executable => "executable",
            Self::UserData => "user-data",
            Self::System => "system",
        }
    }

    /// Whether the user that starts a program chooses what is looked at, and not who wrote or installed it.
    const fn is_chosen_by_user(self) -> bool {
        matches!(self, Self::Environment | Self::Executable | Self::UserData)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One directory of a search path, and who is trusted there.
#[derive(Debug)]
pub(super) struct Location {
    pub(super) level: Level,
    pub(super) directory: PathBuf,
    pub(super) trust: Trust,
    /// Whether the process has more rights than the user who chose the directory. Then not even names are looked at there.
    pub(super) withheld: bool,
}

impl Location {
    /// Why the directory is not looked at, whatever is in it.
    pub(super) fn refusal(&self) -> Option<String> {
        if self.withheld {
            return Some(
                "this program has rights that the user who started it may lack (a set-user-id or set-group-id bit, or \
                 capabilities), so that it does not look where that user chooses; put the driver into the system's \
                 library directory, or let the program give its directory"
                    .to_owned(),
            );
        }
        let is_refused = self.level == Level::Environment
            && self.trust.has_limits()
            && self.directory.is_relative();
        is_refused.then(|| {
            format!(
                "the directory is relative, so that it is another one wherever the program is started; write its \
                 absolute path into {ENVIRONMENT_VARIABLE}"
            )
        })
    }

    /// The names of the drivers that have a file here, sorted. In a directory that is not trusted no file is opened, and a
    /// manifest cannot be told from other programs' files.
    pub(super) fn driver_names(&self) -> std::io::Result<BTreeSet<String>> {
        let real = self.trust.directory(&self.directory).ok();
        let mut found = BTreeSet::new();
        for entry in self.directory.read_dir()? {
            let path = entry?.path();
            let of_manifest = || {
                let (name, real) = (names::manifest_name(&path)?, real.as_deref()?);
                self.is_meant(real, path.file_name()?).then_some(name)
            };
            found.extend(names::driver_name(&path).or_else(of_manifest));
        }
        Ok(found)
    }

    /// Whether a TOML file here is meant as a driver's manifest, so that those of other programs are left alone. One that
    /// cannot be read may be; what is not a regular file is none.
    fn is_meant(&self, real: &Path, file: &OsStr) -> bool {
        let Ok(path) = self.trust.file(real, file.as_ref()) else {
            return true;
        };
        match path.metadata() {
            Ok(metadata) if !metadata.is_file() || metadata.len() == 0 => false,
            _ => OpenFile::open(path, &self.trust)
                .map_or(true, |file| super::driver_file::is_meant(file.into_file())),
        }
    }
}

fn from_environment() -> Vec<PathBuf> {
    env::var_os(ENVIRONMENT_VARIABLE).map_or_else(Vec::new, |paths| {
        env::split_paths(&paths)
            .filter(|path| !path.as_os_str().is_empty())
            .collect()
    })
}

fn beside(executable: &Path) -> Vec<PathBuf> {
    let Some(directory) = executable.parent() else {
        return Vec::new();
    };
    let mut directories = vec![directory.to_owned(), directory.join("deps")];
    if directory.file_name() == Some(OsStr::new("examples")) {
        directories.push(directory.with_file_name("deps"));
    }
    directories
}

/// The value of an environment variable that names a directory; relative ones count as unset.
#[cfg(not(target_os = "macos"))]
fn directory_of(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}

fn user_data() -> Option<PathBuf> {
    #[cfg(windows)]
    let data = directory_of("LOCALAPPDATA");
    #[cfg(target_os = "macos")]
    let data = home().map(|home| home.join("Library/Application Support"));
    #[cfg(not(any(windows, target_os = "macos")))]
    let data =
        directory_of("XDG_DATA_HOME").or_else(|| home().map(|home| home.join(".local/share")));
    data.map(|data| data.join("netabase").join("drivers"))
}

#[cfg(not(windows))]
fn home() -> Option<PathBuf> {
    env::home_dir().filter(|path| path.is_absolute())
}

fn system() -> Vec<PathBuf> {
    #[cfg(windows)]
    return directory_of("ProgramFiles")
        .map(|programs| programs.join("netabase").join("drivers"))
        .into_iter()
        .collect();
    #[cfg(not(windows))]
    vec!["/usr/local/lib".into(), "/usr/lib".into()]
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn drivers_are_listed_by_the_names_of_their_files() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["two", "one-b"] {
            fs::write(folder.path().join(names::file_name(name)), "").unwrap();
        }
        fs::write(folder.path().join("three.toml"), "netabase-driver = 1").unwrap();
        fs::write(folder.path().join("rustfmt.toml"), "edition = '2024'").unwrap();
        fs::write(folder.path().join("empty.toml"), "").unwrap();
        fs::write(folder.path().join("libother.so"), "").unwrap();
        let search = SearchPath::none()
            .with_directory(folder.path())
            .with_directory(folder.path())
            .with_directory(folder.path().join("missing"));
        assert_eq!(search.driver_names(), ["one-b", "three", "two"]);
    }

    /// Others put what they like there: links to what never ends, and pipes.
    #[cfg(unix)]
    #[test]
    fn nothing_is_opened_in_a_directory_that_is_not_trusted() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(names::file_name("one")), "").unwrap();
        fs::write(folder.path().join("two.toml"), "netabase-driver = 1").unwrap();
        let search = SearchPath::none().with_directory(folder.path());
        assert_eq!(search.driver_names(), ["one", "two"]);
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(search.driver_names(), ["one"]);
        let trusting = search.without_trust_checks();
        assert_eq!(trusting.driver_names(), ["one", "two"]);
    }

    #[test]
    fn levels_come_in_order_and_each_can_be_left_out() {
        let levels = |search: &SearchPath| {
            let mut levels: Vec<_> = search
                .locations()
                .iter()
                .map(|location| location.level)
                .collect();
            levels.dedup();
            levels
        };
        let search = SearchPath::default()
            .with_directory("b")
            .with_directory("a");
        let all = levels(&search);
        assert!(all.is_sorted());
        for level in [
            Level::Given,
            Level::Executable,
            Level::UserData,
            Level::System,
        ] {
            assert!(all.contains(&level), "{level}");
        }
        assert_eq!(
            search.directories()[..2],
            [PathBuf::from("b"), PathBuf::from("a")]
        );
        let without = search.clone().without_executable();
        assert!(!levels(&without).contains(&Level::Executable));
        let without = search.clone().without_user_data();
        assert!(!levels(&without).contains(&Level::UserData));
        let without = search.clone().without_system();
        assert!(!levels(&without).contains(&Level::System));
        let without = search
            .without_environment()
            .without_executable()
            .without_user_data()
            .without_system();
        assert_eq!(
            without,
            SearchPath::none().with_directory("b").with_directory("a")
        );
        assert_eq!(levels(&without), [Level::Given]);
        assert!(SearchPath::none().directories().is_empty());
    }
}
