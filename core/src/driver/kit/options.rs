//! The fields and options of an [`OpenConfig`]: each is taken or refused, before anything is touched.

use std::fmt;
use std::path::PathBuf;

use super::path::{self, Place};
use crate::driver::{DriverError, ErrorKind, OpenConfig, Result};

/// The absolute path that the location of `config` is, for an engine that keeps its data in a place of this kind.
///
/// It stays right when the process changes its folder.
///
/// # Errors
/// [`InvalidInput`](ErrorKind::InvalidInput) if the location is empty or a URL, if it ends like a folder and a file is asked for,
/// or if `truncate` and `read_only` are both set.
pub fn path(config: &OpenConfig<'_>, engine: &str, place: Place) -> Result<PathBuf> {
    if config.location.is_empty() {
        return Err(invalid(format!(
            "{engine} keeps its data in a {place}; give the path of one"
        )));
    }
    if config.read_only && config.truncate {
        return Err(invalid(
            "`truncate` removes what is stored, which `read_only` forbids; set one of the two",
        ));
    }
    let path = config.location.as_path()?;
    let ends_in_separator = path
        .as_os_str()
        .as_encoded_bytes()
        .last()
        .is_some_and(|last| std::path::is_separator(char::from(*last)));
    if place == Place::File && ends_in_separator {
        return Err(invalid(format!(
            "`{}` ends like a folder, and {engine} keeps its data in a {place}; leave the last separator out",
            path.display()
        )));
    }
    std::path::absolute(path).map_err(|error| path::inaccessible(path, error))
}

/// Refuses what has no meaning for an engine that begins empty, and keeps everything in memory.
///
/// # Errors
/// - [`InvalidInput`](ErrorKind::InvalidInput): a location or an option is given.
/// - [`Unsupported`](ErrorKind::Unsupported): `read_only`, or a cache size.
/// - [`NotFound`](ErrorKind::NotFound): `create_if_missing` is off.
pub fn in_memory(config: &OpenConfig<'_>, engine: &str) -> Result<()> {
    if !config.location.is_empty() {
        return Err(invalid(format!(
            "{engine} keeps nothing on disk; leave the location empty instead of `{}`",
            config.location
        )));
    }
    Options::new(config, engine, &[])?;
    no_read_only(config, "a database in memory begins empty")?;
    no_cache(config, "everything is in memory")?;
    if !config.create_if_missing {
        return Err(DriverError::new(
            ErrorKind::NotFound,
            "a database in memory is never there before it is opened; set `create_if_missing`",
        ));
    }
    Ok(())
}

/// Refuses `read_only`, for this reason.
///
/// # Errors
/// [`Unsupported`](ErrorKind::Unsupported).
pub fn no_read_only(config: &OpenConfig<'_>, reason: &str) -> Result<()> {
    match config.read_only {
        true => Err(unsupported(format!("{reason}; leave `read_only` off"))),
        false => Ok(()),
    }
}

/// Refuses a cache size, for this reason.
///
/// # Errors
/// [`Unsupported`](ErrorKind::Unsupported).
pub fn no_cache(config: &OpenConfig<'_>, reason: &str) -> Result<()> {
    match config.cache_bytes {
        Some(_) => Err(unsupported(format!("{reason}; leave the cache size open"))),
        None => Ok(()),
    }
}

/// The options of a configuration, all of them known.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    given: &'a [(&'a str, &'a str)],
}

impl<'a> Options<'a> {
    /// The options of `config`, for an engine that knows these.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for any other option; the message lists the known ones.
    pub fn new(config: &OpenConfig<'a>, engine: &str, known: &[&str]) -> Result<Self> {
        let given = config.options;
        match given.iter().find(|(name, _)| !known.contains(name)) {
            None => Ok(Self { given }),
            Some((name, _)) if known.is_empty() => {
                Err(invalid(format!("{engine} has no options; remove `{name}`")))
            }
            Some((name, _)) => Err(invalid(format!(
                "{engine} has no option `{name}`; it knows `{}`",
                known.join("`, `")
            ))),
        }
    }

