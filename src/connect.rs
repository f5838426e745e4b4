//! One store from a string: `redb:./my.redb?cache_size_mb=512`, `postgres://user@one,two/shop`.

use std::time::Duration;

use netabase_core::config::BUSY_TIMEOUT;
use netabase_core::driver::checked::Checked;
use netabase_core::driver::{AnyDatabase, AnyDriver, Driver, Durability, Location, OpenConfig};
use netabase_core::memory::Memory;
use percent_encoding::percent_decode_str;
use std::collections::BTreeSet;

use crate::error::printable;
use crate::store::Store;
use crate::{ErrorKind, NetabaseDefinitionTrait, NetabaseError, NetabaseStore};

/// A store on a driver that was chosen at run time.
pub type AnyStore<D> = Store<D, AnyDriver>;

impl<D: NetabaseDefinitionTrait> NetabaseStore<D, AnyStore<D>> {
    /// Opens the database that a string names: `driver:location?option=value&option=value`.
    ///
    /// The driver is one that is linked in, or else one that is loaded by name as
    /// [`load`](NetabaseStore::load) does. The location is a path, with `%3F` for a question mark and `%25` for a
    /// percent sign; for `memory` it is empty. The options are the fields of [`FileConfig`](crate::FileConfig) but the
    /// path, with `busy_timeout_ms` for its `busy_timeout`, and those of the driver itself.
    ///
    /// A string with hosts, `driver://user:password@host1,host2/name?option=value`, reaches the driver as it is, without
    /// those of its options that are fields of [`FileConfig`](crate::FileConfig).
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a malformed string or an option or value that is not known;
    /// [`DriverNotFound`](ErrorKind::DriverNotFound) for a driver that is neither linked in nor found; else as
    /// [`Store::open_with`]. The message lists what is known.
    ///
    /// # Examples
    /// ```
    /// # #[netabase_store::netabase_definition_module(Library, LibraryKeys)]
    /// # mod library {
    /// #     use netabase_store::{NetabaseModel, netabase};
    /// #     #[derive(NetabaseModel)]
    /// #     #[netabase(Library)]
    /// #     pub struct Book { #[primary_key] pub id: u64, pub title: String }
    /// # }
    /// # use library::*;
    /// use netabase_store::{ErrorKind, NetabaseStore};
    ///
    /// let store = NetabaseStore::<Library, _>::connect("memory:")?;
    /// store.open_tree::<Book>().put(Book { id: 1, title: "Emma".into() })?;
    ///
    /// let error = NetabaseStore::<Library, _>::connect("memory:?cache_size=1").unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::InvalidInput);
    /// # Ok::<(), netabase_store::NetabaseError>(())
    /// ```
    pub fn connect(url: &str) -> Result<Self, NetabaseError> {
        let connect = || {
            let target = Target::parse(url)?;
            let driver = driver(&target.driver)?;
            target.with_config(|config| Store::open_with(&driver, config, target.durability))
        };
        connect()
            .map(Self::from_backend)
            .map_err(|error| error.during("connect"))
    }
}

/// The drivers that are linked in.
#[must_use]
pub fn linked() -> Vec<AnyDriver> {
    vec![
        AnyDriver::new(Memory),
        #[cfg(feature = "redb")]
        AnyDriver::new(netabase_driver_redb::Redb),
        #[cfg(feature = "redb-zerocopy")]
        AnyDriver::new(netabase_driver_redb_zerocopy::RedbZeroCopy),
        #[cfg(feature = "sled")]
        AnyDriver::new(netabase_driver_sled::Sled),
    ]
}

/// The driver of this name: one that is linked in, or else one that is loaded.
///
/// # Errors
/// [`DriverNotFound`](ErrorKind::DriverNotFound) or [`DriverRejected`](ErrorKind::DriverRejected); the message lists those that
/// there are.
pub fn driver(name: &str) -> Result<AnyDriver, NetabaseError> {
    let linked = linked();
    if let Some(driver) = linked.iter().find(|driver| driver.manifest().name == name) {
        return Ok(driver.clone());
    }
    load(name).map_err(|error| {
        let names: Vec<_> = linked
            .iter()
            .map(|driver| driver.manifest().name.as_ref())
            .collect();
        let mut loadable = loadable().join(", ");
        if loadable.is_empty() {
            loadable.push_str("none");
        }
        let linked = names.join(", ");
        let name = printable(name);
        let message = match error.kind() {
            ErrorKind::DriverNotFound => format!(
                "driver `{name}` not found. Linked in: {linked}. Loadable: {loadable}. Use one of these, build with the \
                 feature of the driver's name, or put its library where drivers are looked for: {}",
                error.message()
            ),
            _ => format!("driver `{name}` cannot be loaded: {}", error.message()),
        };
        NetabaseError::new(error.kind(), message).with_source(error)
    })
}

