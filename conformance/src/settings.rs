//! What environment variables change about a run of the suite.

use std::env;
use std::fmt::Display;
use std::num::NonZero;
use std::panic::{self, AssertUnwindSafe};
use std::str::FromStr;
use std::time::Duration;

use fastrand::Rng;

use crate::case::CaseResult;
use crate::verdict::panic_message;

pub(crate) const TIME_LIMIT: &str = "NETABASE_CONFORMANCE_TIME_LIMIT";
pub(crate) const CRASH_ROUNDS: &str = "NETABASE_CONFORMANCE_CRASH_ROUNDS";
pub(crate) const DAMAGE_ROUNDS: &str = "NETABASE_CONFORMANCE_DAMAGE_ROUNDS";
pub(crate) const HISTORY_TRANSACTIONS: &str = "NETABASE_CONFORMANCE_HISTORY_TRANSACTIONS";
pub(crate) const SEED: &str = "NETABASE_CONFORMANCE_SEED";
/// How many sequences each case of sequences runs; also what proptest itself reads.
pub(crate) const SEQUENCES: &str = "PROPTEST_CASES";
const ISOLATE: &str = "NETABASE_CONFORMANCE_ISOLATE";

/// How long a case may take. One that waits for a lock for ever fails then.
pub(crate) fn time_limit() -> Duration {
    Duration::from_secs(number(TIME_LIMIT).unwrap_or(180))
}

/// How often the case of random kills kills a process.
pub(crate) fn crash_rounds() -> u32 {
    number(CRASH_ROUNDS).map_or(25, NonZero::get)
}

/// How often the case of flipped bits damages a database.
pub(crate) fn damage_rounds() -> u32 {
    number(DAMAGE_ROUNDS).map_or(250, NonZero::get)
}

/// How many transactions each thread of a history runs.
pub(crate) fn history_transactions() -> u32 {
    number(HISTORY_TRANSACTIONS).map_or(2_000, NonZero::get)
}

/// How many random sequences a case runs, if the environment says so.
pub(crate) fn sequences() -> Option<u32> {
    number(SEQUENCES).map(NonZero::get)
}

/// Whether each case of a test executable runs in a process of its own.
pub(crate) fn isolate() -> bool {
    number::<u8>(ISOLATE).is_some_and(|number| number != 0)
}

/// What the random choices of a case follow from.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn seed() -> u64 {
    number(SEED).unwrap_or_else(|| fastrand::u64(..))
}

/// What the random choices of a case follow from. There is no environment but the compiler's.
#[cfg(target_family = "wasm")]
pub(crate) fn seed() -> u64 {
    match option_env!("NETABASE_CONFORMANCE_SEED") {
        Some(seed) => seed
            .parse()
            .unwrap_or_else(|error| panic!("{SEED} is `{seed}`, which is not a number: {error}")),
        None => getrandom::u64().expect("the browser has random numbers"),
    }
}

/// Runs a case whose choices follow from one seed; says which seed it was if the case fails.
///
/// What threads and processes do between those choices is not repeated by the same seed.
pub(crate) fn seeded(law: impl FnOnce(Rng) -> CaseResult) -> CaseResult {
    let seed = seed();
    let note = format!("(the random choices follow from {SEED}={seed})");
    match panic::catch_unwind(AssertUnwindSafe(|| law(Rng::with_seed(seed)))) {
        Ok(outcome) => outcome.map_err(|failure| failure.with_note(note)),
        Err(payload) => {
            let message = panic_message(&*payload);
            panic::resume_unwind(Box::new(format!("{message}\n{note}")))
        }
    }
}

/// The number in a variable; `None` if the variable is not set.
fn number<N: FromStr<Err: Display>>(variable: &str) -> Option<N> {
    let text = env::var_os(variable)?;
    let text = text.to_string_lossy();
    let number = text.parse().unwrap_or_else(|error| {
        panic!("{variable} is `{text}`, which is not a number for it: {error}")
    });
    Some(number)
}
