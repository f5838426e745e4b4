//! Runs the catalogue over drivers as a test executable: names, filters, time limit, report.

use std::cell::RefCell;
#[cfg(not(target_arch = "wasm32"))]
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Once};
use std::thread;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
#[cfg(not(target_arch = "wasm32"))]
use netabase_core::abi::DynamicDriver;
use netabase_core::driver::Driver;
#[cfg(not(target_arch = "wasm32"))]
use netabase_core::driver::Manifest;
#[cfg(not(target_arch = "wasm32"))]
use netabase_core::loader::{self, SearchPath};

use crate::catalog::{self, Case};
use crate::fixture::{self, Fixture};
pub use crate::verdict::Verdict;
use crate::verdict::panic_message;
use crate::{child, isolation, scenarios, settings};

/// Runs the catalogue over a driver, as the `main` of a test target that has `harness = false`.
///
/// The driver is an expression of a type that implements [`Driver`]. With `dynamic` behind it, the catalogue runs once more
/// over the same driver, loaded by its name from its dynamic library: every case of the contract, and a few of the typed
/// layer. Its other cases cannot differ, as all that it sees of a driver is the contract; they are reported as ignored.
/// Cargo builds the library together with the test if the package that exports the driver is among the development
/// dependencies.
///
/// The executable takes the arguments of Rust's own test executables: filters, `--list`, `--exact`, `--skip`. It sees the
/// [environment variables](crate#environment) of the suite.
///
/// # Examples
/// ```no_run
/// use netabase_core::memory::Memory;
///
/// conformance::suite!(Memory);
/// ```
///
/// In the tests of a driver that is to be loaded by name:
/// ```ignore
/// conformance::suite!(MyDriver, dynamic);
/// ```
#[macro_export]
macro_rules! suite {
    ($driver:expr $(,)?) => {
        fn main() -> ::std::process::ExitCode {
            let mut suite = $crate::harness::Suite::new();
            suite.add("static", $driver);
            suite.run()
        }
    };
    ($driver:expr, dynamic $(,)?) => {
        fn main() -> ::std::process::ExitCode {
            let mut suite = $crate::harness::Suite::new();
            suite.add_loaded(&$driver);
            suite.add("static", $driver);
            suite.run()
        }
    };
}

/// Runs one case over a driver, in a thread and place of its own.
///
/// `identity` is what [`Suite`] calls the driver, where the case may start the executable again; see
/// [`Fixture::start`].
pub fn run<D: Driver>(driver: &Arc<D>, case: &Case<D>, identity: Option<String>) -> Verdict {
    if let Some(reason) = case.unmet(driver.manifest(), identity.is_some()) {
        return Verdict::Ignored(reason);
    }
    let fixture = match Fixture::new(Arc::clone(driver)) {
        Ok(fixture) => fixture.with_identity(identity),
        Err(error) => return Verdict::Broken(format!("no folder for the database: {error}")),
    };
    note_places_of_panics();
    let law = case.run;
    let (sender, receiver) = mpsc::channel();
    let thread = thread::Builder::new()
        .name(case.name.clone())
        .spawn(move || {
            let verdict = match panic::catch_unwind(AssertUnwindSafe(|| law(&fixture))) {
                Ok(Ok(())) => Verdict::Held,
                Ok(Err(failure)) => Verdict::Broken(failure.to_string()),
                Err(payload) => Verdict::Broken(format!(
                    "panicked at {}: {}",
                    PLACE_OF_PANIC.take(),
                    panic_message(&*payload)
                )),
            };
            drop(fixture);
            // The receiver is gone when the time limit has passed; nobody asks any more then.
            let _ = sender.send(verdict);
        });
    if let Err(error) = thread {
        return Verdict::Broken(format!("no thread for the case: {error}"));
    }
    let time_limit = settings::time_limit();
    match receiver.recv_timeout(time_limit) {
        Ok(verdict) => verdict,
        Err(RecvTimeoutError::Timeout) => {
            Verdict::Broken(format!("did not end within {} s", time_limit.as_secs()))
        }
        Err(RecvTimeoutError::Disconnected) => {
            Verdict::Broken("the case's handles panicked when they were dropped".to_owned())
        }
    }
}

