//! Random sequences of operations against a model: plain ordered maps, one for each state that somebody can still see.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;

use netabase_core::driver::checked::{Checked, CheckedReader, CheckedWriter};
use netabase_core::driver::{
    Bounds, Capabilities, Cursor, Database, Direction, Driver, DriverError, Durability, ErrorKind,
    OpenConfig, Read, Result, Write, WriteBatchBuilder,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{any, prop_oneof};
use proptest::sample::select;
use proptest::strategy::{Just, Strategy};

use super::{Entry, contents, value};
use crate::case::{Case, CaseResult, case};
use crate::fixture::Fixture;
use crate::sequence::{self, Journal, Show};

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(any_sequence_of_operations_agrees_with_the_model),
        case!(any_sequence_over_large_trees_agrees_with_the_model),
    ]
}

/// One write.
#[derive(Debug, Clone)]
enum Edit {
    Put(usize, Vec<u8>, Vec<u8>),
    Remove(usize, Vec<u8>),
    Clear(usize),
}

/// One read.
#[derive(Debug, Clone)]
enum Look {
    Get(usize, Vec<u8>),
    Len(usize),
    /// Steps `before` times, then seeks if there is a target, then runs to the end.
    Scan {
        tree: usize,
        lower: Bound<Vec<u8>>,
        upper: Bound<Vec<u8>>,
        direction: Direction,
        before: usize,
        seek: Option<Vec<u8>>,
    },
}

/// One step. Steps on a transaction that is not open open it, or do nothing where there is nothing to choose from, so
/// that every part of a sequence is a sequence.
#[derive(Debug, Clone)]
enum Step {
    Edit(Edit),
    Apply(Vec<Edit>),
    /// Puts `count` entries of this value size, from this number on.
    Fill(usize, u32, u32, usize),
    /// Removes every entry whose place modulo this is 0.
    Thin(usize, usize),
    /// Reads in the writer if one is open, or in a new reader.
    Look(Look),
    OpenReader,
    LookInReader(usize, Look),
    CloseReader(usize),
    Commit(Durability),
    RollBack,
    /// Closes every handle and opens the database again.
    Reopen,
}

impl Edit {
    /// The same with less.
    fn simpler(&self) -> Vec<Self> {
        match self {
            Self::Put(tree, key, value) if !value.is_empty() => {
                vec![Self::Put(*tree, key.clone(), Vec::new())]
            }
            Self::Put(..) | Self::Remove(..) | Self::Clear(_) => Vec::new(),
        }
    }
}

impl sequence::Step for Step {
    fn simpler(&self) -> Vec<Vec<Self>> {
        match self {
            Self::Edit(edit) => edit
                .simpler()
                .into_iter()
                .map(|edit| vec![Self::Edit(edit)])
                .collect(),
            Self::Apply(edits) => {
                let split = edits.iter().cloned().map(Self::Edit).collect();
                std::iter::once(split)
                    .chain(sequence::without_one(edits).map(|edits| vec![Self::Apply(edits)]))
                    .collect()
            }
            Self::Fill(tree, first, count, size) if *count == 1 => {
                let key = first.to_be_bytes().to_vec();
                vec![vec![Self::Edit(Edit::Put(*tree, key, vec![0; *size]))]]
            }
            Self::Fill(tree, first, count, size) => vec![
                vec![Self::Fill(*tree, *first, count / 2, *size)],
                vec![Self::Fill(*tree, *first, count - 1, *size)],
            ],
            Self::Look(Look::Scan {
                tree,
                lower,
                upper,
                direction,
                before,
                seek,
            }) if *before > 0 || seek.is_some() => {
                vec![vec![Self::Look(Look::Scan {
                    tree: *tree,
                    lower: lower.clone(),
                    upper: upper.clone(),
                    direction: *direction,
                    before: 0,
                    seek: None,
                })]]
            }
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put(tree, key, value) => {
                write!(f, "put {} {} = {}", TREES[*tree], key.show(), value.show())
            }
            Self::Remove(tree, key) => write!(f, "remove {} {}", TREES[*tree], key.show()),
            Self::Clear(tree) => write!(f, "clear {}", TREES[*tree]),
        }
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Get(tree, key) => write!(f, "get {} {}", TREES[*tree], key.show()),
            Self::Len(tree) => write!(f, "len {}", TREES[*tree]),
            Self::Scan {
                tree,
                lower,
                upper,
                direction,
                before,
                seek,
            } => {
                write!(f, "cursor {} ", TREES[*tree])?;
                match lower {
                    Bound::Unbounded => {}
                    Bound::Included(key) => write!(f, "from {} ", key.show())?,
                    Bound::Excluded(key) => write!(f, "after {} ", key.show())?,
                }
                match upper {
                    Bound::Unbounded => {}
                    Bound::Included(key) => write!(f, "up to and with {} ", key.show())?,
                    Bound::Excluded(key) => write!(f, "up to and without {} ", key.show())?,
                }
                write!(f, "{}: ", direction.show())?;
                if *before > 0 {
                    write!(f, "advance {before} times, ")?;
                }
                if let Some(target) = seek {
                    write!(f, "seek {}, ", target.show())?;
                }
                f.write_str("read to the end")
            }
        }
    }
}

