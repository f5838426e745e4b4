//! What an opening asks of redb, checked before anything is touched.

use std::path::PathBuf;

use netabase_core::driver::kit::options::{self, Options, invalid};
use netabase_core::driver::kit::path::Place;
use netabase_core::driver::{OpenConfig, Result};

const QUICK_REPAIR: &str = "quick_repair";
const TWO_PHASE_COMMIT: &str = "two_phase_commit";
const CHECK_INTEGRITY_ON_OPEN: &str = "check_integrity_on_open";

/// A checked [`OpenConfig`].
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) path: PathBuf,
    pub(crate) cache_bytes: Option<usize>,
    pub(crate) creates: bool,
    pub(crate) truncate: bool,
    pub(crate) read_only: bool,
    pub(crate) check_integrity_on_open: bool,
    pub(crate) commits: CommitSettings,
}

/// How transactions commit.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CommitSettings {
    pub(crate) quick_repair: bool,
    pub(crate) two_phase: bool,
}

impl Settings {
    pub(crate) fn new(config: &OpenConfig<'_>) -> Result<Self> {
        let path = options::path(config, "redb", Place::File)?;
        let cache_bytes = config
            .cache_bytes
            .map(usize::try_from)
            .transpose()
            .map_err(|_| invalid("`cache_bytes` is more than this machine can address"))?;
        let known = [QUICK_REPAIR, TWO_PHASE_COMMIT, CHECK_INTEGRITY_ON_OPEN];
        let options = Options::new(config, "redb", &known)?;
        let settings = Self {
            path,
            cache_bytes,
            creates: config.create_if_missing && !config.read_only,
            truncate: config.truncate,
            read_only: config.read_only,
            check_integrity_on_open: options.flag(CHECK_INTEGRITY_ON_OPEN)?,
            commits: CommitSettings {
                quick_repair: options.flag(QUICK_REPAIR)?,
                two_phase: options.flag(TWO_PHASE_COMMIT)?,
            },
        };
        if settings.read_only && settings.check_integrity_on_open {
            return Err(invalid(
                "`check_integrity_on_open` may repair, which `read_only` forbids; set one of the two",
            ));
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use netabase_core::driver::ErrorKind;

    use super::*;

    #[test]
    fn an_unknown_option_is_refused_and_the_known_ones_are_listed() {
        let mut config = OpenConfig::new(Path::new("a.redb"));
        config.options = &[("quick-repair", "true")];
        let error = Settings::new(&config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        for name in [QUICK_REPAIR, TWO_PHASE_COMMIT, CHECK_INTEGRITY_ON_OPEN] {
            assert!(error.message().contains(name), "{error:?}");
        }
    }

    #[test]
    fn an_option_takes_true_or_false_and_nothing_else() {
        let mut config = OpenConfig::new(Path::new("a.redb"));
        config.options = &[(QUICK_REPAIR, "yes")];
        let error = Settings::new(&config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.message().contains("`true` or `false`"), "{error:?}");

        config.options = &[(QUICK_REPAIR, "true"), (TWO_PHASE_COMMIT, "false")];
        let settings = Settings::new(&config).unwrap();
        assert!(settings.commits.quick_repair);
        assert!(!settings.commits.two_phase);
    }

    #[test]
    fn settings_that_contradict_each_other_are_refused() {
        let path = Path::new("a.redb");
        for config in [
            OpenConfig {
                read_only: true,
                truncate: true,
                ..OpenConfig::new(path)
            },
            OpenConfig {
                read_only: true,
                options: &[(CHECK_INTEGRITY_ON_OPEN, "true")],
                ..OpenConfig::new(path)
            },
            OpenConfig::new(Path::new("")),
        ] {
            let error = Settings::new(&config).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
    }
}
