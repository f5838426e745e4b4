//! Losses of power: whatever had reached the disk by then, the file opens to a committed state with every durable commit.
//!
//! What the driver does to its file is recorded once. A cut is then made at every sync, and at moments between them: of
//! what was written since the last sync, any part may be on the disk, in any order, down to single sectors.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use fastrand::Rng;
use netabase_core::driver::{Bounds, Cursor, Direction, Durability, Read, Store, Write};
use redb::{Builder, StorageBackend};

use crate::config::CommitSettings;
use crate::store::{Engine, RedbDatabase};

/// What a disk writes as a whole, in bytes.
const SECTOR: usize = 512;

const TRANSACTIONS: u32 = 24;

/// Cuts between two syncs.
const CUTS_BETWEEN: usize = 5;

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
    fn new(image: Vec<u8>) -> Self {
        let events = Vec::new();
        Self(Arc::new(Mutex::new(Contents { image, events })))
    }

    fn record(&self, event: Event) {
        let mut contents = self.0.lock().unwrap();
        event.run(&mut contents.image);
        contents.events.push(event);
    }

    fn open(&self, commits: CommitSettings) -> RedbDatabase {
        let database = Builder::new().create_with_backend(self.clone()).unwrap();
        RedbDatabase::new(Engine::Writable(database), PathBuf::new(), commits)
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
struct Cut {
    image: Vec<u8>,
    /// The last commit that must be there.
    durable: u32,
    /// The last commit that may be there.
    begun: u32,
}

/// Visits the cuts of a recording: at each sync before and after it, and in between.
fn cuts(events: &[Event], random: &mut Rng, mut visit: impl FnMut(Cut)) {
    let mut on_disk = Vec::new();
    let (mut durable, mut begun) = (0, 0);
    for unsynced in events.split_inclusive(|event| matches!(event, Event::Sync)) {
        let moments = (0..CUTS_BETWEEN).map(|_| random.usize(..=unsynced.len()));
        let moments = Vec::from_iter(moments.chain([0, unsynced.len()]));
        for (number, moment) in moments.into_iter().enumerate() {
            let mut cut = Cut {
                image: on_disk.clone(),
                durable,
                begun,
            };
            for event in &unsynced[..moment] {
                match event {
                    Event::Begin(number) => cut.begun = *number,
                    Event::Durable(number) => cut.durable = *number,
                    // What is lost is another part each time; once it is nothing.
                    event if number == CUTS_BETWEEN + 1 => event.run(&mut cut.image),
                    event => run_in_part(event, &mut cut.image, random),
                }
            }
            visit(cut);
        }
        for event in unsynced {
            event.run(&mut on_disk);
            match event {
                Event::Begin(number) => begun = *number,
                Event::Durable(number) => durable = *number,
                _ => {}
            }
        }
    }
}

/// Runs what a disk may have done of an event: all, nothing, or some of the sectors.
fn run_in_part(event: &Event, image: &mut Vec<u8>, random: &mut Rng) {
    match (random.u32(..3), event) {
        (0, _) => {}
        (1, Event::Write(offset, data)) => {
            for (number, sector) in data.chunks(SECTOR).enumerate() {
                if random.bool() {
                    Event::Write(offset + number * SECTOR, sector.to_vec()).run(image);
                }
            }
        }
        _ => event.run(image),
    }
}

type Tree = BTreeMap<Vec<u8>, Vec<u8>>;

const TREES: [&str; 3] = ["one", "two", "number"];

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
    if number.is_multiple_of(5) {
        // In ascending order, as a bulk write is.
        let keys = (0..200_u32).map(|key| (key | number << 16).to_be_bytes().to_vec());
        changes.extend(keys.map(|key| (0, Change::Put(key, vec![1; 50]))));
    }
    changes
}

fn commit(database: &RedbDatabase, number: u32, durability: Durability) {
    let mut writer = database.begin_write().unwrap();
    let trees = TREES.map(|name| writer.tree(name).unwrap());
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
    TREES
        .map(|name| {
            let tree = reader.tree(name).unwrap();
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

/// Records transactions; what each does to the file, some of them without durability.
fn record(commits: CommitSettings, random: &mut Rng) -> Vec<Event> {
    let disk = Disk::default();
    let database = disk.open(commits);
    for number in 1..=TRANSACTIONS {
        let durability = match random.u32(..3) {
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
    let events = disk.0.lock().unwrap().events.clone();
    events
}

/// Shows that a cut opens to a state that was committed, is sound, and takes another transaction.
fn assert_recovers(cut: Cut, states: &[Vec<Tree>], commits: CommitSettings) {
    let disk = Disk::new(cut.image);
    let database = disk.open(commits);
    let sound = database.alone("check", |redb| Ok(redb.check_integrity().unwrap()));
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
    commit(&database, number + 1, Durability::Immediate);
    assert!(contents(&database) == states[number as usize + 1]);
}

fn assert_every_cut_recovers(commits: CommitSettings) {
    let seed = fastrand::u64(..);
    println!("the cuts follow from the seed {seed}");
    let mut random = Rng::with_seed(seed);
    let states = Vec::from_iter((0..=TRANSACTIONS + 1).map(expected));
    let events = record(commits, &mut random);
    let mut count = 0;
    cuts(&events, &mut random, |cut| {
        assert_recovers(cut, &states, commits);
        count += 1;
    });
    assert!(count > 100, "there were {count} cuts only");
}

#[test]
fn every_cut_opens_to_a_committed_state() {
    assert_every_cut_recovers(CommitSettings::default());
}

#[test]
fn every_cut_opens_to_a_committed_state_with_two_phase_commits() {
    assert_every_cut_recovers(CommitSettings {
        two_phase: true,
        ..CommitSettings::default()
    });
}

#[test]
fn every_cut_opens_to_a_committed_state_with_quick_repair() {
    assert_every_cut_recovers(CommitSettings {
        quick_repair: true,
        ..CommitSettings::default()
    });
}