const TREES: [&str; 3] = ["first", "second", "third"];

fn tree() -> impl Strategy<Value = usize> {
    0..TREES.len()
}

/// Mostly few and near each other, so that sequences meet the same keys again.
fn key() -> impl Strategy<Value = Vec<u8>> {
    let near = select(vec![0x00, 0x01, 0x61, 0xfe, 0xff]);
    prop_oneof![
        8 => vec(near, 1..4),
        1 => vec(any::<u8>(), 1..80),
    ]
}

fn value_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        12 => vec(any::<u8>(), 0..12),
        1 => (any::<u8>(), 0usize..9000).prop_map(|(byte, size)| vec![byte; size]),
    ]
}

fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
    prop_oneof![
        Just(Bound::Unbounded),
        key().prop_map(Bound::Included),
        key().prop_map(Bound::Excluded),
    ]
}

fn direction() -> impl Strategy<Value = Direction> {
    select(vec![Direction::Forward, Direction::Backward])
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        12 => (tree(), key(), value_bytes()).prop_map(|(tree, key, value)| Edit::Put(tree, key, value)),
        5 => (tree(), key()).prop_map(|(tree, key)| Edit::Remove(tree, key)),
        1 => tree().prop_map(Edit::Clear),
    ]
}

fn look() -> impl Strategy<Value = Look> {
    let scan = (
        tree(),
        bound(),
        bound(),
        direction(),
        0usize..6,
        option::of(key()),
    )
        .prop_map(|(tree, lower, upper, direction, before, seek)| Look::Scan {
            tree,
            lower,
            upper,
            direction,
            before,
            seek,
        });
    prop_oneof![
        3 => (tree(), key()).prop_map(|(tree, key)| Look::Get(tree, key)),
        1 => tree().prop_map(Look::Len),
        4 => scan,
    ]
}

fn commit() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Commit(Durability::None)),
        1 => Just(Step::Commit(Durability::Immediate)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        14 => edit().prop_map(Step::Edit),
        2 => vec(edit(), 0..8).prop_map(Step::Apply),
        8 => look().prop_map(Step::Look),
        2 => Just(Step::OpenReader),
        5 => (any::<usize>(), look()).prop_map(|(reader, look)| Step::LookInReader(reader, look)),
        1 => any::<usize>().prop_map(Step::CloseReader),
        5 => commit(),
        2 => Just(Step::RollBack),
        1 => Just(Step::Reopen),
    ]
}

fn large_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (tree(), 0u32..3000, 1u32..600, 0usize..300)
            .prop_map(|(tree, first, count, size)| Step::Fill(tree, first, count, size)),
        2 => (tree(), 1usize..5).prop_map(|(tree, modulus)| Step::Thin(tree, modulus)),
        4 => look().prop_map(Step::Look),
        1 => Just(Step::OpenReader),
        3 => (any::<usize>(), look()).prop_map(|(reader, look)| Step::LookInReader(reader, look)),
        1 => any::<usize>().prop_map(Step::CloseReader),
        3 => commit(),
        1 => Just(Step::RollBack),
        1 => Just(Step::Reopen),
    ]
}

type Trees = [BTreeMap<Vec<u8>, Vec<u8>>; TREES.len()];

