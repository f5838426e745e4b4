//! Measuring: every contender takes its turn in every round, so that what disturbs the machine disturbs all alike.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::contender::{Contender, Database, Result};
use crate::data::AGES;
use crate::rows::{Row, State, Turn, Workload};

/// How many users a database takes in before it is the next one's turn.
const USERS_A_TURN: usize = 1000;

/// The contenders, each with a database of its own that holds all users, filled once a row needs it.
pub(crate) struct Arena {
    directory: PathBuf,
    contenders: Vec<Box<dyn Contender>>,
    loaded: OnceCell<Vec<Box<dyn Database>>>,
    workload: Workload,
}

/// The times of one row: for each contender, in the arena's order, one for each round.
#[derive(Debug)]
pub(crate) struct Times(pub(crate) Vec<Vec<Duration>>);

impl Arena {
    pub(crate) fn new(
        directory: &Path,
        contenders: Vec<Box<dyn Contender>>,
        workload: Workload,
    ) -> Self {
        Self {
            directory: directory.to_owned(),
            contenders,
            loaded: OnceCell::new(),
            workload,
        }
    }

    /// Fills a database for each contender, in turns: an engine that keeps its pages on the heap would else be faster for
    /// whoever comes first. All of them store one user after the other, so that the engine's files have the same form.
    fn fill(&self) -> Result<Vec<Box<dyn Database>>> {
        let databases: Vec<_> = (self.contenders.iter())
            .map(|contender| contender.open(&self.directory.join(contender.name())))
            .collect::<Result<_>>()?;
        for (turn, users) in self.workload.users.chunks(USERS_A_TURN).enumerate() {
            for place in 0..databases.len() {
                databases[(place + turn) % databases.len()].put_each(users)?;
            }
        }
        Ok(databases)
    }

    /// The filled database of a contender, by its place.
    fn loaded(&self, contender: usize) -> Result<&dyn Database> {
        let databases = match self.loaded.get() {
            Some(databases) => databases,
            None => {
                let databases = self.fill()?;
                self.loaded.get_or_init(|| databases)
            }
        };
        Ok(databases[contender].as_ref())
    }

    pub(crate) fn workload(&self) -> &Workload {
        &self.workload
    }

    /// Measures a row. The contender that begins changes with each round.
    pub(crate) fn measure(&self, row: &Row, rounds: usize) -> Result<Times> {
        let count = self.contenders.len();
        let mut times = Times(vec![Vec::with_capacity(rounds); count]);
        // The first round warms up and is not counted.
        for round in 0..=rounds {
            let turn = self.workload.turn(row, round);
            let check = round == 0 || round == rounds;
            let mut digests = vec![None; count];
            for place in 0..count {
                let contender = (place + round) % count;
                let (time, digest) = self.take_turn(row, contender, &turn, check)?;
                digests[contender] = Some(digest);
                if round > 0 {
                    times.0[contender].push(time);
                }
            }
            if let Some(other) = digests.iter().position(|digest| *digest != digests[0]) {
                let (first, other) = (&self.contenders[0], &self.contenders[other]);
                return Err(format!(
                    "{}: {} and {} do not agree, {digests:?}",
                    row.name,
                    first.name(),
                    other.name()
                )
                .into());
            }
        }
        Ok(times)
    }

    /// Runs a row `rounds` times with one contender; gives the shortest time that it took.
    pub(crate) fn repeat(&self, row: &Row, contender: &str, rounds: usize) -> Result<Duration> {
        let contender = self
            .contenders
            .iter()
            .position(|known| known.name() == contender)
            .ok_or_else(|| format!("there is no contender {contender}"))?;
        let turn = self.workload.turn(row, 1);
        let mut fastest = Duration::MAX;
        for _ in 0..rounds {
            fastest = fastest.min(self.take_turn(row, contender, &turn, false)?.0);
        }
        Ok(fastest)
    }

    /// Runs the row once; `check` adds what the database holds afterwards to the digest.
    fn take_turn(
        &self,
        row: &Row,
        contender: usize,
        turn: &Turn,
        check: bool,
    ) -> Result<(Duration, u64)> {
        let opened;
        let database = match row.state {
            State::Empty => {
                let fresh = self.directory.join("fresh");
                remove(&fresh)?;
                opened = self.contenders[contender].open(&fresh)?;
                opened.as_ref()
            }
            State::Loaded | State::Restored => self.loaded(contender)?,
        };
        let start = Instant::now();
        let mut digest = (row.run)(database, &self.workload, turn)?;
        let time = start.elapsed();
        if check && row.state != State::Loaded {
            digest = digest.wrapping_add(content(database)?);
        }
        if row.state == State::Restored {
            database.put_each(&turn.users)?;
        }
        Ok((time, digest))
    }
}

/// A digest of all that a database holds, its index included.
fn content(database: &dyn Database) -> Result<u64> {
    let ages: Vec<u32> = (0..AGES).collect();
    Ok(database
        .iterate()?
        .wrapping_mul(31)
        .wrapping_add(database.by_age(&ages)?))
}

/// Removes a database, be it a file or a folder, if there is one.
pub(crate) fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

impl Times {
    /// The median time of a contender.
    pub(crate) fn median(&self, contender: usize) -> Duration {
        let mut times = self.0[contender].clone();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    }

    /// The median of the ratios of two contenders' times in the same round.
    pub(crate) fn ratio(&self, contender: usize, to: usize) -> f64 {
        let mut ratios: Vec<f64> = self.0[contender]
            .iter()
            .zip(&self.0[to])
            .map(|(time, other)| time.as_secs_f64() / other.as_secs_f64())
            .collect();
        ratios.sort_unstable_by(f64::total_cmp);
        ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_taken_within_rounds_and_ignores_outliers() {
        let times = |millis: &[u64]| millis.iter().copied().map(Duration::from_millis).collect();
        let times = Times(vec![times(&[10, 20, 10]), times(&[11, 22, 900])]);
        assert!((times.ratio(1, 0) - 1.1).abs() < 1e-9);
        assert_eq!(times.median(1), Duration::from_millis(22));
    }
}
