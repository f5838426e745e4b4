//! What an opening asks of sled, checked before anything is touched.

use std::path::Path;

use netabase_core::driver::{DriverError, ErrorKind, OpenConfig, Result};
use sled::Mode;

use crate::large;

const FLUSH_EVERY_MS: &str = "flush_every_ms";
const MODE: &str = "mode";

/// The value of `flush_every_ms` that leaves flushing to commits and maintenance.
const NEVER: &str = "never";

/// The smallest cache that sled takes, in bytes.
const SMALLEST_CACHE: u64 = 256;

/// A checked [`OpenConfig`].
#[derive(Debug)]
pub(crate) struct Settings<'a> {
    pub(crate) path: &'a Path,
    pub(crate) create_if_missing: bool,
    pub(crate) truncate: bool,
    engine: sled::Config,
}

impl<'a> Settings<'a> {
    pub(crate) fn new(config: &OpenConfig<'a>) -> Result<Self> {
        let path = config.location.as_path()?;
        if config.read_only && config.truncate {
            return Err(invalid(
                "`truncate` removes what is stored, which `read_only` forbids; set one of the two",
            ));
        }
        if config.read_only {
            return Err(DriverError::new(
                ErrorKind::Unsupported,
                "sled writes to a database even when it only opens it; leave `read_only` off",
            ));
        }
        let mut engine = sled::Config::new().segment_size(large::SEGMENT);
        if let Some(bytes) = config.cache_bytes {
            if bytes < SMALLEST_CACHE {
                return Err(invalid(format!(
                    "a cache of {bytes} bytes is too small for sled, which takes {SMALLEST_CACHE} or more"
                )));
            }
            engine = engine.cache_capacity(bytes);
        }
        for &(name, value) in config.options {
            engine = set(engine, name, value)?;
        }
        Ok(Self {
            path,
            create_if_missing: config.create_if_missing,
            truncate: config.truncate,
            engine,
        })
    }

    /// sled's configuration for the folder at `path`.
    pub(crate) fn engine(self, path: &Path) -> sled::Config {
        self.engine.path(path)
    }
}

fn set(engine: sled::Config, name: &str, value: &str) -> Result<sled::Config> {
    match name {
        FLUSH_EVERY_MS if value == NEVER => Ok(engine.flush_every_ms(None)),
        FLUSH_EVERY_MS => match value.parse() {
            Ok(0) | Err(_) => Err(invalid(format!(
                "the option `{name}` takes a number of milliseconds above 0, or `{NEVER}`, not `{value}`"
            ))),
            Ok(milliseconds) => Ok(engine.flush_every_ms(Some(milliseconds))),
        },
        MODE => match value {
            "low_space" => Ok(engine.mode(Mode::LowSpace)),
            "high_throughput" => Ok(engine.mode(Mode::HighThroughput)),
            _ => Err(invalid(format!(
                "the option `{name}` takes `low_space` or `high_throughput`, not `{value}`"
            ))),
        },
        _ => Err(invalid(format!(
            "sled has no option `{name}`; it knows `{FLUSH_EVERY_MS}` and `{MODE}`"
        ))),
    }
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> DriverError {
    DriverError::new(ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_options<'a>(options: &'a [(&'a str, &'a str)]) -> Result<Settings<'a>> {
        Settings::new(&OpenConfig {
            options,
            ..OpenConfig::new(Path::new("a.sled"))
        })
    }

    #[test]
    fn an_unknown_option_is_refused_and_the_known_ones_are_listed() {
        let error = with_options(&[("compression", "on")]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        for name in [FLUSH_EVERY_MS, MODE] {
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
                    ..plain
                },
                ErrorKind::Unsupported,
            ),
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