fn select_entries(
    trees: &Trees,
    tree: usize,
    bounds: Bounds<'_>,
    direction: Direction,
) -> Vec<Entry> {
    let within = trees[tree]
        .iter()
        .filter(|(key, _)| bounds.contains(key))
        .map(|(key, value)| (key.clone(), value.clone()));
    match direction {
        Direction::Forward => within.collect(),
        Direction::Backward => within.rev().collect(),
    }
}

/// What a step comes to: a difference, or an error of the driver.
enum Stop {
    Difference(String),
    Driver(DriverError),
}

impl From<DriverError> for Stop {
    fn from(error: DriverError) -> Self {
        Self::Driver(error)
    }
}

impl From<Stop> for String {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Difference(difference) => difference,
            Stop::Driver(error) => format!("the driver fails: {error:?}"),
        }
    }
}

/// Stops unless the driver gives what the model has.
fn same<T: PartialEq<U> + Show, U: Show>(found: T, expected: U) -> Result<(), Stop> {
    match sequence::difference(found, expected) {
        None => Ok(()),
        Some(difference) => Err(Stop::Difference(difference)),
    }
}

/// [`same`], of lists of entries.
fn same_entries(found: &[Entry], expected: &[Entry]) -> Result<(), Stop> {
    match sequence::difference_of_entries(found, expected) {
        None => Ok(()),
        Some(difference) => Err(Stop::Difference(difference)),
    }
}

/// A read transaction, its number among those of its sequence, and what it is to see.
struct Reading<R> {
    reader: CheckedReader<R>,
    number: usize,
    trees: Trees,
}

/// The driver and the model, side by side.
struct Pair<'f, D: Driver> {
    fixture: &'f Fixture<D>,
    journal: &'f Journal,
    readers: Vec<Reading<<D::Database as Database>::Reader>>,
    /// How many readers were opened.
    opened: usize,
    writer: Option<(CheckedWriter<<D::Database as Database>::Writer>, Trees)>,
    store: Option<Checked<D::Database>>,
    committed: Trees,
}

impl<'f, D: Driver> Pair<'f, D> {
    /// An empty database in the place of an earlier one.
    fn new(fixture: &'f Fixture<D>, journal: &'f Journal) -> Result<Self> {
        journal.note("open an empty database");
        let store = fixture.open_with(&OpenConfig {
            truncate: true,
            ..fixture.config()
        })?;
        Ok(Self {
            fixture,
            journal,
            readers: Vec::new(),
            opened: 0,
            writer: None,
            store: Some(store),
            committed: Trees::default(),
        })
    }

    fn store(&self) -> Result<&Checked<D::Database>> {
        self.store
            .as_ref()
            .ok_or_else(|| DriverError::new(ErrorKind::Closed, "an earlier opening failed"))
    }

    fn writer(&mut self) -> Result<&mut (CheckedWriter<<D::Database as Database>::Writer>, Trees)> {
        if self.writer.is_none() {
            self.journal.note("begin_write");
            let writer = self.store()?.begin_write()?;
            self.writer = Some((writer, self.committed.clone()));
        }
        self.writer
            .as_mut()
            .ok_or_else(|| DriverError::new(ErrorKind::Internal, "the writer was just begun"))
    }

