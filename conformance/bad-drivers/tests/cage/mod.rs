//! A directory of one test's own, with nothing in it but what the test puts there.

#![allow(dead_code, reason = "each test executable uses a part of it")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use netabase_core::loader::SearchPath;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

/// The name of a library of this platform.
pub(crate) fn file_name(stem: &str) -> String {
    format!(
        "{}{stem}{}",
        env::consts::DLL_PREFIX,
        env::consts::DLL_SUFFIX
    )
}

/// The name of a driver's library.
pub(crate) fn driver_file(name: &str) -> String {
    file_name(&format!("netabase_driver_{}", name.replace('-', "_")))
}

/// The library with all drivers, which Cargo puts beside the test.
pub(crate) fn library() -> PathBuf {
    let library = env::current_exe()
        .unwrap()
        .with_file_name(file_name("conformance_bad_drivers"));
    assert!(library.is_file(), "{} is missing", library.display());
    library
}

pub(crate) struct Cage(TempDir);

impl Cage {
    pub(crate) fn new() -> Self {
        let cage = Self(tempfile::tempdir().unwrap());
        cage.mode("", 0o755);
        cage
    }

    /// With the library of this driver.
    pub(crate) fn of(driver: &str) -> Self {
        let cage = Self::new();
        cage.add_library(&driver_file(driver));
        cage
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        if file.is_empty() {
            self.0.path().to_owned()
        } else {
            self.0.path().join(file)
        }
    }

    pub(crate) fn write(&self, file: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(file);
        fs::write(&path, contents).unwrap();
        self.mode(file, 0o644);
        path
    }

    /// A copy of the library, under any name.
    pub(crate) fn add_library(&self, file: &str) -> PathBuf {
        self.write(file, fs::read(library()).unwrap())
    }

    pub(crate) fn add_directory(&self, directory: &str) -> PathBuf {
        let path = self.path(directory);
        fs::create_dir(&path).unwrap();
        self.mode(directory, 0o755);
        path
    }

    /// A manifest for this platform.
    pub(crate) fn add_manifest(&self, driver: &str, path: &str, sha256: &str) -> PathBuf {
        let platform = format!("{}-{}", env::consts::OS, env::consts::ARCH);
        self.write(
            &format!("{driver}.toml"),
            format!(
                "netabase-driver = 1\n\n[library.{platform}]\npath = \"{path}\"\nsha256 = \"{sha256}\"\n"
            ),
        )
    }

    #[cfg(unix)]
    pub(crate) fn mode(&self, file: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;

        fs::set_permissions(self.path(file), fs::Permissions::from_mode(mode)).unwrap();
    }

    #[cfg(not(unix))]
    pub(crate) fn mode(&self, _: &str, _: u32) {}

    /// This directory and no other place.
    pub(crate) fn search(&self) -> SearchPath {
        SearchPath::none().with_directory(self.path(""))
    }
}

/// The SHA-256 of a file, in hexadecimal.
pub(crate) fn sha256(path: &Path) -> String {
    let mut digits = String::new();
    for byte in Sha256::digest(fs::read(path).unwrap()) {
        write!(digits, "{byte:02x}").unwrap();
    }
    digits
}
