//! The engines of the comparison: their contenders, and how good this library has to be on each.

use netabase_driver_redb::Redb;
use netabase_driver_sled::Sled;
use netabase_store::loader::{self, SearchPath};

use crate::contender::{Contender, Result};
use crate::hand::{HandRedb, HandSled};
use crate::typed::Typed;

/// The contenders of an engine, in the order of the tables. Hand-written code runs twice: how far its two results are apart
/// shows how far the machine can be trusted.
pub(crate) const CONTENDERS: [&str; 4] = ["hand", "static", "dynamic", "control"];

/// An engine that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Redb,
    Sled,
}

impl Engine {
    /// Every engine, in the order of the tables.
    pub(crate) const ALL: [Self; 2] = [Self::Redb, Self::Sled];

    /// The name of the engine, and of its driver.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Redb => "redb",
            Self::Sled => "sled",
        }
    }

    /// The share of hand-written time that most rows may take.
    pub(crate) fn level(self) -> f64 {
        match self {
            Self::Redb => 1.05,
            Self::Sled => 1.10,
        }
    }

    /// The contender of this name. A driver is loaded from beside this executable, where Cargo puts the libraries that it
    /// builds with it.
    pub(crate) fn contender(self, name: &str) -> Result<Box<dyn Contender>> {
        Ok(match (name, self) {
            ("hand", Self::Redb) => Box::new(HandRedb("hand")),
            ("hand", Self::Sled) => Box::new(HandSled("hand")),
            ("control", Self::Redb) => Box::new(HandRedb("control")),
            ("control", Self::Sled) => Box::new(HandSled("control")),
            ("static", Self::Redb) => Box::new(Typed::new("static", Redb)),
            ("static", Self::Sled) => Box::new(Typed::new("static", Sled)),
            ("dynamic", _) => {
                // They were built a moment ago, with whatever permissions the machine gives.
                let beside = SearchPath::default()
                    .without_environment()
                    .without_user_data()
                    .without_system()
                    .without_trust_checks();
                Box::new(Typed::new("dynamic", loader::load(self.name(), &beside)?))
            }
            _ => {
                let known = CONTENDERS.join(", ");
                return Err(format!("there is no contender {name}; there are {known}").into());
            }
        })
    }
}
