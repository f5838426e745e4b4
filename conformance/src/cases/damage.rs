//! Bits that flip in the files of a closed database: what is read is what was written, or an error is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::{fs, panic};

use fastrand::Rng;
use netabase_core::driver::{Capabilities, Driver, Durability, ErrorKind, OpenConfig};
use netabase_core::error::NetabaseError;
use netabase_core::store::TypedStore;

use super::typed;
use crate::case::{Case, CaseResult, Requirement, case};
use crate::fixture::Fixture;
use crate::model::shop::{Shop, User, UserAgeSecondaryKey, UserEmailSecondaryKey};
use crate::process::{DONE, say};
use crate::settings::{self, seeded};

const PERSISTENT: Requirement = Requirement::Declares(Capabilities::PERSISTENT);
/// Records of the database.
const RECORDS: u64 = 200;

/// Broken rounds that are shown.
const EXAMPLES: usize = 5;

/// The most bits that flip at once.
const BITS: usize = 15;

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![case!(
        flipped_bits_never_give_other_records_nor_hide_any,
        PERSISTENT,
        Requirement::OwnProcess
    )]
}

/// What became of a damaged database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// Every record was read, as it was written.
    Sound,
    /// Opening it failed.
    Refused,
    /// A read failed, and what was read was right.
    Failed,
    /// A record was read that was not written.
    Other,
    /// Records were missing, and no error said so.
    Fewer,
    /// The driver panicked, or said that its engine did.
    Panicked,
    /// The process ended.
    Aborted,
}

impl Outcome {
    const ALL: [Self; 7] = [
        Self::Sound,
        Self::Refused,
        Self::Failed,
        Self::Other,
        Self::Fewer,
        Self::Panicked,
        Self::Aborted,
    ];
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl FromStr for Outcome {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut all = Self::ALL.into_iter();
        all.find(|outcome| outcome.to_string() == text).ok_or(())
    }
}

/// Damages the files of a database in many rounds. An engine that trusts its files may end the process, if it says so.
fn flipped_bits_never_give_other_records_nor_hide_any<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    let capabilities = fixture.driver().manifest().capabilities;
    let mut broken = vec![Outcome::Other, Outcome::Fewer, Outcome::Panicked];
    if capabilities.contains(Capabilities::SURVIVES_DAMAGE) {
        broken.push(Outcome::Aborted);
    }
    let store = typed::open(fixture)?;
    // In several transactions, so that the file has a history.
    for first in (0..RECORDS).step_by(50) {
        let users = (first..first + 50).map(|id| typed::user(id, (id % 7) as i32));
        store.open_tree::<User>().put_many(users)?;
    }
    let guard = store.write()?;
    guard.open_tree::<User>().put(typed::user(7, 3))?;
    guard.open_tree::<User>().put(typed::user(7, 0))?;
    guard.commit_with(Durability::Immediate)?;
    typed::assert_exact(&store)?;
    drop(store);
    let undamaged = tempfile::tempdir()?;
    let copy = undamaged.path().join("database");
    copy_all(fixture.path(), &copy)?;
    let (sound, what) = outcome(fixture.driver(), &copy, &expected());
    assert!(sound == Outcome::Sound, "a copy gives {sound}: {what}");
    seeded(|mut rng| {
        let rounds = settings::damage_rounds();
        let mut outcomes = BTreeMap::new();
        let mut examples = BTreeSet::new();
        let mut round = 0;
        while round < rounds {
            let plan = Plan {
                seed: rng.u64(..),
                rounds: (rounds - round).min(50),
            };
            fs::write(Plan::path(fixture), plan.to_string())?;
            let mut process = fixture.start("damaged")?;
            let mut lines = Vec::new();
            if let Some(output) = process.stdout.take() {
                lines = BufReader::new(output).lines().collect::<io::Result<_>>()?;
            }
            process.wait()?;
            let ended = lines.last().is_none_or(|line| line != DONE);
            for line in lines.iter().filter(|line| *line != DONE) {
                let (outcome, example) = line.split_once(' ').unwrap_or((line, ""));
                let outcome = Outcome::from_str(outcome)
                    .unwrap_or_else(|()| panic!("the scenario said `{line}`"));
                *outcomes.entry(outcome).or_insert(0) += 1;
                if broken.contains(&outcome) && examples.len() < EXAMPLES {
                    examples.insert(format!("{outcome}: {example}"));
                }
                round += 1;
            }
            if ended {
                *outcomes.entry(Outcome::Aborted).or_insert(0) += 1;
                if broken.contains(&Outcome::Aborted) {
                    examples.insert(format!("Aborted: seed {} at {}", plan.seed, lines.len()));
                }
                round += 1;
            }
        }
        let of = |outcome| outcomes.get(&outcome).copied().unwrap_or(0);
        let table: Vec<_> = (Outcome::ALL.into_iter())
            .map(|outcome| format!("{outcome} {}", of(outcome)))
            .collect();
        // For a person who runs this case alone.
        println!("{rounds} rounds: {}", table.join(", "));
        assert!(
            broken.iter().all(|outcome| of(*outcome) == 0),
            "{rounds} rounds: {}; {examples:#?}",
            table.join(", ")
        );
        assert!(of(Outcome::Sound) < rounds, "no flip was ever noticed");
        Ok(())
    })
}

/// What a process that damages databases is to do.
struct Plan {
    seed: u64,
    rounds: u32,
}

impl Plan {
    /// The file with the plan, beside the database.
    fn path<D: Driver>(fixture: &Fixture<D>) -> PathBuf {
        fixture.path().with_extension("plan")
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.seed, self.rounds)
    }
}