/// The driver of this name from its dynamic library.
#[cfg(all(feature = "dynamic", not(target_arch = "wasm32")))]
fn load(name: &str) -> Result<AnyDriver, NetabaseError> {
    crate::loader::load(name, &crate::loader::SearchPath::default()).map(AnyDriver::new)
}

/// The names of the drivers whose libraries are where they are looked for.
#[cfg(all(feature = "dynamic", not(target_arch = "wasm32")))]
fn loadable() -> Vec<String> {
    crate::loader::SearchPath::default().driver_names()
}

#[cfg(not(all(feature = "dynamic", not(target_arch = "wasm32"))))]
fn load(_: &str) -> Result<AnyDriver, NetabaseError> {
    Err(NetabaseError::new(
        ErrorKind::DriverNotFound,
        "this program cannot load drivers; build it with the feature `dynamic`",
    ))
}

#[cfg(not(all(feature = "dynamic", not(target_arch = "wasm32"))))]
fn loadable() -> Vec<String> {
    Vec::new()
}

/// What a string says: see [`NetabaseStore::connect`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The name of the driver.
    pub driver: String,
    /// Where the database is: a path or a URL, as the driver takes it.
    pub location: String,
    /// Size of the engine's cache in bytes.
    pub cache_bytes: Option<u64>,
    /// Create the database if there is none.
    pub create_if_missing: bool,
    /// Remove all that an existing database holds.
    pub truncate: bool,
    /// Open for reading only.
    pub read_only: bool,
    /// What a commit promises.
    pub durability: Durability,
    /// How long a write waits for another one to end.
    pub busy_timeout: Duration,
    /// The options that are left to the driver.
    pub options: Vec<(String, String)>,
}

/// The options that are fields of [`FileConfig`](crate::FileConfig), for every driver the same.
const COMMON: [&str; 6] = [
    "cache_size_mb",
    "create_if_missing",
    "truncate",
    "read_only",
    "use_fsync",
    "busy_timeout_ms",
];

impl Target {
    /// Opens the database without any model: its trees as bytes.
    ///
    /// # Errors
    /// [`DriverNotFound`](ErrorKind::DriverNotFound) for a driver that is neither linked in nor found; else as
    /// [`Driver::open`].
    pub fn open(&self) -> Result<Checked<AnyDatabase>, NetabaseError> {
        let driver = driver(&self.driver)?;
        self.with_config(|config| Checked::open(&driver, config))
            .map_err(|error| {
                NetabaseError::from(error)
                    .during("open")
                    .on_driver(self.driver.clone())
            })
    }

    fn with_config<R>(&self, open: impl FnOnce(&OpenConfig<'_>) -> R) -> R {
        let options: Vec<_> = self
            .options
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        open(&OpenConfig {
            location: Location::from(&self.location),
            cache_bytes: self.cache_bytes,
            create_if_missing: self.create_if_missing,
            truncate: self.truncate,
            read_only: self.read_only,
            busy_timeout: self.busy_timeout,
            options: &options,
        })
    }

    /// Reads a string.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput); the message says what to write.
    pub fn parse(url: &str) -> Result<Self, NetabaseError> {
        let (driver, rest) = url.split_once(':').ok_or_else(|| {
            invalid(format!("`{url}` names no driver; write `driver:path?option=value`, such as `redb:./my.redb`"))
        })?;
        let (location, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (path, has_hosts) = match location.strip_prefix("//") {
            None => (location, false),
            Some(rest) => (rest, !rest.is_empty() && !rest.starts_with('/')),
        };
        let mut target = Self {
            driver: driver.to_owned(),
            location: if has_hosts {
                format!("{driver}:{location}")
            } else {
                decode(path)?
            },
            cache_bytes: None,
            create_if_missing: true,
            truncate: false,
            read_only: false,
            durability: Durability::Immediate,
            busy_timeout: BUSY_TIMEOUT,
            options: Vec::new(),
        };
        let mut seen = BTreeSet::new();
        let mut separator = '?';
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unzip();
            let name = decode(name.unwrap_or(option))?;
            let is_common = COMMON.contains(&name.as_str());
            if has_hosts && !is_common {
                target.location.push(separator);
                target.location.push_str(option);
                separator = '&';
                continue;
            }
            let value = value.ok_or_else(|| {
                invalid(format!(
                    "option `{option}` has no value; write `{option}=value`"
                ))
            })?;
            if !seen.insert(name.clone()) {
                return Err(invalid(format!(
                    "option `{name}` is given twice; give it once"
                )));
            }
            target.set(name, decode(value)?)?;
        }
        Ok(target)
    }

    fn set(&mut self, name: String, value: String) -> Result<(), NetabaseError> {
        match name.as_str() {
            "cache_size_mb" => {
                let megabytes = value.parse::<u64>().map_err(|error| {
                    invalid(format!(
                        "`cache_size_mb={value}` is not a whole number of megabytes"
                    ))
                    .with_source(error)
                })?;
                self.cache_bytes = Some(megabytes.saturating_mul(1024 * 1024));
            }
            "create_if_missing" => self.create_if_missing = flag(&name, &value)?,
            "truncate" => self.truncate = flag(&name, &value)?,
            "read_only" => self.read_only = flag(&name, &value)?,
            "use_fsync" => {
                self.durability = if flag(&name, &value)? {
                    Durability::Immediate
                } else {
                    Durability::None
                };
            }
            "busy_timeout_ms" => {
                let milliseconds = value.parse().map_err(|error| {
                    invalid(format!(
                        "`busy_timeout_ms={value}` is not a whole number of milliseconds"
                    ))
                    .with_source(error)
                })?;
                self.busy_timeout = Duration::from_millis(milliseconds);
            }
            _ => self.options.push((name, value)),
        }
        Ok(())
    }
}

fn flag(name: &str, value: &str) -> Result<bool, NetabaseError> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(invalid(format!(
            "`{name}={value}` is neither `true` nor `false`"
        ))),
    }
}

