//! Whether this process has rights that the user who started it may lack.

/// Whether it has: by a set-user-id or set-group-id bit or, on Linux, by capabilities of its file or a security module.
#[cfg(unix)]
pub(super) fn is_raised() -> bool {
    use rustix::process::{getegid, geteuid, getgid, getuid};

    getuid() != geteuid() || getgid() != getegid() || is_secure_execution()
}

#[cfg(not(unix))]
pub(super) fn is_raised() -> bool {
    false
}

/// What the system says of how the program was started. It still says so when the program has given its rights back.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_secure_execution() -> bool {
    // SAFETY: the function takes any number, and answers 0 for what it does not know.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
fn is_secure_execution() -> bool {
    false
}
