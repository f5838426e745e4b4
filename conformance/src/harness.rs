//! Runs the catalogue over drivers as a test executable: names, filters, time limit, report.

use std::any::Any;
use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use netabase_core::driver::Driver;

use crate::cases::crash;
use crate::catalog::{self, Case};
use crate::fixture::{self, Fixture};
use crate::settings;

/// What running one case came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The law holds.
    Held,
    /// The law presumes something that the driver does not declare.
    Ignored(String),
    /// The law is broken.
    Broken(String),
}

/// Runs one case over a driver, in a thread and place of its own.
///
/// `identity` is what [`Suite`] calls the driver, where the case may start the executable again; see
/// [`Fixture::start`].
pub fn run<D: Driver>(driver: &Arc<D>, case: &Case<D>, identity: Option<String>) -> Verdict {
    let unmet = case
        .requirements
        .iter()
        .find_map(|requirement| requirement.unmet(driver.manifest(), identity.is_some()));
    if let Some(reason) = unmet {
        return Verdict::Ignored(reason);
    }
    let fixture = match Fixture::new(Arc::clone(driver)) {
        Ok(fixture) => fixture.with_identity(identity),
        Err(error) => return Verdict::Broken(format!("no folder for the database: {error}")),
    };
    let law = case.run;
    let (sender, receiver) = mpsc::channel();
    let thread = thread::Builder::new()
        .name(case.name.clone())
        .spawn(move || {
            let outcome = law(&fixture).map_err(|failure| failure.to_string());
            drop(fixture);
            // The receiver is gone when the time limit has passed; nobody asks any more then.
            let _ = sender.send(outcome);
        });
    let thread = match thread {
        Ok(thread) => thread,
        Err(error) => return Verdict::Broken(format!("no thread for the case: {error}")),
    };
    let time_limit = settings::time_limit();
    match receiver.recv_timeout(time_limit) {
        Ok(Ok(())) => Verdict::Held,
        Ok(Err(failure)) => Verdict::Broken(failure),
        Err(RecvTimeoutError::Timeout) => {
            Verdict::Broken(format!("did not end within {} s", time_limit.as_secs()))
        }
        Err(RecvTimeoutError::Disconnected) => Verdict::Broken(match thread.join() {
            Ok(()) => "ended without an outcome".to_owned(),
            Err(payload) => format!("panicked: {}", panic_message(&*payload)),
        }),
    }
}

fn panic_message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}

/// The cases of one test executable.
#[derive(Default)]
pub struct Suite {
    trials: Vec<Trial>,
    /// How many of them only say why something is not tried.
    ignored: usize,
}

impl fmt::Debug for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.trials.iter().map(Trial::name))
            .finish()
    }
}

impl Suite {
    /// No cases yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds every case for a driver. `linkage` says how it came into the process: `static` or `dynamic`.
    pub fn add<D: Driver>(&mut self, linkage: &str, driver: D) {
        let driver = Arc::new(driver);
        let identity = format!("{}/{linkage}", driver.manifest().name);
        if let Some((scenario, fixture)) = Fixture::of_scenario(&driver, &identity) {
            crash::run_scenario(&scenario, &fixture);
        }
        for case in catalog::all::<D>() {
            let driver = Arc::clone(&driver);
            let name = format!("{identity}/{}", case.name);
            let identity = Some(identity.clone());
            self.trials.push(Trial::ignorable_test(name, move || {
                match run(&driver, &case, identity) {
                    Verdict::Held => Ok(Completion::Completed),
                    Verdict::Ignored(reason) => Ok(Completion::ignored_with(reason)),
                    Verdict::Broken(message) => Err(Failed::from(message)),
                }
            }));
        }
    }

    /// Adds a failure for a driver that could not be had at all.
    pub fn add_missing(&mut self, linkage: &str, driver: &str, reason: String) {
        let name = format!("{driver}/{linkage}/load");
        self.trials
            .push(Trial::test(name, || Err(Failed::from(reason))));
    }

    /// Reports a driver as ignored as a whole.
    pub fn add_ignored(&mut self, linkage: &str, driver: &str, reason: &'static str) {
        let name = format!("{driver}/{linkage}/load");
        self.trials.push(Trial::ignorable_test(name, move || {
            Ok(Completion::ignored_with(reason))
        }));
        self.ignored += 1;
    }

    /// Runs the cases that the command line selects.
    pub fn run(self) -> ExitCode {
        if fixture::is_scenario() {
            eprintln!("the scenario's driver takes no part");
            return ExitCode::FAILURE;
        }
        if self.conclude(&Arguments::from_args()) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    /// Whether every case that the arguments select holds. A suite without cases to try does not hold.
    pub fn conclude(self, arguments: &Arguments) -> bool {
        if self.trials.len() == self.ignored {
            eprintln!("the suite has no cases: no driver takes part");
            return false;
        }
        !libtest_mimic::run(arguments, self.trials).has_failed()
    }
}

#[cfg(test)]
mod tests {
    use netabase_core::memory::Memory;

    use super::*;

    #[test]
    fn a_suite_without_cases_fails() {
        assert!(!Suite::new().conclude(&Arguments::default()));
        let mut suite = Suite::new();
        suite.add_ignored("dynamic", "memory", "it has no library");
        assert!(!suite.conclude(&Arguments::default()));
    }

    #[test]
    fn a_driver_that_is_missing_fails_the_suite() {
        let mut suite = Suite::new();
        suite.add("static", Memory);
        suite.add_missing("dynamic", "memory", "there is no such file".to_owned());
        // Its report of a failure is no news here.
        let report = tempfile::NamedTempFile::new().unwrap();
        let arguments = Arguments {
            filter: Some("dynamic/load".to_owned()),
            logfile: report.path().to_str().map(str::to_owned),
            ..Arguments::default()
        };
        assert!(!suite.conclude(&arguments));
    }

    #[test]
    fn an_error_and_a_panic_break_a_law() {
        let case = |run| Case::<Memory> {
            name: "law".to_owned(),
            requirements: &[],
            run,
        };
        let driver = Arc::new(Memory);
        assert_eq!(run(&driver, &case(|_| Ok(())), None), Verdict::Held);
        let failed = run(&driver, &case(|_| Err("an error")?), None);
        assert!(matches!(failed, Verdict::Broken(message) if message.contains("an error")));
        let panicked = run(&driver, &case(|_| panic!("a panic")), None);
        assert_eq!(panicked, Verdict::Broken("panicked: a panic".to_owned()));
    }
}
