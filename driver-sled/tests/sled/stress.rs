//! Many threads at once: no view is ever torn.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use netabase_core::driver::checked::{Checked, CheckedReader};
use netabase_core::driver::{
    Bounds, Cursor, Direction, Durability, OpenConfig, Read, TreeId, Write,
};
use netabase_driver_sled::{Sled, SledDatabase, SledReader};

use crate::{Random, owned, place};

const ACCOUNTS: u64 = 400;
const BALANCE: u64 = 1000;
const TOTAL: u64 = ACCOUNTS * BALANCE;
const TREES: [&str; 2] = ["left", "right"];

/// How long each test goes on.
fn duration() -> Duration {
    let seconds =
        std::env::var("SLED_STRESS_SECONDS").map_or(2, |seconds| seconds.parse().unwrap());
    Duration::from_secs(seconds)
}

fn number(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes[..8].try_into().unwrap())
}

/// Accounts are even keys of both trees, whose balances add up to the total. Between them there is a wandering crowd of
/// odd keys, always of the same number.
fn prepare(store: &Checked<SledDatabase>) {
    let mut writer = store.begin_write().unwrap();
    for account in 0..ACCOUNTS {
        let tree = writer.tree(TREES[(account % 2) as usize]).unwrap();
        let key = (account * 2).to_be_bytes();
        writer
            .put(tree, &key, &BALANCE.to_be_bytes(), |_| ())
            .unwrap();
        if account < ACCOUNTS / 2 {
            let crowd = writer.tree(TREES[0]).unwrap();
            let key = (account * 4 + 1).to_be_bytes();
            writer
                .put(crowd, &key, &0_u64.to_be_bytes(), |_| ())
                .unwrap();
        }
    }
    writer.commit(Durability::None).unwrap();
}

/// Moves money between some accounts, over both trees, and some of the crowd to other places.
fn transfer(store: &Checked<SledDatabase>, random: &mut Random) {
    let mut writer = store.begin_write().unwrap();
    let trees = TREES.map(|name| writer.tree(name).unwrap());
    for _ in 0..1 + random.below(8) {
        let [from, to] = [random.below(ACCOUNTS), random.below(ACCOUNTS)];
        let read = |writer: &_, account: u64| -> u64 {
            let tree = trees[(account % 2) as usize];
            let bytes = owned(writer, tree, &(account * 2).to_be_bytes()).unwrap();
            number(&bytes)
        };
        let amount = random.below(read(&writer, from) + 1);
        let taken = read(&writer, from) - amount;
        let tree = |account: u64| trees[(account % 2) as usize];
        writer
            .put(
                tree(from),
                &(from * 2).to_be_bytes(),
                &taken.to_be_bytes(),
                |_| (),
            )
            .unwrap();
        let given = read(&writer, to) + amount;
        writer
            .put(
                tree(to),
                &(to * 2).to_be_bytes(),
                &given.to_be_bytes(),
                |_| (),
            )
            .unwrap();
    }
    for _ in 0..random.below(20) {
        let [from, to] = [0; 2].map(|_: u64| (random.below(ACCOUNTS * 2) * 2 + 1).to_be_bytes());
        let is_free = owned(&writer, trees[0], &to).is_none();
        if is_free && writer.remove(trees[0], &from, |_| ()).unwrap().is_some() {
            writer
                .put(trees[0], &to, &0_u64.to_be_bytes(), |_| ())
                .unwrap();
        }
    }
    if random.below(10) > 0 {
        writer.commit(Durability::None).unwrap();
    }
}

fn sum(reader: &CheckedReader<SledReader>, tree: TreeId, direction: Direction) -> (u64, u64) {
    let mut cursor = reader.cursor(tree, Bounds::ALL, direction).unwrap();
    let (mut entries, mut balance) = (0, 0);
    let mut last = None;
    while cursor.advance().unwrap() {
        let key = number(cursor.key());
        assert!(last.is_none_or(|last| match direction {
            Direction::Forward => last < key,
            Direction::Backward => last > key,
        }));
        last = Some(key);
        entries += 1;
        balance += number(cursor.value());
    }
    (entries, balance)
}

