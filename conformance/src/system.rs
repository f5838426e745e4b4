//! What cases of failure ask of the operating system: little space, and permissions that hold.

use std::io;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};

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

/// The number of a file or folder in its file system.
pub(crate) fn inode(path: &Path) -> io::Result<u64> {
    #[cfg(unix)]
    return std::fs::metadata(path).map(|found| std::os::unix::fs::MetadataExt::ino(&found));
    #[cfg(not(unix))]
    return {
        let _ = path;
        Err(io::ErrorKind::Unsupported.into())
    };
}

/// Whether the system ended a process that touched a page of a file where the file had no more bytes.
pub(crate) fn ended_by_a_bus_error(status: ExitStatus) -> bool {
    #[cfg(target_os = "linux")]
    return std::os::unix::process::ExitStatusExt::signal(&status)
        == Some(rustix::process::Signal::BUS.as_raw());
    #[cfg(not(target_os = "linux"))]
    return {
        let _ = status;
        false
    };
}

/// Makes the process that is started, and those that it starts, a group of their own, where the system has groups.
pub(crate) fn lead_a_group(command: &mut Command) {
    #[cfg(target_os = "linux")]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(not(target_os = "linux"))]
    let _ = command;
}

/// Ends this process when the one that started it ends, as when a person interrupts a run; where the system offers that.
pub(crate) fn end_with_parent() {
    // Without it, the process ends when its case does.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
}

/// Lets this process have memory by ordinary pages only, so that what it holds tells what it asked for.
pub(crate) fn without_huge_pages() {
    // A kernel that knows of no huge pages gives none.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// Whether a process has ended. Its number is not given to another one before it is waited for.
#[cfg(target_os = "linux")]
pub(crate) fn has_ended(process: &mut Child) -> io::Result<bool> {
    use rustix::process::{WaitId, WaitIdOptions, waitid};

    let Some(pid) = pid(process) else {
        return Ok(process.try_wait()?.is_some());
    };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    Ok(waitid(WaitId::Pid(pid), options)?.is_some())
}

#[cfg(target_os = "linux")]
fn pid(process: &Child) -> Option<rustix::process::Pid> {
    i32::try_from(process.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw)
}

/// Kills a process that was not waited for and, if it [leads a group](lead_a_group), what is left of the group.
pub(crate) fn kill_group(leader: &mut Child) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    if let Some(group) = pid(leader) {
        // That nothing is left of it is the rule, and no error.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    leader.kill()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn has_ended(process: &mut Child) -> io::Result<bool> {
    Ok(process.try_wait()?.is_some())
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