/// Runs one case over a driver on the stack of the caller, who sees to time limits and panics: for targets without threads.
pub fn run_here<D: Driver>(driver: &Arc<D>, case: &Case<D>) -> Verdict {
    if let Some(reason) = case.unmet(driver.manifest(), false) {
        return Verdict::Ignored(reason);
    }
    let fixture = match Fixture::new(Arc::clone(driver)) {
        Ok(fixture) => fixture,
        Err(error) => return Verdict::Broken(format!("no folder for the database: {error}")),
    };
    match (case.run)(&fixture) {
        Ok(()) => Verdict::Held,
        Err(failure) => Verdict::Broken(failure.to_string()),
    }
}

thread_local! {
    /// Where this thread panicked last.
    static PLACE_OF_PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Notes from now on where each thread panics, beside what was done about panics before.
fn note_places_of_panics() {
    static NOTED: Once = Once::new();
    NOTED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if let Some(place) = panic.location() {
                PLACE_OF_PANIC.replace(place.to_string());
            }
            before(panic);
        }));
    });
}

/// A case over a driver, ready to run.
pub(crate) struct Ready {
    /// The driver, the linkage, the group and the law: `redb/dynamic/tree/trees_may_hold_the_same_keys`.
    pub(crate) name: String,
    pub(crate) run: Box<dyn FnOnce() -> Verdict + Send>,
}

impl Ready {
    /// One that only says why it is not tried.
    fn ignored(name: String, reason: &'static str) -> Self {
        Self {
            name,
            run: Box::new(|| Verdict::Ignored(reason.to_owned())),
        }
    }
}

/// The cases of one test executable.
#[derive(Default)]
pub struct Suite {
    cases: Vec<Ready>,
    /// How many of them only say why something is not tried.
    ignored: usize,
}