    /// The value of an option as `parse` reads it; `None` if the option was not given. `takes` says, for the message, what
    /// values there are. Where an option is given twice, the later value holds.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a value of which `parse` makes nothing.
    pub fn get<T>(
        &self,
        name: &str,
        takes: impl fmt::Display,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        let given = self.given.iter().filter(|(given, _)| *given == name);
        given.map(|(_, value)| *value).try_fold(None, |_, value| {
            let parsed = parse(value).ok_or_else(|| {
                invalid(format!("the option `{name}` takes {takes}, not `{value}`"))
            });
            parsed.map(Some)
        })
    }

    /// The value of an option that is on or off; off if it was not given.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a value other than `true` and `false`.
    pub fn flag(&self, name: &str) -> Result<bool> {
        let value = self.get(name, "`true` or `false`", |value| value.parse().ok())?;
        Ok(value.unwrap_or(false))
    }
}

/// The error for a field or an option that has no meaning for the engine.
#[must_use]
pub fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> DriverError {
    DriverError::new(ErrorKind::InvalidInput, message)
}

fn unsupported(message: String) -> DriverError {
    DriverError::new(ErrorKind::Unsupported, message)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn plain() -> OpenConfig<'static> {
        OpenConfig::new(Path::new(""))
    }

    #[test]
    fn what_has_no_meaning_in_memory_is_refused() {
        for (config, kind) in [
            (
                OpenConfig::new(Path::new("somewhere")),
                ErrorKind::InvalidInput,
            ),
            (
                OpenConfig {
                    options: &[("speed", "high")],
                    ..plain()
                },
                ErrorKind::InvalidInput,
            ),
            (
                OpenConfig {
                    read_only: true,
                    ..plain()
                },
                ErrorKind::Unsupported,
            ),
            (
                OpenConfig {
                    cache_bytes: Some(1),
                    ..plain()
                },
                ErrorKind::Unsupported,
            ),
            (
                OpenConfig {
                    create_if_missing: false,
                    ..plain()
                },
                ErrorKind::NotFound,
            ),
        ] {
            assert_eq!(
                in_memory(&config, "memory").unwrap_err().kind(),
                kind,
                "{config:?}"
            );
        }
        in_memory(
            &OpenConfig {
                truncate: true,
                ..plain()
            },
            "memory",
        )
        .unwrap();
    }

    #[test]
    fn an_empty_path_and_contradictory_fields_are_refused() {
        let contradictory = OpenConfig {
            read_only: true,
            truncate: true,
            ..OpenConfig::new(Path::new("a.db"))
        };
        for config in [plain(), contradictory] {
            let error = path(&config, "the engine", Place::File).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
        let found = path(
            &OpenConfig::new(Path::new("a.db")),
            "the engine",
            Place::File,
        )
        .unwrap();
        assert!(found.is_absolute() && found.ends_with("a.db"));
    }

    #[test]
    fn an_unknown_option_is_refused_and_the_known_ones_are_listed() {
        let config = OpenConfig {
            options: &[("speed", "high")],
            ..plain()
        };
        let error = Options::new(&config, "the engine", &["mode", "size"]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(
            error.message().contains("`speed`; it knows `mode`, `size`"),
            "{error}"
        );
    }

    #[test]
    fn an_option_takes_its_values_and_no_others() {
        let given = |options| {
            let config = OpenConfig { options, ..plain() };
            Options::new(&config, "the engine", &["sync", "size"]).unwrap()
        };
        let size =
            |options| given(options).get("size", "a number", |value| value.parse::<u8>().ok());
        assert_eq!(size(&[("sync", "true")]).unwrap(), None);
        assert_eq!(
            size(&[("size", "1"), ("sync", "true"), ("size", "2")]).unwrap(),
            Some(2)
        );
        for options in [&[("size", "256")][..], &[("size", ""), ("size", "1")]] {
            let error = size(options).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.message().contains("`size` takes a number"), "{error}");
        }
        assert!(given(&[("sync", "true")]).flag("sync").unwrap());
        assert!(!given(&[("sync", "false")]).flag("sync").unwrap());
        assert!(!given(&[]).flag("sync").unwrap());
        given(&[("sync", "yes")]).flag("sync").unwrap_err();
    }
}
