//! Losses of power: whatever had reached the disk by then, the file opens to a committed state with every durable commit.
//!
//! What the driver does to its file is recorded once. A cut is then made at every sync, and at moments between them: of
//! what was written since the last sync, any part may be on the disk, in any order, down to single sectors.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::{env, fs, io};

use fastrand::Rng;
use netabase_core::driver::{
    Bounds, Cursor, Database, Direction, Driver, Durability, EntryWidths, OpenConfig, Read, TreeId,
    Write,
};
use redb::{Builder, StorageBackend};

use crate::Redb;
use crate::config::{CommitSettings, Settings};
use crate::database::RedbDatabase;
use crate::engine::SharedEngine;

/// The environment variable with the seed that random choices follow from; another one each time without it.
const SEED: &str = "NETABASE_CONFORMANCE_SEED";

/// What a disk writes as a whole, in bytes.
const SECTOR: usize = 512;

const TRANSACTIONS: u32 = 14;

/// Cuts between two syncs.
const CUTS_BETWEEN: usize = 4;

/// What happened to a file, or in the process that uses it.
#[derive(Debug, Clone)]
enum Event {
    Write(usize, Vec<u8>),
    SetLen(usize),
    Sync,
    /// A commit begins, the one of this number.
    Begin(u32),
    /// The commit has returned; it is durable, and so are those before it.
    Durable(u32),
}

impl Event {
    fn run(&self, image: &mut Vec<u8>) {
        match self {
            Self::Write(offset, data) => {
                let end = offset + data.len();
                if image.len() < end {
                    image.resize(end, 0);
                }
                image[*offset..end].copy_from_slice(data);
            }
            Self::SetLen(len) => image.resize(*len, 0),
            Self::Sync | Self::Begin(_) | Self::Durable(_) => {}
        }
    }
}

/// A file in memory, and what was done to it.
#[derive(Debug, Clone, Default)]
struct Disk(Arc<Mutex<Contents>>);

#[derive(Debug, Default)]
struct Contents {
    image: Vec<u8>,
    events: Vec<Event>,
}