fn decode(text: &str) -> Result<String, NetabaseError> {
    percent_decode_str(text)
        .decode_utf8()
        .map(Into::into)
        .map_err(|error| {
            invalid(format!(
                "`{text}` is not UTF-8 once its percent signs are decoded"
            ))
            .with_source(error)
        })
}

#[cold]
fn invalid(message: String) -> NetabaseError {
    NetabaseError::new(ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_says_driver_location_and_options() {
        let target =
            Target::parse("redb:./a%3Fb.redb?cache_size_mb=2&read_only=true&use_fsync=false&busy_timeout_ms=250&x=%26")
                .unwrap();
        assert_eq!(
            target,
            Target {
                driver: "redb".into(),
                location: "./a?b.redb".into(),
                cache_bytes: Some(2 << 20),
                create_if_missing: true,
                truncate: false,
                read_only: true,
                durability: Durability::None,
                busy_timeout: Duration::from_millis(250),
                options: vec![("x".into(), "&".into())],
            }
        );
        assert_eq!(Target::parse("redb:///var/x").unwrap().location, "/var/x");
        let plain = Target::parse("memory:").unwrap();
        assert_eq!(
            (plain.location.as_str(), plain.busy_timeout),
            ("", BUSY_TIMEOUT)
        );
        assert_eq!(Target::parse("memory://").unwrap().location, "");
        assert_eq!(Target::parse(r"redb:C:\x").unwrap().location, r"C:\x");
    }

    #[test]
    fn a_string_with_hosts_reaches_the_driver_without_the_common_options() {
        let url = "postgres://app:p%40ss@one:1,two/shop?sslmode=verify-full&read_only=true&busy_timeout_ms=5&flag&x=%26";
        let target = Target::parse(url).unwrap();
        assert_eq!(target.driver, "postgres");
        assert_eq!(
            target.location,
            "postgres://app:p%40ss@one:1,two/shop?sslmode=verify-full&flag&x=%26"
        );
        assert!(target.read_only);
        assert!(target.options.is_empty());
        assert_eq!(target.busy_timeout, Duration::from_millis(5));
        let plain = "etcd://one:2379/prefix?";
        assert_eq!(
            Target::parse(plain).unwrap().location,
            "etcd://one:2379/prefix"
        );
    }

    #[test]
    fn a_driver_of_files_refuses_hosts() {
        let error = Target::parse("memory://host/x")
            .unwrap()
            .open()
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        #[cfg(feature = "redb")]
        {
            let error = Target::parse("redb://u:secret@host/x")
                .unwrap()
                .open()
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains("give the path"), "{error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn what_has_no_meaning_is_refused_with_what_to_write() {
        for (url, hint) in [
            ("my.redb", "driver:path"),
            ("redb:x?truncate", "truncate=value"),
            ("redb:x?truncate=yes", "`true` nor `false`"),
            ("redb:x?cache_size_mb=-1", "whole number"),
            ("redb:x?busy_timeout_ms=1s", "whole number"),
            ("redb:x?truncate=true&truncate=false", "twice"),
            ("redb:%ff", "UTF-8"),
        ] {
            let error = Target::parse(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(hint), "{url}: {error}");
        }
    }
}
