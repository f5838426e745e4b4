//! Where a database is, in words that only its driver understands.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use super::{DriverError, ErrorKind, Result};

/// Where a database is: a path as the system has it, a URL, or nothing at all.
///
/// Core passes it on as it is, and the driver checks it. `Debug` and `Display` leave out the password of a URL.
///
/// # Examples
/// ```
/// use std::path::Path;
///
/// use netabase_core::driver::{ErrorKind, Location};
///
/// assert_eq!(Location::from("./my.redb").as_path()?, Path::new("./my.redb"));
///
/// let servers = Location::from("postgres://app:secret@one,two/shop");
/// assert_eq!(servers.as_text(), Some("postgres://app:secret@one,two/shop"));
/// assert_eq!(servers.to_string(), "postgres://app:***@one,two/shop");
/// assert_eq!(servers.as_path().unwrap_err().kind(), ErrorKind::InvalidInput);
/// # Ok::<(), netabase_core::driver::DriverError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Location<'a>(&'a OsStr);

impl<'a> Location<'a> {
    /// Whether there is nothing, as for an engine that keeps its data in memory.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The path of a database that is a file or folder.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the location is empty or a URL. A path that looks like a URL is
    /// written with `./` in front.
    pub fn as_path(self) -> Result<&'a Path> {
        if self.is_empty() {
            return Err(invalid(
                "this driver keeps a database on disk, and the location is empty; give the path of a file or folder"
                    .to_owned(),
            ));
        }
        if self.as_text().and_then(authority).is_some() {
            return Err(invalid(format!(
                "`{self}` is a URL, and this driver keeps a database on disk; give the path of a file or folder"
            )));
        }
        Ok(Path::new(self.0))
    }

    /// The location as text, such as a URL; `None` for a path that is not Unicode.
    #[must_use]
    pub fn as_text(self) -> Option<&'a str> {
        self.0.to_str()
    }

    /// The bytes that cross the driver ABI: those of the path on Unix, UTF-8 elsewhere.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a path that is not Unicode, on a system that is not a Unix.
    pub fn to_bytes(self) -> Result<&'a [u8]> {
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt as _;
            Ok(self.0.as_bytes())
        }
        #[cfg(not(unix))]
        self.as_text().map(str::as_bytes).ok_or_else(|| {
            invalid("the path is not Unicode; a driver that is loaded takes no other".to_owned())
        })
    }

    /// The location of these bytes; the reverse of [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for bytes that are not UTF-8, on a system that is not a Unix.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self> {
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt as _;
            Ok(Self(OsStr::from_bytes(bytes)))
        }
        #[cfg(not(unix))]
        str::from_utf8(bytes)
            .map(Self::from)
            .map_err(|error| invalid("the location is not UTF-8".to_owned()).with_source(error))
    }
}

#[cold]
fn invalid(message: String) -> DriverError {
    DriverError::new(ErrorKind::InvalidInput, message)
}

/// What follows `scheme://` in a URL. A scheme has two characters or more, so that it is not a drive of Windows.
fn authority(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    let is_scheme = scheme.len() > 1
        && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme.then_some(rest)
}

impl fmt::Display for Location<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string_lossy();
        if let Some(rest) = authority(&text) {
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            let (hosts, path) = rest.split_at(end);
            if let Some((user, hosts)) = hosts.rsplit_once('@')
                && let Some((user, _)) = user.split_once(':')
            {
                let scheme = &text[..text.len() - rest.len()];
                return write!(f, "{scheme}{user}:***@{hosts}{path}");
            }
        }
        f.write_str(&text)
    }
}

impl fmt::Debug for Location<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({:?})", self.to_string())
    }
}

impl<'a> From<&'a OsStr> for Location<'a> {
    fn from(location: &'a OsStr) -> Self {
        Self(location)
    }
}

macro_rules! from_borrowed {
    ($($type:ty),*) => {$(
        impl<'a> From<&'a $type> for Location<'a> {
            fn from(location: &'a $type) -> Self {
                Self(location.as_ref())
            }
        }
    )*};
}

from_borrowed!(str, String, Path, PathBuf);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_paths_and_urls_are_not() {
        for path in ["a", "/a/b", "./a://b", r"C:\a", "c://a", "a:b", "//host/a"] {
            assert_eq!(Location::from(path).as_path().unwrap(), Path::new(path));
        }
        for other in ["", "redb://host/a", "etcd://a:2379,b:2379/x?tls=true"] {
            let error = Location::from(other).as_path().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{other}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        for (location, shown) in [
            ("pg://u:p@h/d?x=a@b", "pg://u:***@h/d?x=a@b"),
            ("pg://u:p:q@h1,h2", "pg://u:***@h1,h2"),
            ("pg://u@h/d", "pg://u@h/d"),
            ("pg://h/a:b@c", "pg://h/a:b@c"),
            ("u:p@h", "u:p@h"),
        ] {
            assert_eq!(Location::from(location).to_string(), shown);
            assert!(format!("{:?}", Location::from(location)).contains(shown));
        }
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_not_unicode_go_there_and_back() {
        let location = Location::from_bytes(b"a\xFFb").unwrap();
        assert_eq!(location.to_bytes().unwrap(), b"a\xFFb");
        assert_eq!(location.as_text(), None);
        assert!(location.as_path().is_ok());
    }
}