impl fmt::Debug for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.cases.iter().map(|case| &case.name))
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
    ///
    /// In a process that was started to run one scenario or one case of this driver, runs that and ends the process.
    pub fn add<D: Driver>(&mut self, linkage: &str, driver: D) {
        self.add_some(linkage, driver, |_| None);
    }

    /// Adds every case for a driver; those that `left_out` gives a reason for are reported as ignored.
    fn add_some<D: Driver>(
        &mut self,
        linkage: &str,
        driver: D,
        left_out: impl Fn(&str) -> Option<&'static str>,
    ) {
        let driver = Arc::new(driver);
        let identity = format!("{}/{linkage}", driver.manifest().name);
        if let Some((scenario, fixture)) = Fixture::of_scenario(&driver, &identity) {
            scenarios::run_scenario(&scenario, &fixture);
        }
        let requested = child::requested();
        for case in catalog::all::<D>() {
            let driver = Arc::clone(&driver);
            let name = format!("{identity}/{}", case.name);
            if let Some(reason) = left_out(&case.name) {
                self.cases.push(Ready::ignored(name, reason));
                continue;
            }
            let identity = Some(identity.clone());
            if requested.as_ref() == Some(&name) {
                isolation::run_requested(|| run(&driver, &case, identity));
            }
            self.cases.push(Ready {
                name,
                run: Box::new(move || run(&driver, &case, identity)),
            });
        }
    }

    /// Adds the cases for the dynamic library of a driver that is linked in as well, and runs every case so, here or in
    /// another executable. It is loaded by the name in the driver's manifest, from the folder of this executable, where
    /// Cargo puts it.
    ///
    /// The cases that [need not run twice](catalog::need_not_run_loaded) are reported as ignored.
    ///
    /// Where cases run in processes of their own, only those of this driver load it: a library that ends whatever loads it
    /// fails its cases and no others.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn add_loaded(&mut self, linked: &impl Driver) {
        const LINKAGE: &str = "dynamic";
        let linked = linked.manifest();
        let identity = format!("{}/{LINKAGE}", linked.name);
        let requested = child::requested();
        let is_on_behalf = requested.is_some() || fixture::is_scenario();
        let is_of_this = requested.as_ref().is_some_and(|case| {
            case.strip_prefix(&identity)
                .is_some_and(|law| law.starts_with('/'))
        });
        if is_on_behalf && !is_of_this && !fixture::is_scenario_of(&identity) {
            return;
        }
        let load_case = format!("{identity}/load");
        if requested.as_ref() == Some(&load_case) {
            isolation::run_requested(|| match load_beside(linked) {
                Ok(_) => Verdict::Held,
                Err(reason) => Verdict::Broken(reason),
            });
        }
        if !is_on_behalf && settings::isolate() {
            if let Verdict::Broken(reason) = isolation::run(&load_case, &[]) {
                self.add_missing(LINKAGE, &linked.name, reason);
                return;
            }
            self.cases
                .extend(catalog::all::<DynamicDriver>().into_iter().map(|case| {
                    let name = format!("{identity}/{}", case.name);
                    if let Some(reason) = catalog::need_not_run_loaded(&case.name) {
                        return Ready::ignored(name, reason);
                    }
                    Ready {
                        name: name.clone(),
                        run: Box::new(move || isolation::run(&name, &[])),
                    }
                }));
            return;
        }
        match load_beside(linked) {
            Ok(loaded) => self.add_some(LINKAGE, loaded, catalog::need_not_run_loaded),
            Err(reason) => self.add_missing(LINKAGE, &linked.name, reason),
        }
    }

    /// Adds a failure for a driver that could not be had at all.
    pub fn add_missing(&mut self, linkage: &str, driver: &str, reason: String) {
        self.cases.push(Ready {
            name: format!("{driver}/{linkage}/load"),
            run: Box::new(|| Verdict::Broken(reason)),
        });
    }

    /// Reports a driver as ignored as a whole.
    pub fn add_ignored(&mut self, linkage: &str, driver: &str, reason: &'static str) {
        let name = format!("{driver}/{linkage}/load");
        self.cases.push(Ready::ignored(name, reason));
        self.ignored += 1;
    }

    /// Runs the cases that the command line selects.
    pub fn run(self) -> ExitCode {
        if let Some(reason) = self.takes_no_part() {
            eprintln!("{reason}");
            return ExitCode::FAILURE;
        }
        if self.conclude(&Arguments::from_args()) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    /// Why a process that was started for one scenario or case is still here; `None` in one that was not.
    pub(crate) fn takes_no_part(&self) -> Option<String> {
        if fixture::is_scenario() {
            return Some("the scenario's driver takes no part".to_owned());
        }
        let case = child::requested()?;
        Some(format!("there is no case `{case}`; `--list` lists them"))
    }

    /// Whether every case that the arguments select holds. A suite without cases to try does not hold.
    pub fn conclude(self, arguments: &Arguments) -> bool {
        if self.cases.len() == self.ignored {
            eprintln!("the suite has no cases: no driver takes part");
            return false;
        }
        let isolate = settings::isolate();
        let trial = |case: Ready| {
            let name = case.name.clone();
            Trial::ignorable_test(name, move || {
                let is_case = case.name.split('/').count() > 3;
                let verdict = match isolate && is_case {
                    true => isolation::run(&case.name, &[]),
                    false => (case.run)(),
                };
                match verdict {
                    Verdict::Held => Ok(Completion::Completed),
                    Verdict::Ignored(reason) => Ok(Completion::ignored_with(reason)),
                    Verdict::Broken(message) => Err(Failed::from(message)),
                }
            })
        };
        let trials = self.cases.into_iter().map(trial).collect();
        !libtest_mimic::run(arguments, trials).has_failed()
    }
}

/// The library of a driver that is linked in as well, from the folder of this executable.
#[cfg(not(target_arch = "wasm32"))]
fn load_beside(linked: &Manifest) -> Result<DynamicDriver, String> {
    // What is installed on this machine is not what is to be tested.
    let beside = SearchPath::default()
        .without_environment()
        .without_user_data()
        .without_system();
    let loaded = loader::load(&linked.name, &beside).map_err(|error| {
        format!(
            "{error}\n(the suite loads {DLL_PREFIX}netabase_driver_{}{DLL_SUFFIX} from beside this executable: \
             make the package that builds it a development dependency)",
            linked.name.replace('-', "_")
        )
    })?;
    if loaded.manifest() == linked {
        Ok(loaded)
    } else {
        Err(format!(
            "the library has another manifest: {:?}",
            loaded.manifest()
        ))
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
        let Verdict::Broken(message) = panicked else {
            panic!("{panicked:?}");
        };
        assert!(message.contains("harness.rs:"), "{message}");
        assert!(message.ends_with(": a panic"), "{message}");
    }
}
