//! What an opening asks of sled, checked before anything is touched.

use std::path::PathBuf;

use netabase_core::driver::kit::options::{self, Options, invalid};
use netabase_core::driver::kit::path::Place;
use netabase_core::driver::{OpenConfig, Result};
use sled::Mode;

use crate::large;

const FLUSH_EVERY_MS: &str = "flush_every_ms";
const MODE: &str = "mode";
pub(crate) const ACCEPT_LOST_COMMITS: &str = "accept_lost_commits";

/// The value of `flush_every_ms` that leaves flushing to commits and maintenance.
const NEVER: &str = "never";

/// The smallest cache that sled takes, in bytes.
const SMALLEST_CACHE: u64 = 256;

/// A checked [`OpenConfig`].
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) path: PathBuf,
    pub(crate) create_if_missing: bool,
    pub(crate) truncate: bool,
    pub(crate) read_only: bool,
    pub(crate) accept_lost_commits: bool,
    pub(crate) engine: sled::Config,
}

impl Settings {
    pub(crate) fn new(config: &OpenConfig<'_>) -> Result<Self> {
        let path = options::path(config, "sled", Place::Folder)?;
        let mut engine = sled::Config::new().path(&path).segment_size(large::SEGMENT);
        if let Some(bytes) = config.cache_bytes {
            if bytes < SMALLEST_CACHE {
                return Err(invalid(format!(
                    "a cache of {bytes} bytes is too small for sled, which takes {SMALLEST_CACHE} or more"
                )));
            }
            engine = engine.cache_capacity(bytes);
        }
        let options = Options::new(config, "sled", &[FLUSH_EVERY_MS, MODE, ACCEPT_LOST_COMMITS])?;
        let milliseconds = format_args!("a number of milliseconds above 0, or `{NEVER}`");
        let flush_every_ms = options.get(FLUSH_EVERY_MS, milliseconds, |value| match value {
            NEVER => Some(None),
            number => number.parse().ok().filter(|&number| number > 0).map(Some),
        })?;
        if let Some(milliseconds) = flush_every_ms {
            engine = engine.flush_every_ms(milliseconds);
        }
        let mode = options.get(
            MODE,
            "`low_space` or `high_throughput`",
            |value| match value {
                "low_space" => Some(Mode::LowSpace),
                "high_throughput" => Some(Mode::HighThroughput),
                _ => None,
            },
        )?;
        if let Some(mode) = mode {
            engine = engine.mode(mode);
        }
        Ok(Self {
            path,
            create_if_missing: config.create_if_missing && !config.read_only,
            truncate: config.truncate,
            read_only: config.read_only,
            accept_lost_commits: options.flag(ACCEPT_LOST_COMMITS)?,
            engine,
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
            ..OpenConfig::new(Path::new("a.sled"))
        })
    }

    #[test]
    fn an_unknown_option_is_refused_and_the_known_ones_are_listed() {
        let error = with_options(&[("compression", "on")]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        for name in [FLUSH_EVERY_MS, MODE, ACCEPT_LOST_COMMITS] {
            assert!(error.message().contains(name), "{error:?}");
        }
    }

    #[test]
    fn an_option_takes_its_values_and_no_others() {
        for option in [
            (FLUSH_EVERY_MS, "0"),
            (FLUSH_EVERY_MS, "-1"),
            (FLUSH_EVERY_MS, "soon"),
            (MODE, "fast"),
            (MODE, ""),
            (ACCEPT_LOST_COMMITS, "yes"),
        ] {
            let error = with_options(&[option]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{option:?}");
        }
        let settings = with_options(&[(FLUSH_EVERY_MS, "20"), (MODE, "high_throughput")]).unwrap();
        assert_eq!(settings.engine.flush_every_ms, Some(20));
        assert!(matches!(settings.engine.mode, Mode::HighThroughput));
        let settings = with_options(&[(FLUSH_EVERY_MS, NEVER)]).unwrap();
        assert_eq!(settings.engine.flush_every_ms, None);
    }

    #[test]
    fn what_sled_cannot_honour_is_refused() {
        let plain = OpenConfig::new(Path::new("a.sled"));
        for (config, kind) in [
            (
                OpenConfig {
                    read_only: true,
                    truncate: true,
                    ..plain
                },
                ErrorKind::InvalidInput,
            ),
            (
                OpenConfig {
                    cache_bytes: Some(255),
                    ..plain
                },
                ErrorKind::InvalidInput,
            ),
            (OpenConfig::new(Path::new("")), ErrorKind::InvalidInput),
        ] {
            assert_eq!(Settings::new(&config).unwrap_err().kind(), kind);
        }
        let config = OpenConfig {
            cache_bytes: Some(1 << 20),
            ..plain
        };
        let settings = Settings::new(&config).unwrap();
        assert_eq!(settings.engine.cache_capacity, 1 << 20);
    }
}
