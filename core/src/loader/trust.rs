//! Who may have written a file: owners and permissions of it, of its directory, and of all that leads there.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::refusal::{Refusal, rejected};

/// Who may write to what is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trust {
    /// Nobody asks.
    Anyone,
    /// The user that this process runs as, and root.
    Owner,
    /// As well those who may write to the executable anyway: they run as this process whenever they like.
    Executable(Beside),
}

/// What is known of an executable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Beside {
    /// The directory that it lies in.
    directory: PathBuf,
    writers: Writers,
}

/// Who may write to a file besides this user and root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Writers {
    owner: Option<u32>,
    group: Option<u32>,
    others: bool,
}

/// How many links may follow on each other.
const LINKS: usize = 40;

impl Trust {
    /// The trust in what lies beside an executable.
    pub(super) fn beside(executable: &Path) -> Self {
        #[cfg(unix)]
        let writers = fs::metadata(executable).map_or_else(
            |_| Writers::default(),
            |metadata| {
                use std::os::unix::fs::MetadataExt as _;

                let may = |bit| metadata.mode() & bit != 0;
                Writers {
                    owner: Some(metadata.uid()),
                    group: may(GROUP_WRITES).then(|| metadata.gid()),
                    others: may(OTHERS_WRITE),
                }
            },
        );
        #[cfg(not(unix))]
        let writers = {
            let _ = executable;
            Writers::default()
        };
        Self::Executable(Beside {
            directory: executable.parent().unwrap_or(executable).to_owned(),
            writers,
        })
    }

    /// Whether there is anyone who is not trusted.
    pub(super) fn has_limits(&self) -> bool {
        *self != Self::Anyone
    }

    /// The directory's real path, if nobody else may have put what is in it there.
    ///
    /// Whatever leads there counts, links included: anyone who can rename one of its parents can put another in its place.
    /// Not so beside the executable, which could be replaced in the same way.
    pub(super) fn directory(&self, directory: &Path) -> Result<PathBuf, Refusal> {
        let real = match self {
            Self::Owner => self.walk(directory, None)?,
            Self::Executable(beside) if *directory != beside.directory => {
                self.directory_beside(directory)?
            }
            Self::Anyone | Self::Executable(_) => fs::canonicalize(directory).map_err(looked_at)?,
        };
        let metadata = fs::metadata(&real).map_err(looked_at)?;
        if !metadata.is_dir() {
            return Err(Refusal::rejected(format!(
                "{} is not a directory; name the directory that the drivers are in",
                directory.display()
            )));
        }
        self.check(&real, &metadata, false)?;
        Ok(real)
    }

    /// The real path of a directory beside an executable. Where others may put links, as in `/tmp`, they choose what
    /// `deps` is although nobody but its owner can replace the executable.
    fn directory_beside(&self, directory: &Path) -> Result<PathBuf, Refusal> {
        let (Some(parent), Some(name)) = (directory.parent(), directory.file_name()) else {
            return Err(Refusal::Absent);
        };
        let parent = fs::canonicalize(parent).map_err(looked_at)?;
        let metadata = fs::metadata(&parent).map_err(looked_at)?;
        self.walk(&parent.join(name), Some(&parent))
            .and_then(|real| {
                self.check(&parent, &metadata, false)?;
                Ok(real)
            })
    }

    /// The real path of a file of a directory whose real path is known, by its path from there.
    pub(super) fn file(&self, directory: &Path, file: &Path) -> Result<PathBuf, Refusal> {
        let path = directory.join(file);
        if self.has_limits() {
            self.walk(&path, Some(directory))
        } else {
            fs::canonicalize(path).map_err(looked_at)
        }
    }

    /// The real path of a file that a caller names; links may lead anywhere that is trusted.
    pub(super) fn path(&self, path: &Path) -> Result<PathBuf, Refusal> {
        let name = path.file_name().ok_or(Refusal::Absent)?;
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let path = self.directory(directory)?.join(name);
        if self.has_limits() {
            let real = self.walk(&path, None)?;
            if let Some(directory) = real.parent() {
                self.directory(directory)?;
            }
            Ok(real)
        } else {
            fs::canonicalize(path).map_err(looked_at)
        }
    }

    /// Follows a path step by step, as the system does, and checks each step. Up to `within` nothing is checked, and no
    /// link may lead out of it.
    fn walk(&self, path: &Path, within: Option<&Path>) -> Result<PathBuf, Refusal> {
        let path = std::path::absolute(path).map_err(looked_at)?;
        let mut steps: VecDeque<OsString> = path
            .components()
            .map(|step| step.as_os_str().to_owned())
            .collect();
        let mut real = PathBuf::new();
        let mut links = 0;
        while let Some(step) = steps.pop_front() {
            match Path::new(&step).components().next() {
                None | Some(Component::CurDir) => continue,
                Some(Component::ParentDir) => {
                    real.pop();
                    continue;
                }
                Some(Component::Prefix(_) | Component::RootDir | Component::Normal(_)) => {
                    real.push(&step);
                }
            }
            if within.is_some_and(|within| within.starts_with(&real)) {
                continue;
            }
            let metadata = fs::symlink_metadata(&real).map_err(looked_at)?;
            if metadata.is_symlink() {
                self.check_owner(&real, &metadata)?;
                links += 1;
                if links > LINKS {
                    return Err(Refusal::rejected(format!(
                        "{} leads through more than {LINKS} links; name the real path",
                        path.display()
                    )));
                }
                let target = fs::read_link(&real).map_err(looked_at)?;
                if let Some(within) = within
                    && !leads_within(&real, &target, within)
                {
                    return Err(Refusal::rejected(format!(
                        "it is a link to {}, which is outside of {}; put the file itself there, or load it by its own \
                         path",
                        target.display(),
                        within.display()
                    )));
                }
                real.pop();
                for step in target.components().rev() {
                    steps.push_front(step.as_os_str().to_owned());
                }
                continue;
            }
            let is_parent = within.is_none() && metadata.is_dir() && !steps.is_empty();
            self.check(&real, &metadata, is_parent)?;
        }
        // Links that each stay there by their text may leave together, through another's `..`.
        if let Some(within) = within
            && !real.starts_with(within)
        {
            return Err(Refusal::rejected(format!(
                "its links lead to {}, which is outside of {}; put the file itself there, or load it by its own path",
                real.display(),
                within.display()
            )));
        }
        Ok(real)
    }

