//! What an opening asks of LMDB, checked before anything is touched.

use std::path::PathBuf;

use netabase_core::driver::kit::options::{self, Options};
use netabase_core::driver::kit::path::Place;
use netabase_core::driver::{OpenConfig, Result};

const MAP_SIZE: &str = "map_size";
const MAX_READERS: &str = "max_readers";

/// How far a database can grow unless `map_size` says otherwise: 256 GiB, or 1 GiB where addresses have 32 bits.
///
/// Several hundred such maps fit into the addresses of a process of 64 bits.
const DEFAULT_MAP_SIZE: usize = if usize::BITS >= 64 { 1 << 38 } else { 1 << 30 };
/// A map has a multiple of this many bytes, which is one of every system's page size.
const MAP_GRANULE: usize = 64 * 1024;
/// The smallest map that is taken: LMDB needs a few pages to begin with.
const SMALLEST_MAP: usize = 1 << 20;

/// How many read transactions may be open at the same time unless `max_readers` says otherwise.
const DEFAULT_READERS: u32 = 4096;
/// A table of readers beyond this is a mistake: 64 bytes each.
const MOST_READERS: u32 = 1 << 20;

/// A checked [`OpenConfig`].
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) path: PathBuf,
    pub(crate) creates: bool,
    pub(crate) truncate: bool,
    pub(crate) read_only: bool,
    pub(crate) map_size: usize,
    pub(crate) max_readers: u32,
}

impl Settings {
    pub(crate) fn new(config: &OpenConfig<'_>) -> Result<Self> {
        let path = options::path(config, "LMDB", Place::Folder)?;
        options::no_cache(
            config,
            "LMDB has no cache of its own, it reads from the system's",
        )?;
        let options = Options::new(config, "LMDB", &[MAP_SIZE, MAX_READERS])?;
        let bytes = format_args!("a number of bytes from {SMALLEST_MAP} on");
        let map_size = options.get(MAP_SIZE, bytes, |value| {
            let bytes: usize = value.parse().ok()?;
            bytes
                .checked_next_multiple_of(MAP_GRANULE)
                .filter(|_| bytes >= SMALLEST_MAP)
        })?;
        let readers = format_args!("a number from 1 to {MOST_READERS}");
        let max_readers = options.get(MAX_READERS, readers, |value| {
            let readers = value.parse().ok()?;
            (1..=MOST_READERS).contains(&readers).then_some(readers)
        })?;
        Ok(Self {
            path,
            creates: config.create_if_missing && !config.read_only,
            truncate: config.truncate,
            read_only: config.read_only,
            map_size: map_size.unwrap_or(DEFAULT_MAP_SIZE),
            max_readers: max_readers.unwrap_or(DEFAULT_READERS),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use netabase_core::driver::ErrorKind;

    use super::*;

    fn with_options(options: &[(&str, &str)]) -> Result<Settings> {
        Settings::new(&OpenConfig {
            options,
            ..OpenConfig::new(Path::new("people.lmdb"))
        })
    }

    #[test]
    fn an_option_takes_its_values_and_no_others() {
        for option in [
            (MAP_SIZE, "0"),
            (MAP_SIZE, "1048575"),
            (MAP_SIZE, "large"),
            (MAP_SIZE, "99999999999999999999"),
            (MAP_SIZE, "18446744073709551615"),
            (MAX_READERS, "0"),
            (MAX_READERS, "-1"),
            (MAX_READERS, "1048577"),
        ] {
            let error = with_options(&[option]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{option:?}");
            assert!(error.message().contains(option.1), "{error:?}");
        }
        let settings = with_options(&[(MAP_SIZE, "1048577"), (MAX_READERS, "7")]).unwrap();
        assert_eq!(settings.map_size, (1 << 20) + MAP_GRANULE);
        assert_eq!(settings.max_readers, 7);
    }

    #[test]
    fn an_unknown_option_is_refused_and_the_known_ones_are_listed() {
        let error = with_options(&[("compression", "on")]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        for name in ["compression", MAP_SIZE, MAX_READERS] {
            assert!(error.message().contains(name), "{error:?}");
        }
    }

    #[test]
    fn what_lmdb_cannot_honour_is_refused() {
        let plain = OpenConfig::new(Path::new("people.lmdb"));
        let cached = OpenConfig {
            cache_bytes: Some(1 << 20),
            ..plain
        };
        let error = Settings::new(&cached).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let contradictory = OpenConfig {
            read_only: true,
            truncate: true,
            ..plain
        };
        for config in [contradictory, OpenConfig::new(Path::new(""))] {
            let error = Settings::new(&config).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
    }
}
