//! Names of drivers, and the names of their files.

use std::env;
use std::path::Path;

use crate::error::{ErrorKind, NetabaseError};

/// What the file name of a driver's library begins with, after the platform's own prefix.
const STEM: &str = "netabase_driver_";

/// What the file name of a manifest ends with, after the driver's name.
const MANIFEST_SUFFIX: &str = ".toml";

/// Checks a driver's name: `[a-z0-9][a-z0-9-]*`, never a path.
pub(super) fn check_name(name: &str) -> Result<(), NetabaseError> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !name.is_empty() && !name.starts_with('-') && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(NetabaseError::new(
        ErrorKind::InvalidInput,
        format!(
            "{name:?} is not a driver's name; a name has lower-case letters, digits and `-`, and begins without `-`; a file \
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

/// The name of a driver's manifest file.
pub(super) fn manifest_file_name(name: &str) -> String {
    format!("{name}{MANIFEST_SUFFIX}")
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

/// The name of the driver whose manifest file this is; `None` if the file is not named as one.
pub(super) fn manifest_name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?.strip_suffix(MANIFEST_SUFFIX)?;
    check_name(name).is_ok().then(|| name.to_owned())
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
            "..",
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
            let manifest = Path::new("somewhere").join(manifest_file_name(name));
            assert_eq!(manifest_name(&manifest).as_deref(), Some(name));
        }
        assert_eq!(driver_name(Path::new("libother.so")), None);
        assert_eq!(driver_name(Path::new("..")), None);
        assert_eq!(manifest_name(Path::new("Cargo.toml")), None);
        assert_eq!(manifest_name(Path::new(".toml")), None);
    }
}