    /// Whether nobody who is not trusted may write to this. A directory where anyone may create files and only their
    /// owners may rename them, such as `/tmp`, is good enough as a parent of one that is checked itself.
    pub(super) fn check(
        &self,
        path: &Path,
        metadata: &Metadata,
        is_parent: bool,
    ) -> Result<(), Refusal> {
        self.check_owner(path, metadata)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;

            let (group, others) = match self {
                Self::Anyone => return Ok(()),
                Self::Owner => (None, false),
                Self::Executable(Beside { writers, .. }) => (writers.group, writers.others),
            };
            let mode = metadata.mode();
            if is_parent && mode & STICKY != 0 {
                return Ok(());
            }
            let what = if metadata.is_dir() {
                "directory"
            } else {
                "file"
            };
            let path = path.display();
            if mode & OTHERS_WRITE != 0 && !others {
                return Err(Refusal::rejected(format!(
                    "everyone may write to the {what} {path}, and so choose what is loaded; run `chmod go-w {path}`, or \
                     move the driver where only you may write"
                )));
            }
            if mode & GROUP_WRITES != 0 && group != Some(metadata.gid()) && !others {
                return Err(Refusal::rejected(format!(
                    "the group {} may write to the {what} {path}, and so choose what is loaded; run `chmod g-w {path}`, \
                     or move the driver where only you may write",
                    metadata.gid()
                )));
            }
        }
        #[cfg(not(unix))]
        let _ = is_parent;
        Ok(())
    }

    fn check_owner(&self, path: &Path, metadata: &Metadata) -> Result<(), Refusal> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;

            let other = match self {
                Self::Anyone => return Ok(()),
                Self::Owner => None,
                Self::Executable(beside) => beside.writers.owner,
            };
            let owner = metadata.uid();
            if is_unknown(owner) {
                return Err(Refusal::rejected(format!(
                    "the owner of {} is not known in the user namespace that this program runs in; map its user there, or \
                     run the program outside of it",
                    path.display()
                )));
            }
            let user = rustix::process::geteuid().as_raw();
            if owner != ROOT && owner != user && Some(owner) != other {
                return Err(Refusal::rejected(format!(
                    "{} belongs to the user {owner}, who may change what is loaded, and this program runs as the user \
                     {user}; copy the driver to a place of your own",
                    path.display()
                )));
            }
        }
        #[cfg(not(unix))]
        let _ = (path, metadata);
        Ok(())
    }
}

#[cfg(unix)]
const ROOT: u32 = 0;

/// Whether a file that seems to belong to this user may belong to anyone: in a user namespace, one user stands for all
/// that have no number there, and this program's may be among them.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_unknown(owner: u32) -> bool {
    const OVERFLOW: u32 = 65534;
    let number = |text: &str| text.trim().parse::<u32>().ok();
    let overflow = fs::read_to_string("/proc/sys/kernel/overflowuid");
    if overflow.ok().and_then(|text| number(&text)) != Some(owner) && owner != OVERFLOW {
        return false;
    }
    // Outside of every namespace each number stands for itself.
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let words: Vec<_> = map.split_whitespace().collect();
    words != ["0", "0", "4294967295"]
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
fn is_unknown(_: u32) -> bool {
    false
}

#[cfg(unix)]
const GROUP_WRITES: u32 = 0o020;
#[cfg(unix)]
const OTHERS_WRITE: u32 = 0o002;
#[cfg(unix)]
const STICKY: u32 = 0o1000;

/// Whether a link at `link` stays in the directory. Goes by the text alone, so that a link which leaves and comes back is
/// turned down as well.
fn leads_within(link: &Path, target: &Path, within: &Path) -> bool {
    let mut path = link.to_owned();
    path.pop();
    for step in target.components() {
        match step {
            Component::CurDir => {}
            Component::ParentDir => {
                path.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => path.push(step),
        }
        if target.is_relative() && !path.starts_with(within) {
            return false;
        }
    }
    path.starts_with(within) && path != within
}

/// Why a file or directory cannot be looked at; one that is not there is absent.
pub(super) fn looked_at(error: io::Error) -> Refusal {
    if matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    ) {
        return Refusal::Absent;
    }
    let message: Cow<'static, str> = format!("it cannot be looked at: {error}").into();
    Refusal::Rejected(rejected(message).with_source(error))
}
