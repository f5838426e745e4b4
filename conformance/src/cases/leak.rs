//! Calls that are made again and again: each gives back what it took.

use std::path::Path;
use std::{fs, io};

use netabase_core::driver::{
    Capabilities, Driver, Durability, OpenConfig, Read, Result as DriverResult, Write,
};
use netabase_core::error::NetabaseError;

use super::{typed, value};
use crate::case::{Case, CaseResult, Requirement, case};
use crate::fixture::Fixture;
use crate::model::shop::{User, UserAgeSecondaryKey, UserPrimaryKey};
use crate::process;
use crate::system;

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(
            repeated_calls_give_their_memory_back,
            Requirement::OwnProcess,
            Requirement::Linux
        ),
        case!(
            repeated_commits_give_their_memory_back,
            Requirement::OwnProcess,
            Requirement::Linux
        ),
        case!(
            readers_that_have_ended_hold_no_space_back,
            Requirement::Declares(Capabilities::PERSISTENT),
            Requirement::Files
        ),
    ]
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
    process::say(&resident()?.saturating_sub(before).to_string())?;
    Ok(())
}

fn repeated_calls_give_their_memory_back<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let lines = process::run(fixture, "repeat")?;
    let grown: u64 = lines.first().ok_or("the process says nothing")?.parse()?;
    assert!(grown <= GROWTH, "{CALLS} calls keep {grown} KiB");
    Ok(())
}

/// How many commits are made while the process must not grow, and before.
const COMMITS: u32 = 2_000;
/// What the process may grow by meanwhile, in KiB: less than half a KiB a commit.
const GROWTH_OF_COMMITS: u64 = 900;

/// Makes commits for a while, then again, and says by how many KiB the process grew between.
pub(crate) fn repeat_commits<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    system::without_huge_pages();
    let store = fixture.open()?;
    let commits = || -> DriverResult<()> {
        for number in 0..COMMITS {
            let mut writer = store.begin_write()?;
            let tree = writer.tree("t")?;
            let key = (number % 50).to_be_bytes();
            writer.put(tree, &key, &number.to_be_bytes().repeat(10), |_| ())?;
            // What was committed without durability may be held in memory until a durable commit.
            let durability = match number % 50 {
                49 => Durability::Immediate,
                _ => Durability::None,
            };
            writer.commit(durability)?;
        }
        Ok(())
    };
    commits()?;
    let before = resident()?;
    commits()?;
    process::say(&resident()?.saturating_sub(before).to_string())?;
    Ok(())
}

fn repeated_commits_give_their_memory_back<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let lines = process::run(fixture, "repeat commits")?;
    let grown: u64 = lines.first().ok_or("the process says nothing")?.parse()?;
    assert!(
        grown <= GROWTH_OF_COMMITS,
        "{COMMITS} commits keep {grown} KiB"
    );
    Ok(())
}

/// The length of all files at or below a path.
fn size_below(path: &Path) -> io::Result<u64> {
    if !path.is_dir() {
        return Ok(fs::metadata(path)?.len());
    }
    fs::read_dir(path)?
        .map(|entry| size_below(&entry?.path()))
        .sum()
}

/// Overwrites the same entries again and again, with so many readers before each commit; how large the database is then.
fn churned<D: Driver>(fixture: &Fixture<D>, readers: u32) -> Result<u64, crate::catalog::Failure> {
    const ROUNDS: u32 = 80;
    const ENTRIES: u32 = 40;
    let path = fixture.other_path();
    let store = fixture.open_with(&OpenConfig::new(&path))?;
    for round in 0..ROUNDS {
        let mut writer = store.begin_write()?;
        let tree = writer.tree("t")?;
        for key in 0..ENTRIES {
            let value = round.to_be_bytes().repeat(1_500);
            writer.put(tree, &key.to_be_bytes(), &value, |_| ())?;
        }
        writer.commit(Durability::Immediate)?;
        for _ in 0..readers {
            let reader = store.begin_read()?;
            let tree = reader.tree("t")?;
            let found = value(&reader, tree, &(round % ENTRIES).to_be_bytes())?;
            assert!(found.is_some());
        }
    }
    drop(store);
    Ok(size_below(&path)?)
}

/// What an engine keeps for readers is gone when they are: the same writes need as much space with them as without.
fn readers_that_have_ended_hold_no_space_back<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let without = churned(fixture, 0)?;
    let with = churned(fixture, 5)?;
    assert!(
        with <= without * 2,
        "{with} bytes where readers came and went, {without} without them"
    );
    Ok(())
}
