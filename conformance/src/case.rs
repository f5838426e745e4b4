//! What a case is, what it asks of a driver's manifest, and what it comes to.

use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::process::Command;

use netabase_core::driver::{Capabilities, Limits, Manifest};

use crate::fixture::Fixture;

/// One law that a driver keeps.
#[derive(Debug)]
pub struct Case<D> {
    /// The group and the law, as in `transaction/drop_rolls_back_every_tree`.
    pub name: String,
    /// What the law presumes; a driver that does not meet it is not tried.
    pub requirements: &'static [Requirement],
    /// Shows that the law holds.
    pub run: fn(&Fixture<D>) -> CaseResult,
}

impl<D> Case<D> {
    /// Why a driver with this manifest is not tried; as [`Requirement::unmet`].
    #[must_use]
    pub fn unmet(&self, manifest: &Manifest, own_process: bool) -> Option<String> {
        self.requirements
            .iter()
            .find_map(|requirement| requirement.unmet(manifest, own_process))
    }
}

/// Lists a function as a case, under its own name, with what it requires.
macro_rules! case {
    ($run:ident $(, $requirement:expr)* $(,)?) => {
        $crate::case::Case {
            name: stringify!($run).to_owned(),
            requirements: const { &[$($requirement),*] },
            run: $run,
        }
    };
}
pub(crate) use case;

/// What a case presumes of the driver.
#[derive(Debug, Clone, Copy)]
pub enum Requirement {
    /// The manifest declares these capabilities.
    Declares(Capabilities),
    /// The manifest does not declare this capability.
    Lacks(Capabilities),
    /// The manifest lists this operation.
    Offers(&'static str),
    /// The manifest states this limit, and it is small enough to be reached in a test.
    Limit(Limit),
    /// The executable can be started again, to do something in a process of its own.
    OwnProcess,
    /// The system is Linux.
    Linux,
    /// There is a C compiler, `cc`.
    CCompiler,
    /// The system has files, and a database is one of them or a folder.
    Files,
    /// The program may start threads.
    Threads,
    /// A panic unwinds the stack.
    Unwinding,
}

/// A limit of the manifest.
#[derive(Debug, Clone, Copy)]
pub enum Limit {
    /// The largest key.
    Key,
    /// The largest value.
    Value,
    /// The largest transaction.
    Transaction,
}

impl Limit {
    /// Sizes above this are not tried: 64 MiB.
    const FEASIBLE: u64 = 64 << 20;

    /// The limit in bytes; `0` for none.
    #[must_use]
    pub fn of(self, limits: &Limits) -> u64 {
        match self {
            Self::Key => limits.key_bytes,
            Self::Value => limits.value_bytes,
            Self::Transaction => limits.transaction_bytes,
        }
    }
}

impl Requirement {
    /// Why a driver with this manifest is not tried; `None` if it is. `own_process` says whether the executable can be
    /// started again.
    #[must_use]
    pub fn unmet(self, manifest: &Manifest, own_process: bool) -> Option<String> {
        let names = |set: Capabilities| set.names().collect::<Vec<_>>().join(", ");
        match self {
            Self::Declares(set) if !manifest.capabilities.contains(set) => {
                Some(format!("the driver does not declare {}", names(set)))
            }
            Self::Lacks(set) if manifest.capabilities.contains(set) => {
                Some(format!("the driver declares {}", names(set)))
            }
            Self::Offers(operation) if !manifest.offers(operation) => {
                Some(format!("the driver does not offer `{operation}`"))
            }
            Self::Limit(limit) => match limit.of(&manifest.limits) {
                0 => Some(format!("the driver states no limit ({limit:?})")),
                bytes if bytes > Limit::FEASIBLE => Some(format!(
                    "the limit ({limit:?}) of {bytes} bytes is out of reach"
                )),
                _ => None,
            },
            Self::OwnProcess if !own_process => {
                Some("this executable starts no processes".to_owned())
            }
            Self::Linux if !cfg!(target_os = "linux") => Some("the system is not Linux".to_owned()),
            Self::CCompiler if !has_c_compiler() => {
                Some("there is no C compiler (`cc`)".to_owned())
            }
            Self::Files if cfg!(target_family = "wasm") => {
                Some("the system has no files".to_owned())
            }
            Self::Threads if cfg!(target_family = "wasm") => {
                Some("the target has no threads".to_owned())
            }
            Self::Unwinding if cfg!(panic = "abort") => {
                Some("a panic does not unwind here".to_owned())
            }
            Self::Declares(_)
            | Self::Files
            | Self::Threads
            | Self::Unwinding
            | Self::Lacks(_)
            | Self::Offers(_)
            | Self::OwnProcess
            | Self::Linux
            | Self::CCompiler => None,
        }
    }
}

fn has_c_compiler() -> bool {
    let mut asked = Command::new("cc");
    asked.arg("--version").env_remove("LD_PRELOAD");
    asked.output().is_ok_and(|output| output.status.success())
}

/// What a case comes to: it held, or it failed with an error. It may panic as well.
pub type CaseResult = Result<(), Failure>;

/// An error that ended a case.
pub struct Failure {
    error: Box<dyn Error>,
    /// `None` if the error says by itself what has happened.
    place: Option<&'static Location<'static>>,
    note: Option<String>,
}

impl Failure {
    /// A failure with a complete account.
    pub(crate) fn account(text: String) -> Self {
        Self {
            error: text.into(),
            place: None,
            note: None,
        }
    }

    /// Adds what helps to understand the error.
    pub(crate) fn with_note(self, note: String) -> Self {
        Self {
            note: Some(note),
            ..self
        }
    }
}

impl<E: Into<Box<dyn Error>>> From<E> for Failure {
    #[track_caller]
    fn from(error: E) -> Self {
        Self {
            error: error.into(),
            place: Some(Location::caller()),
            note: None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some(place) => write!(f, "{place}: {:?}", self.error)?,
            None => fmt::Display::fmt(&self.error, f)?,
        }
        match &self.note {
            Some(note) => write!(f, "\n{note}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An entry of a tree: its key and its value.
pub(crate) type Entry = (Vec<u8>, Vec<u8>);