impl FromStr for Plan {
    type Err = crate::catalog::Failure;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (seed, rounds) = text.split_once(' ').ok_or("the plan is two numbers")?;
        Ok(Self {
            seed: seed.parse()?,
            rounds: rounds.parse()?,
        })
    }
}

/// The records of the database.
fn expected() -> BTreeMap<u64, User> {
    (0..RECORDS)
        .map(|id| (id, typed::user(id, (id % 7) as i32)))
        .collect()
}

/// Damages copies of the database, reads them and says what became of each.
pub(crate) fn read_damaged<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let plan: Plan = fs::read_to_string(Plan::path(fixture))?.parse()?;
    let mut rng = Rng::with_seed(plan.seed);
    let expected = expected();
    // A panic shows in the outcome; its text does not matter here.
    panic::set_hook(Box::new(|_| {}));
    for _ in 0..plan.rounds {
        let folder = tempfile::tempdir()?;
        let copy = folder.path().join("database");
        copy_all(fixture.path(), &copy)?;
        let flipped = flip(&copy, &mut rng)?;
        let (outcome, what) = panic::catch_unwind(panic::AssertUnwindSafe(|| {
            outcome(fixture.driver(), &copy, &expected)
        }))
        .unwrap_or((Outcome::Panicked, "a panic went through".to_owned()));
        let what = what.replace('\n', " ");
        say(&format!("{outcome} {what}; flipped {flipped}"))?;
    }
    Ok(())
}

fn outcome<D: Driver>(
    driver: &D,
    path: &Path,
    expected: &BTreeMap<u64, User>,
) -> (Outcome, String) {
    let config = OpenConfig {
        create_if_missing: false,
        ..OpenConfig::new(path)
    };
    let opened = TypedStore::<Shop, D>::open_with(driver, &config, Durability::None);
    let store = match opened {
        Ok(store) => store,
        // A database that is not found would be created anew.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return (Outcome::Fewer, error.to_string());
        }
        Err(error) => return (failure(&error, Outcome::Refused), error.to_string()),
    };
    let reader = store.read();
    let users = reader.open_tree::<User>();
    let mut failed = None;
    for by in 0..3 {
        let records: Result<Vec<_>, NetabaseError> = match by {
            0 => users
                .iter()
                .map(|all| all.map(|item| item.map(|(_, user)| user)).collect()),
            1 => (users.range_by::<UserAgeSecondaryKey>(..))
                .map(|all| all.map(|item| item.map(|(_, user)| user)).collect()),
            _ => (users.range_by::<UserEmailSecondaryKey>(..))
                .map(|all| all.map(|item| item.map(|(_, user)| user)).collect()),
        };
        let records = match records {
            Ok(records) => records,
            Err(error) => {
                failed.get_or_insert(error);
                continue;
            }
        };
        let mut read = BTreeSet::new();
        let mut error = None;
        for record in records {
            match record {
                Ok(user) if expected.get(&user.id) == Some(&user) => drop(read.insert(user.id)),
                Ok(user) => return (Outcome::Other, format!("read {by} gave {user:?}")),
                Err(found) => drop(error.get_or_insert(found)),
            }
        }
        if error.is_none() && read.len() < expected.len() {
            return (
                Outcome::Fewer,
                format!("read {by} gave {} of {}", read.len(), expected.len()),
            );
        }
        failed = failed.or(error);
    }
    match failed {
        None => (Outcome::Sound, String::new()),
        Some(error) => (failure(&error, Outcome::Failed), error.to_string()),
    }
}

/// What an error says of a damaged database; `otherwise` if it is one that may be.
fn failure(error: &NetabaseError, otherwise: Outcome) -> Outcome {
    match error.kind() {
        ErrorKind::DriverPanicked => Outcome::Panicked,
        _ => otherwise,
    }
}

/// Copies a file, or a folder with all that is in it.
fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    if from.is_dir() {
        fs::create_dir(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            copy_all(&entry.path(), &to.join(entry.file_name()))?;
        }
        return Ok(());
    }
    fs::copy(from, to).map(drop)
}

/// Flips 1 to 15 bits of what is written in a file or folder. Says where.
fn flip(path: &Path, rng: &mut Rng) -> io::Result<String> {
    let mut files = Vec::new();
    list(path, &mut files)?;
    let mut flipped = Vec::new();
    for _ in 0..rng.usize(1..=BITS) {
        // Most of a file may be room that was never written to.
        for _ in 0..1_000 {
            let total: u64 = files.iter().map(|(_, content)| content.len() as u64).sum();
            let mut place = rng.u64(0..total.max(1));
            let Some((file, content)) = files.iter_mut().find(|(_, content)| {
                let length = content.len() as u64;
                let is_here = place < length;
                if !is_here {
                    place -= length;
                }
                is_here
            }) else {
                break;
            };
            let place = place as usize;
            let around = place.saturating_sub(16)..(place + 16).min(content.len());
            if content[around].iter().all(|byte| *byte == 0) {
                continue;
            }
            content[place] ^= 1 << rng.u32(0..8);
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            flipped.push(format!("{name}:{place}"));
            break;
        }
    }
    for (file, content) in &files {
        fs::write(file, content)?;
    }
    Ok(flipped.join(","))
}

fn list(path: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) -> io::Result<()> {
    if path.is_dir() {
        let mut entries: Vec<_> = fs::read_dir(path)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<_>>()?;
        entries.sort_unstable();
        return entries.iter().try_for_each(|entry| list(entry, files));
    }
    files.push((path.to_owned(), fs::read(path)?));
    Ok(())
}