fn check(reader: &CheckedReader<SledReader>, random: &mut Random) {
    let trees = TREES.map(|name| reader.tree(name).unwrap());
    let direction = if random.below(2) == 0 {
        Direction::Forward
    } else {
        Direction::Backward
    };
    let by_cursor = trees.map(|tree| sum(reader, tree, direction));
    assert_eq!(by_cursor[0].1 + by_cursor[1].1, TOTAL);
    assert_eq!(by_cursor[0].0, ACCOUNTS);
    assert_eq!(by_cursor[1].0, ACCOUNTS / 2);
    assert_eq!(reader.len(trees[0]).unwrap(), ACCOUNTS);
    let by_key: u64 = (0..ACCOUNTS)
        .map(|account| {
            let tree = trees[(account % 2) as usize];
            let key = (account * 2).to_be_bytes();
            reader.get(tree, &key, number).unwrap().unwrap()
        })
        .sum();
    assert_eq!(by_key, TOTAL);
}

#[test]
fn sums_hold_in_every_snapshot_while_writers_write() {
    let (_folder, path) = place();
    let store = Checked::open(&Sled, &OpenConfig::new(&path)).unwrap();
    prepare(&store);
    let ended = AtomicBool::new(false);
    let (checks, transfers) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for seed in 1..=2 {
            let (store, ended, transfers) = (&store, &ended, &transfers);
            scope.spawn(move || {
                let mut random = Random(seed * 7919);
                while !ended.load(Ordering::Relaxed) {
                    transfer(store, &mut random);
                    transfers.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for seed in 1..=4 {
            let (store, ended, checks) = (&store, &ended, &checks);
            scope.spawn(move || {
                let mut random = Random(seed * 104_729);
                while !ended.load(Ordering::Relaxed) {
                    let reader = store.begin_read().unwrap();
                    for _ in 0..=random.below(3) {
                        check(&reader, &mut random);
                        checks.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        thread::sleep(duration());
        ended.store(true, Ordering::Relaxed);
    });
    assert!(checks.into_inner() > 4);
    assert!(transfers.into_inner() > 4);
}

#[test]
fn readers_begin_while_a_large_commit_is_under_way() {
    let (_folder, path) = place();
    let store = Checked::open(&Sled, &OpenConfig::new(&path)).unwrap();
    prepare(&store);
    let committing = AtomicBool::new(true);
    let begun = AtomicU64::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            let ends = Instant::now() + duration();
            while Instant::now() < ends {
                let mut writer = store.begin_write().unwrap();
                for name in TREES {
                    let tree = writer.tree(name).unwrap();
                    for key in 0..5000_u64 {
                        let key = (key * 2 + 10_001).to_be_bytes();
                        if writer.remove(tree, &key, |_| ()).unwrap().is_none() {
                            writer
                                .put(tree, &key, &0_u64.to_be_bytes(), |_| ())
                                .unwrap();
                        }
                    }
                }
                writer.commit(Durability::None).unwrap();
            }
            committing.store(false, Ordering::Relaxed);
        });
        scope.spawn(|| {
            while committing.load(Ordering::Relaxed) {
                let reader = store.begin_read().unwrap();
                let trees = TREES.map(|name| reader.tree(name).unwrap());
                let sums = trees.map(|tree| sum(&reader, tree, Direction::Forward));
                assert_eq!(sums[0].1 + sums[1].1, TOTAL);
                assert_eq!(sums[0].0 - ACCOUNTS, sums[1].0 - ACCOUNTS / 2);
                assert!([0, 5000].contains(&(sums[0].0 - ACCOUNTS)));
                begun.fetch_add(1, Ordering::Relaxed);
            }
        });
    });
    assert!(begun.into_inner() > 0);
}