impl Disk {
    fn record(&self, event: Event) {
        let mut contents = self.0.lock().unwrap();
        event.run(&mut contents.image);
        contents.events.push(event);
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().image.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let offset = offset as usize;
        let contents = self.0.lock().unwrap();
        let data = contents.image.get(offset..offset + out.len());
        out.copy_from_slice(data.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.record(Event::SetLen(len as usize));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.record(Event::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.record(Event::Write(offset as usize, data.to_vec()));
        Ok(())
    }
}

/// What a loss of power leaves.
#[derive(Debug, Clone, Default)]
struct Cut {
    image: Vec<u8>,
    /// The last commit that must be there.
    durable: u32,
    /// The last commit that may be there.
    begun: u32,
}

impl Cut {
    fn run(&mut self, event: &Event) {
        match event {
            Event::Begin(number) => self.begun = *number,
            Event::Durable(number) => self.durable = *number,
            event => event.run(&mut self.image),
        }
    }

    /// Runs what a disk may have done of an event: of a write all, nothing, or some of the sectors.
    ///
    /// A file's length is not data: file systems keep it in a journal, in order.
    fn run_in_part(&mut self, event: &Event, random: &mut Rng) {
        let Event::Write(offset, data) = event else {
            return self.run(event);
        };
        match random.u32(..3) {
            0 => {}
            1 => {
                for (number, sector) in data.chunks(SECTOR).enumerate() {
                    if random.bool() {
                        let part = Event::Write(offset + number * SECTOR, sector.to_vec());
                        self.run(&part);
                    }
                }
            }
            _ => self.run(event),
        }
    }
}

/// Visits the cuts of what was done to a file: at each sync before and after it, and in between.
fn cuts(mut synced: Cut, events: &[Event], random: &mut Rng, mut visit: impl FnMut(Cut, &mut Rng)) {
    for unsynced in events.split_inclusive(|event| matches!(event, Event::Sync)) {
        visit(synced.clone(), random);
        for number in 0..CUTS_BETWEEN {
            // A commit is in doubt above all when everything is written and not yet synced.
            let moment = match number % 2 {
                0 => unsynced.len(),
                _ => random.usize(..=unsynced.len()),
            };
            let mut cut = synced.clone();
            for event in &unsynced[..moment] {
                cut.run_in_part(event, random);
            }
            visit(cut, random);
        }
        for event in unsynced {
            synced.run(event);
        }
    }
    visit(synced, random);
}

type Tree = BTreeMap<Vec<u8>, Vec<u8>>;

/// The last one has entries of known widths, as an index has.
const TREES: [&str; 4] = ["one", "two", "number", "sized"];

const WIDTHS: EntryWidths = EntryWidths {
    key: Some(4),
    value: Some(0),
};

fn trees(reader: &impl Read) -> [TreeId; 4] {
    TREES.map(|name| match name {
        "sized" => reader.sized_tree(name, WIDTHS).unwrap(),
        _ => reader.tree(name).unwrap(),
    })
}

/// What the trees hold after so many transactions.
fn expected(transactions: u32) -> Vec<Tree> {
    let mut trees = vec![Tree::new(); TREES.len()];
    for number in 1..=transactions {
        for (tree, change) in changes(number) {
            match change {
                Change::Put(key, value) => drop(trees[tree].insert(key, value)),
                Change::Remove(key) => drop(trees[tree].remove(&key)),
                Change::Clear => trees[tree].clear(),
            }
        }
    }
    trees
}

enum Change {
    Put(Vec<u8>, Vec<u8>),
    Remove(Vec<u8>),
    Clear,
}

/// What the transaction of this number does, and to which trees. It follows from the number alone.
fn changes(number: u32) -> Vec<(usize, Change)> {
    let mut random = Rng::with_seed(number.into());
    let mut changes = vec![(2, Change::Put(vec![0], number.to_be_bytes().to_vec()))];
    for _ in 0..random.usize(1..40) {
        let key = vec![random.u8(..60); random.usize(1..40)];
        let change = match random.u32(..20) {
            0 => Change::Clear,
            1..6 => Change::Remove(key),
            _ => Change::Put(key, vec![random.u8(..); random.usize(..3_000)]),
        };
        changes.push((random.usize(..2), change));
    }
    let keys = match number % 5 {
        // In ascending order, as a bulk write is.
        0 => (number << 16)..(number << 16) + 200,
        _ => number..number + 1,
    };
    for key in keys.map(u32::to_be_bytes) {
        changes.push((0, Change::Put(key.to_vec(), vec![1; 50])));
        changes.push((3, Change::Put(key.to_vec(), Vec::new())));
    }
    changes.push((3, Change::Remove((number / 2).to_be_bytes().to_vec())));
    changes
}

fn commit(database: &RedbDatabase, number: u32, durability: Durability) {
    let mut writer = database.begin_write().unwrap();
    let trees = trees(&writer);
    for (tree, change) in changes(number) {
        match change {
            Change::Put(key, value) => drop(writer.put(trees[tree], &key, &value, |_| ()).unwrap()),
            Change::Remove(key) => drop(writer.remove(trees[tree], &key, |_| ()).unwrap()),
            Change::Clear => writer.clear(trees[tree]).unwrap(),
        }
    }
    writer.commit(durability).unwrap();
}

fn contents(database: &RedbDatabase) -> Vec<Tree> {
    let reader = database.begin_read().unwrap();
    trees(&reader)
        .map(|tree| {
            let mut cursor = reader
                .cursor(tree, Bounds::ALL, Direction::Forward)
                .unwrap();
            let mut found = Tree::new();
            while cursor.advance().unwrap() {
                found.insert(cursor.key().to_vec(), cursor.value().to_vec());
            }
            found
        })
        .into()
}

/// Records transactions, some of them without durability: what they do to the file, from its creation on.
fn record(commits: CommitSettings) -> Vec<Event> {
    let disk = Disk::default();
    let redb = Builder::new().create_with_backend(disk.clone()).unwrap();
    let database = RedbDatabase::of(
        SharedEngine::of(redb, Arc::default(), Path::new("")),
        commits,
    );
    for number in 1..=TRANSACTIONS {
        let durability = match number % 3 {
            0 => Durability::None,
            _ => Durability::Immediate,
        };
        disk.record(Event::Begin(number));
        commit(&database, number, durability);
        if durability == Durability::Immediate {
            disk.record(Event::Durable(number));
        }
    }
    drop(database);
    let contents = disk.0.lock().unwrap();
    contents.events.clone()
}

/// What opening and closing does to this file.
fn record_recovery(image: &[u8]) -> Vec<Event> {
    let disk = Disk::default();
    disk.0.lock().unwrap().image = image.to_vec();
    // A file that is no database yet is refused, and left as it is.
    drop(Builder::new().create_with_backend(disk.clone()));
    let contents = disk.0.lock().unwrap();
    contents.events.clone()
}

/// Shows that a cut opens to a state that was committed, is sound, and takes another transaction.
fn assert_recovers(cut: &Cut, states: &[Vec<Tree>], config: &OpenConfig<'_>) {
    fs::write(config.location.as_path().unwrap(), &cut.image).unwrap();
    let database = Redb.open(config).unwrap();
    let sound = database
        .shared()
        .alone("check", false, |redb| Ok(redb.check_integrity().unwrap()));
    assert!(sound.unwrap(), "the file is damaged");
    let found = contents(&database);
    let number = found[2].get(&[0][..]);
    let number = number.map_or(0, |number| {
        u32::from_be_bytes(number.as_slice().try_into().unwrap())
    });
    assert!(
        (cut.durable..=cut.begun).contains(&number),
        "{number} is not within {}..={}",
        cut.durable,
        cut.begun
    );
    assert!(
        found == states[number as usize],
        "transaction {number} is there in part"
    );
    commit(&database, number + 1, Durability::None);
    assert!(contents(&database) == states[number as usize + 1]);
}

fn assert_every_cut_recovers(options: &[(&str, &str)]) {
    let seed = env::var(SEED).map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("the cuts follow from {SEED}={seed}");
    let mut random = Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.redb");
    let config = OpenConfig {
        options,
        ..OpenConfig::new(&path)
    };
    let states = Vec::from_iter((0..=TRANSACTIONS + 1).map(expected));
    let events = record(Settings::new(&config).unwrap().commits);
    let (mut count, mut in_recovery) = (0, 0);
    cuts(Cut::default(), &events, &mut random, |cut, random| {
        assert_recovers(&cut, &states, &config);
        count += 1;
        // A recovery is cut off, too.
        if count % 40 == 10 {
            let events = record_recovery(&cut.image);
            cuts(cut, &events, random, |cut, _| {
                assert_recovers(&cut, &states, &config);
                in_recovery += 1;
            });
        }
    });
    println!("{count} cuts, and {in_recovery} of a recovery");
    assert!(count > 50 && in_recovery > 50, "there were too few cuts");
}

#[test]
fn every_cut_opens_to_a_committed_state() {
    assert_every_cut_recovers(&[]);
}

#[test]
fn every_cut_opens_to_a_committed_state_with_two_phase_commits() {
    assert_every_cut_recovers(&[("two_phase_commit", "true")]);
}

#[test]
fn every_cut_opens_to_a_committed_state_with_quick_repair() {
    assert_every_cut_recovers(&[("quick_repair", "true")]);
}
