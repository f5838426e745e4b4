//! The rows of the comparison: what is measured, on which state, and how good it has to be.

use crate::contender::{Database, Result};
use crate::data::{AGES, Emails, Random, User, UserEmailSecondaryKey, UserSecondaryKeys};
use crate::engine::Engine;

/// The share of the static driver's time that the dynamic one may take.
pub(crate) const DYNAMIC: f64 = 1.05;

/// Ages that one measurement looks up.
const AGES_OF_A_TURN: usize = 20;

/// Users of one range read.
const RANGE: u64 = 100;

/// One row of the table.
#[derive(Debug)]
pub(crate) struct Row {
    /// For the command line.
    pub(crate) name: &'static str,
    /// For the table.
    pub(crate) title: &'static str,
    pub(crate) target: Target,
    pub(crate) state: State,
    /// How many operations, of the kind that the title names, one measurement makes.
    pub(crate) operations: fn(&Workload) -> usize,
    pub(crate) run: fn(&dyn Database, &Workload, &Turn) -> Result<u64>,
}

/// The share of hand-written time that a row may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// That of bulk puts, which sort what they write.
    Bulk,
    /// That of the engine.
    Level,
}

impl Target {
    pub(crate) fn share(self, engine: Engine) -> f64 {
        match self {
            Self::Bulk => 0.9,
            Self::Level => engine.level(),
        }
    }
}

/// What a row starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// An empty database for each measurement.
    Empty,
    /// The database with all users, which the row leaves as it is.
    Loaded,
    /// The database with all users; what the row changed is put back, unmeasured, by storing [`Turn::users`] again.
    Restored,
}

/// The users, and how much of them one measurement takes.
#[derive(Debug)]
pub(crate) struct Workload {
    pub(crate) users: Vec<User>,
    /// Random reads of one measurement.
    pub(crate) reads: usize,
    /// Random updates or removals of one measurement.
    pub(crate) writes: usize,
}

/// What one round works on: the same for every contender.
#[derive(Debug)]
pub(crate) struct Turn {
    ids: Vec<u64>,
    emails: Emails,
    ages: Vec<u32>,
    starts: Vec<u64>,
    /// The users that a write changes or removes, as they were.
    pub(crate) users: Vec<User>,
    changed: Vec<User>,
    removed: Vec<u64>,
}

impl Workload {
    pub(crate) fn new(users: Vec<User>) -> Self {
        let count = users.len();
        Self {
            users,
            reads: count,
            writes: (count / 10).max(1),
        }
    }

    /// The work of one round on this row.
    pub(crate) fn turn(&self, row: &Row, round: usize) -> Turn {
        let count = self.users.len();
        let mut random = Random::new(round as u64 + 1);
        let ids: Vec<u64> = (0..self.reads)
            .map(|_| random.below(count) as u64)
            .collect();
        let texts: Vec<String> = ids
            .iter()
            .map(|&id| self.users[id as usize].email.clone())
            .collect();
        let keys = texts
            .iter()
            .map(|email| UserSecondaryKeys::Email(UserEmailSecondaryKey(email.clone())))
            .collect();
        let starts = (0..(self.reads / RANGE as usize).max(1))
            .map(|_| random.below(count) as u64)
            .collect();
        let mut users = Vec::new();
        if row.state == State::Restored {
            let mut written: Vec<usize> = (0..count).collect();
            random.shuffle(&mut written);
            users.extend(
                written
                    .iter()
                    .take(self.writes)
                    .map(|&id| self.users[id].clone()),
            );
        }
        let removed = (users.iter()).map(|user| user.id).collect();
        let changed = (users.iter())
            .map(|user: &User| User {
                age: (user.age + 1) % AGES,
                ..user.clone()
            })
            .collect();
        Turn {
            ids,
            emails: Emails { texts, keys },
            ages: (0..AGES_OF_A_TURN)
                .map(|_| random.below(AGES as usize) as u32)
                .collect(),
            starts,
            users,
            changed,
            removed,
        }
    }
}

/// Every row, in the order of the table.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "put-many",
        title: "bulk put, one transaction",
        target: Target::Bulk,
        state: State::Empty,
        operations: |work| work.users.len(),
        run: |database, work, _| database.put_many(&work.users).map(|()| 0),
    },
    Row {
        name: "put-each",
        title: "single puts, one transaction",
        target: Target::Level,
        state: State::Empty,
        operations: |work| work.users.len(),
        run: |database, work, _| database.put_each(&work.users).map(|()| 0),
    },
    Row {
        name: "get",
        title: "gets, one transaction",
        target: Target::Level,
        state: State::Loaded,
        operations: |work| work.reads,
        run: |database, _, turn| database.get(&turn.ids),
    },
    Row {
        name: "get-in-own",
        title: "gets, a transaction each",
        target: Target::Level,
        state: State::Loaded,
        operations: |work| work.reads,
        run: |database, _, turn| database.get_in_own(&turn.ids),
    },
    Row {
        name: "get-borrowed",
        title: "borrowed gets, one transaction",
        target: Target::Level,
        state: State::Loaded,
        operations: |work| work.reads,
        run: |database, _, turn| database.get_borrowed(&turn.ids),
    },
    Row {
        name: "by-email",
        title: "lookups by unique key, 1 match",
        target: Target::Level,
        state: State::Loaded,
        operations: |work| work.reads,
        run: |database, _, turn| database.by_email(&turn.emails),
    },
    Row {
        name: "by-age",
        title: "lookups by key, 1 % of all match",
        target: Target::Level,
        state: State::Loaded,
        operations: |_| AGES_OF_A_TURN,
        run: |database, _, turn| database.by_age(&turn.ages),
    },
    Row {
        name: "iterate",
        title: "iteration",
        target: Target::Level,
        state: State::Loaded,
        operations: |work| work.users.len(),
        run: |database, _, _| database.iterate(),
    },
    Row {
        name: "iterate-borrowed",
        title: "borrowed iteration",
        target: Target::Level,
        state: State::Loaded,
        operations: |work| work.users.len(),
        run: |database, _, _| database.iterate_borrowed(),
    },
    Row {
        name: "ranges",
        title: "ranges of 100",
        target: Target::Level,
        state: State::Loaded,
        operations: |work| (work.reads / RANGE as usize).max(1),
        run: |database, _, turn| database.ranges(&turn.starts, RANGE),
    },
    Row {
        name: "update",
        title: "updates of an indexed field, one transaction",
        target: Target::Level,
        state: State::Restored,
        operations: |work| work.writes,
        run: |database, _, turn| database.put_each(&turn.changed).map(|()| 0),
    },
    Row {
        name: "remove",
        title: "removals, one transaction",
        target: Target::Level,
        state: State::Restored,
        operations: |work| work.writes,
        run: |database, _, turn| database.remove_each(&turn.removed).map(|()| 0),
    },
];
