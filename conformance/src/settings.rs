//! What environment variables change about a run of the suite.

use std::env;
use std::fmt::Display;
use std::panic::{self, AssertUnwindSafe};
use std::str::FromStr;
use std::time::Duration;

use fastrand::Rng;

use crate::catalog::Outcome;

const TIME_LIMIT: &str = "NETABASE_CONFORMANCE_TIME_LIMIT";
const CRASH_ROUNDS: &str = "NETABASE_CONFORMANCE_CRASH_ROUNDS";
const HISTORY_TRANSACTIONS: &str = "NETABASE_CONFORMANCE_HISTORY_TRANSACTIONS";
const SEED: &str = "NETABASE_CONFORMANCE_SEED";

/// How long a case may take. One that waits for a lock for ever fails then.
pub(crate) fn time_limit() -> Duration {
    Duration::from_secs(number(TIME_LIMIT).unwrap_or(180))
}

/// How often the case of random kills kills a process.
pub(crate) fn crash_rounds() -> u32 {
    number(CRASH_ROUNDS).unwrap_or(25)
}

/// How many transactions each thread of a history runs.
pub(crate) fn history_transactions() -> u32 {
    number(HISTORY_TRANSACTIONS).unwrap_or(2_000)
}

/// Runs a case whose choices follow from one seed; says which seed it was if the case fails.
///
/// What threads and processes do between those choices is not repeated by the same seed.
pub(crate) fn seeded(law: impl FnOnce(Rng) -> Outcome) -> Outcome {
    let seed = number(SEED).unwrap_or_else(|| fastrand::u64(..));
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| law(Rng::with_seed(seed))));
    if !matches!(outcome, Ok(Ok(()))) {
        eprintln!("the choices of this failure follow from {SEED}={seed}");
    }
    outcome.unwrap_or_else(|payload| panic::resume_unwind(payload))
}

/// The number in a variable; `None` if the variable is not set.
fn number<N: FromStr<Err: Display>>(variable: &str) -> Option<N> {
    let text = env::var_os(variable)?;
    let text = text.to_string_lossy();
    let number = text
        .parse()
        .unwrap_or_else(|error| panic!("{variable} is `{text}`, which is no number: {error}"));
    Some(number)
}