    fn run(&mut self, step: Step) -> Result<(), Stop> {
        let journal = self.journal;
        match step {
            Step::Edit(edit) => {
                let (writer, trees) = self.writer()?;
                journal.note(&edit);
                run_edit(writer, trees, edit)?;
            }
            Step::Apply(edits) => {
                let (writer, trees) = self.writer()?;
                let list: Vec<_> = edits.iter().map(Edit::to_string).collect();
                journal.note(format_args!("apply [{}]", list.join("; ")));
                run_list(writer, trees, edits)?;
            }
            Step::Fill(tree, first, count, size) => {
                let (writer, trees) = self.writer()?;
                journal.note(format_args!(
                    "put {} {count} entries, of keys {} to {}, with values of {size} bytes",
                    TREES[tree],
                    first.to_be_bytes().show(),
                    (first + count - 1).to_be_bytes().show(),
                ));
                for number in first..first + count {
                    let key = number.to_be_bytes().to_vec();
                    run_edit(
                        writer,
                        trees,
                        Edit::Put(tree, key, vec![number as u8; size]),
                    )?;
                }
            }
            Step::Thin(tree, modulus) => {
                let (writer, trees) = self.writer()?;
                let keys: Vec<_> = trees[tree].keys().step_by(modulus).cloned().collect();
                journal.note(format_args!(
                    "remove {} {} entries: from the first on, each {modulus}. one",
                    TREES[tree],
                    keys.len()
                ));
                for key in keys {
                    run_edit(writer, trees, Edit::Remove(tree, key))?;
                }
            }
            Step::Look(look) => match &self.writer {
                Some((writer, trees)) => {
                    journal.note(format_args!("in the writer: {look}"));
                    run_look(writer, trees, &look)?;
                }
                None => {
                    journal.note(format_args!("in a new reader: {look}"));
                    run_look(&self.store()?.begin_read()?, &self.committed, &look)?;
                }
            },
            Step::OpenReader => {
                self.opened += 1;
                journal.note(format_args!("begin_read, as reader {}", self.opened));
                let reader = self.store()?.begin_read()?;
                self.readers.push(Reading {
                    reader,
                    number: self.opened,
                    trees: self.committed.clone(),
                });
            }
            Step::LookInReader(number, look) => {
                if let Some(index) = number.checked_rem(self.readers.len()) {
                    self.look_in_reader(index, &look)?;
                }
            }
            Step::CloseReader(number) => {
                if let Some(index) = number.checked_rem(self.readers.len()) {
                    let reading = self.readers.swap_remove(index);
                    journal.note(format_args!("drop reader {}", reading.number));
                }
            }
            Step::Commit(durability) => {
                if let Some((writer, trees)) = self.writer.take() {
                    journal.note(format_args!("commit, durability {durability:?}"));
                    writer.commit(durability)?;
                    self.committed = trees;
                }
            }
            Step::RollBack => self.roll_back(),
            Step::Reopen => {
                if self.fixture.declares(Capabilities::PERSISTENT) {
                    self.roll_back();
                    journal.note("close every handle and open the database again");
                    self.readers.clear();
                    self.store = None;
                    self.store = Some(self.fixture.open()?);
                }
            }
        }
        Ok(())
    }

    fn roll_back(&mut self) {
        if let Some(writer) = self.writer.take() {
            self.journal.note("drop the writer, without a commit");
            drop(writer);
        }
    }

    fn look_in_reader(&mut self, index: usize, look: &Look) -> Result<(), Stop> {
        let reading = &self.readers[index];
        self.journal
            .note(format_args!("in reader {}: {look}", reading.number));
        match run_look(&reading.reader, &reading.trees, look) {
            Err(Stop::Driver(error))
                if error.kind() == ErrorKind::SnapshotLost
                    && !self.fixture.declares(Capabilities::SNAPSHOTS) =>
            {
                self.readers.swap_remove(index);
                Ok(())
            }
            outcome => outcome,
        }
    }

    /// Compares everything: what every open reader sees, and what is committed.
    fn compare(&mut self) -> Result<(), Stop> {
        self.roll_back();
        let everything = |tree| Look::Scan {
            tree,
            lower: Bound::Unbounded,
            upper: Bound::Unbounded,
            direction: Direction::Forward,
            before: 0,
            seek: None,
        };
        for index in (0..self.readers.len()).rev() {
            for tree in 0..TREES.len() {
                if index < self.readers.len() {
                    self.look_in_reader(index, &everything(tree))?;
                }
            }
        }
        self.journal.note("in a new reader: read every tree");
        let reader = self.store()?.begin_read()?;
        for (name, expected) in TREES.iter().zip(&self.committed) {
            let within = |stop| match stop {
                Stop::Difference(difference) => {
                    Stop::Difference(format!("in {name}:\n{difference}"))
                }
                driver @ Stop::Driver(_) => driver,
            };
            let tree = reader.tree(name)?;
            let entries = Vec::from_iter(expected.clone());
            same_entries(&contents(&reader, tree)?, &entries).map_err(within)?;
            same(reader.len(tree)?, expected.len() as u64).map_err(within)?;
        }
        Ok(())
    }
}

