//! What processes of their own do for the cases, by name.

use std::process;

use netabase_core::driver::Driver;

use crate::cases::{
    concurrency, crash, damage, leak, persistence, power_loss, read_failure, write_failure,
};
use crate::fixture::Fixture;
use crate::process::{DONE, Scenario, say};

fn scenarios<D: Driver>() -> Vec<Scenario<D>> {
    let mut all = crash::scenarios::<D>();
    all.extend::<[Scenario<D>; _]>([
        ("locked out", |fixture| {
            persistence::assert_held(fixture);
            Ok(())
        }),
        ("repeat", leak::repeat),
        ("repeat commits", leak::repeat_commits),
        ("damaged", damage::read_damaged),
        ("small", write_failure::write_little_without_space),
        ("held", concurrency::read_beside_a_held_commit),
        ("power", power_loss::write_and_say),
        ("cut", read_failure::read_what_was_cut_off),
        ("full", write_failure::fill),
        ("tiny", write_failure::open_without_space),
        ("torn", write_failure::write_without_space),
    ]);
    all
}

/// Runs a scenario and aborts the process.
pub(crate) fn run_scenario<D: Driver>(name: &str, fixture: &Fixture<D>) -> ! {
    let scenario = scenarios::<D>()
        .into_iter()
        .find(|(known, _)| *known == name);
    let outcome = match scenario {
        Some((_, run)) => run(fixture).and_then(|()| Ok(say(DONE)?)),
        None => Err("there is no such scenario".into()),
    };
    if let Err(failure) = outcome {
        eprintln!("scenario {name:?}: {failure}");
    }
    process::abort()
}
