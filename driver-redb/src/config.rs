//! What an opening asks of redb, checked before anything is touched.

use std::path::Path;

use netabase_core::driver::{DriverError, ErrorKind, OpenConfig, Result};

const QUICK_REPAIR: &str = "quick_repair";
const TWO_PHASE_COMMIT: &str = "two_phase_commit";
const CHECK_INTEGRITY_ON_OPEN: &str = "check_integrity_on_open";

/// A checked [`OpenConfig`].
#[derive(Debug)]
pub(crate) struct Settings<'a> {
    pub(crate) path: &'a Path,
    pub(crate) cache_bytes: Option<usize>,
    pub(crate) create_if_missing: bool,
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

impl<'a> Settings<'a> {
    pub(crate) fn new(config: &OpenConfig<'a>) -> Result<Self> {
        let path = config.location.as_path()?;
        if config.read_only && config.truncate {
            return Err(invalid(
                "`truncate` removes what is stored, which `read_only` forbids; set one of the two",
            ));
        }
        let cache_bytes = config
            .cache_bytes
            .map(usize::try_from)
            .transpose()
            .map_err(|_| invalid("`cache_bytes` is more than this machine can address"))?;
        let mut settings = Self {
            path,
            cache_bytes,
            create_if_missing: config.create_if_missing,
            truncate: config.truncate,
            read_only: config.read_only,
            check_integrity_on_open: false,
            commits: CommitSettings::default(),
        };
        for &(name, value) in config.options {
            settings.set(name, value)?;
        }
        if settings.read_only && settings.check_integrity_on_open {
            return Err(invalid(
                "`check_integrity_on_open` may repair, which `read_only` forbids; set one of the two",
            ));
        }
        Ok(settings)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let option = match name {
            QUICK_REPAIR => &mut self.commits.quick_repair,
            TWO_PHASE_COMMIT => &mut self.commits.two_phase,
            CHECK_INTEGRITY_ON_OPEN => &mut self.check_integrity_on_open,
            _ => {
                return Err(invalid(format!(
                    "redb has no option `{name}`; it knows `{QUICK_REPAIR}`, `{TWO_PHASE_COMMIT}` and \
                     `{CHECK_INTEGRITY_ON_OPEN}`"
                )));
            }
        };
        *option = value.parse().map_err(|_| {
            invalid(format!(
                "the option `{name}` takes `true` or `false`, not `{value}`"
            ))
        })?;
        Ok(())
    }
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> DriverError {
    DriverError::new(ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests {
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
