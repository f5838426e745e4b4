//! What cases of failure ask of the operating system: little space, and permissions that hold.

use std::io;
use std::path::Path;

/// Runs a program so that a write beyond [`limit_file_size`] fails instead of ending the process: how to start it.
pub(crate) const OUTLIVING_THE_LIMIT: &[&str] = &["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"];

/// Refuses this process every write that makes a file longer than `bytes`; `None` refuses none.
#[cfg(target_os = "linux")]
pub(crate) fn limit_file_size(bytes: Option<u64>) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let maximum = getrlimit(Resource::Fsize).maximum;
    let current = bytes.or(maximum);
    Ok(setrlimit(Resource::Fsize, Rlimit { current, maximum })?)
}

/// Makes file permissions hold for this thread, and those it starts, if it is the superuser's.
#[cfg(target_os = "linux")]
pub(crate) fn obey_permissions() -> io::Result<()> {
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

    let mut sets = capabilities(None)?;
    sets.effective -= CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
    Ok(set_capabilities(None, sets)?)
}

/// Sets the permissions of a file, or of a folder with all that is in it: `files` for files, `folders` for folders.
#[cfg(target_os = "linux")]
pub(crate) fn set_permissions(path: &Path, files: u32, folders: u32) -> io::Result<()> {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    let set = |mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    if !path.is_dir() {
        return set(files);
    }
    // Readable while its entries are changed, whatever it is before or after.
    set(0o700)?;
    for entry in fs::read_dir(path)? {
        set_permissions(&entry?.path(), files, folders)?;
    }
    set(folders)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn limit_file_size(_bytes: Option<u64>) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn obey_permissions() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn set_permissions(_path: &Path, _files: u32, _folders: u32) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
