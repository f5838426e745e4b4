//! Calls that are made again and again: each gives back what it took.

use std::fs;

use netabase_core::driver::{Driver, Durability};
use netabase_core::error::NetabaseError;

use super::{crash, typed};
use crate::catalog::{Case, CaseResult, Requirement, case};
use crate::fixture::Fixture;
use crate::model::shop::{User, UserAgeSecondaryKey, UserPrimaryKey};
use crate::system;

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![case!(
        repeated_calls_give_their_memory_back,
        Requirement::OwnProcess,
        Requirement::Linux
    )]
}

/// How often each call is made. What a call keeps is kept so many times.
const CALLS: u64 = 40_000;
/// What the process may grow by, in KiB: 13 bytes a call.
const GROWTH: u64 = 512;

/// The memory that the process holds, in KiB, apart from pages of files. Counted page by page: the figures of
/// `/proc/self/status` are off by up to 32 pages for each processor.
fn resident() -> Result<u64, Box<dyn std::error::Error>> {
    let sums = fs::read_to_string("/proc/self/smaps_rollup")?;
    let line = sums
        .lines()
        .find_map(|line| line.strip_prefix("Anonymous:"))
        .ok_or("the system does not tell how much memory a process holds")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

/// Makes calls for a while, then again, and says by how many KiB the process grew between.
pub(crate) fn repeat<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    system::without_huge_pages();
    let store = typed::open(fixture)?;
    store
        .open_tree::<User>()
        .put_many((0..100).map(|id| typed::user(id, 30)))?;
    let calls = |count| -> Result<(), NetabaseError> {
        for number in 0..count {
            let users = store.open_tree::<User>();
            users.get(UserPrimaryKey(number % 100))?;
            users.get(UserPrimaryKey(number + 100))?;
            let guard = store.read();
            guard.open_tree::<User>().contains(UserPrimaryKey(number))?;
            if number % 100 == 0 {
                users.get_by_secondary_key(typed::index::by_age(31))?;
                let view = guard.open_tree::<User>();
                view.range_by(UserAgeSecondaryKey(40)..)?
                    .next()
                    .transpose()?;
                view.iter()?.next().transpose()?;
                drop(store.write()?);
            }
            if number % 1_000 == 0 {
                let guard = store.write()?;
                guard
                    .open_tree::<User>()
                    .put(typed::user(number % 100, 30))?;
                guard.commit_with(Durability::None)?;
            }
        }
        Ok(())
    };
    calls(CALLS / 4)?;
    let before = resident()?;
    calls(CALLS)?;
    crash::say(&resident()?.saturating_sub(before).to_string())?;
    Ok(())
}

fn repeated_calls_give_their_memory_back<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let lines = crash::run(fixture, "repeat")?;
    let grown: u64 = lines.first().ok_or("the process says nothing")?.parse()?;
    assert!(grown <= GROWTH, "{CALLS} calls keep {grown} KiB");
    Ok(())
}