fn run_edit(writer: &mut impl Write, trees: &mut Trees, edit: Edit) -> Result<(), Stop> {
    match edit {
        Edit::Put(tree, key, value) => {
            let id = writer.tree(TREES[tree])?;
            let before = writer.put(id, &key, &value, <[u8]>::to_vec)?;
            same(before, trees[tree].insert(key, value))?;
        }
        Edit::Remove(tree, key) => {
            let id = writer.tree(TREES[tree])?;
            let before = writer.remove(id, &key, <[u8]>::to_vec)?;
            same(before, trees[tree].remove(&key))?;
        }
        Edit::Clear(tree) => {
            let id = writer.tree(TREES[tree])?;
            writer.clear(id)?;
            trees[tree].clear();
        }
    }
    Ok(())
}

fn run_list(writer: &mut impl Write, trees: &mut Trees, edits: Vec<Edit>) -> Result<(), Stop> {
    let mut list = WriteBatchBuilder::new();
    for edit in &edits {
        match edit {
            Edit::Put(tree, key, value) => {
                list.put(writer.tree(TREES[*tree])?, key, value)?;
            }
            Edit::Remove(tree, key) => {
                list.remove(writer.tree(TREES[*tree])?, key)?;
            }
            Edit::Clear(tree) => {
                list.clear(writer.tree(TREES[*tree])?);
            }
        }
    }
    writer.apply(&list.as_batch())?;
    for edit in edits {
        match edit {
            Edit::Put(tree, key, value) => {
                trees[tree].insert(key, value);
            }
            Edit::Remove(tree, key) => {
                trees[tree].remove(&key);
            }
            Edit::Clear(tree) => trees[tree].clear(),
        }
    }
    Ok(())
}

fn run_look(reader: &impl Read, trees: &Trees, look: &Look) -> Result<(), Stop> {
    match look {
        Look::Get(tree, key) => {
            let id = reader.tree(TREES[*tree])?;
            same(value(reader, id, key)?.as_ref(), trees[*tree].get(key))?;
        }
        Look::Len(tree) => {
            let id = reader.tree(TREES[*tree])?;
            same(reader.len(id)?, trees[*tree].len() as u64)?;
        }
        Look::Scan {
            tree,
            lower,
            upper,
            direction,
            before,
            seek,
        } => {
            let bounds = Bounds {
                lower: lower.as_ref().map(Vec::as_slice),
                upper: upper.as_ref().map(Vec::as_slice),
            };
            let id = reader.tree(TREES[*tree])?;
            let selected = select_entries(trees, *tree, bounds, *direction);
            let mut cursor = reader.cursor(id, bounds, *direction)?;
            let mut expected = selected.iter();
            for _ in 0..*before {
                let found = cursor.advance()?;
                let found = found.then(|| (cursor.key().to_vec(), cursor.value().to_vec()));
                same(found.as_ref(), expected.next())?;
            }
            let rest: Vec<Entry> = match seek {
                None => expected.cloned().collect(),
                Some(target) => {
                    cursor.seek(target)?;
                    let ahead = |key: &Vec<u8>| match direction {
                        Direction::Forward => key >= target,
                        Direction::Backward => key <= target,
                    };
                    selected
                        .iter()
                        .filter(|(key, _)| ahead(key))
                        .cloned()
                        .collect()
                }
            };
            same_entries(&super::drain(&mut cursor)?, &rest)?;
        }
    }
    Ok(())
}

fn run_sequences<D: Driver>(
    fixture: &Fixture<D>,
    sequences: u32,
    steps: impl Strategy<Value = Vec<Step>>,
) -> CaseResult {
    let law = |steps: Vec<Step>, journal: &Journal| -> Result<(), Stop> {
        let mut pair = Pair::new(fixture, journal)?;
        for step in steps {
            pair.run(step)?;
        }
        pair.compare()?;
        pair.run(Step::Reopen)?;
        pair.compare()
    };
    sequence::run(sequences, steps, |steps, journal| {
        law(steps, journal).map_err(String::from)
    })
}

fn any_sequence_of_operations_agrees_with_the_model<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    run_sequences(fixture, 96, vec(step(), 1..80))
}

fn any_sequence_over_large_trees_agrees_with_the_model<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    run_sequences(fixture, 16, vec(large_step(), 1..24))
}
