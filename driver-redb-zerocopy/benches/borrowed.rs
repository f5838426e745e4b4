//! Borrowed reads through the typed layer against redb's own calls with a borrowed decode: `cargo bench -p
//! netabase-driver-redb-zerocopy -- [ROUNDS]`.
//!
//! Both read one file of 100,000 records, each with a cache of its own that holds all of it. They take turns; the ratio is
//! the median of the rounds' ratios. The control is the hand-written code once more: how far it is from 1 shows how far
//! the machine can be trusted.

#![forbid(unsafe_code)]

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use bincode::config::standard;
use netabase_driver_redb_zerocopy::RedbZeroCopy;
use netabase_store::store::TypedStore;
use netabase_store::{FileConfig, ReadOnly, TreeView, netabase_definition_module};
use redb::{Builder, ReadOnlyTable, ReadableDatabase, ReadableTable, TableDefinition};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Records in the file.
const RECORDS: u64 = 100_000;
/// Rounds that are counted unless the command line says otherwise.
const ROUNDS: usize = 101;
/// Rounds before those, which fill the caches.
const WARM_UP: usize = 2;
/// Size of each cache, in MiB.
const CACHE_MIB: usize = 256;
/// How much longer than hand-written code a read may take.
const TARGET: f64 = 1.05;

#[netabase_definition_module(Measured, MeasuredKeys)]
mod model {
    use netabase_store::{NetabaseModel, netabase};

    /// A user: 8 bytes of key, about 12 of name, 24 of e-mail address, 200 of text.
    #[derive(NetabaseModel, Debug)]
    #[netabase(Measured)]
    pub(crate) struct User {
        #[primary_key]
        pub(crate) id: u64,
        pub(crate) name: String,
        pub(crate) email: String,
        #[secondary_key]
        pub(crate) age: u32,
        pub(crate) bio: String,
    }
}
use model::*;

/// What hand-written code decodes to.
#[derive(bincode::BorrowDecode)]
struct HandRef<'a> {
    id: u64,
    name: &'a str,
    email: &'a str,
    age: u32,
    bio: &'a str,
}

type Users<'txn> = TreeView<'txn, Measured, User, ReadOnly, RedbZeroCopy>;
type Table = ReadOnlyTable<&'static [u8; 8], &'static [u8]>;

/// What one side of a row does; gives a digest of what it read.
type Run<'a> = Box<dyn Fn(&[u64]) -> Result<u64> + 'a>;

struct Row<'a> {
    title: &'static str,
    hand: Run<'a>,
    typed: Run<'a>,
    /// Records that one turn reads.
    reads: usize,
}

fn main() -> Result {
    // Cargo adds options of its own.
    let rounds = std::env::args()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(ROUNDS);
    let folder = tempfile::tempdir_in(directory())?;
    let path = folder.path().join("users.redb");
    fill(&path)?;
    let config = FileConfig::builder()
        .path(path.clone())
        .cache_size_mb(CACHE_MIB)
        .read_only(true)
        .build();
    let store = TypedStore::<Measured, RedbZeroCopy>::open(config)?;
    let transaction = store.begin_read()?;
    let users: Users<'_> = transaction.open_tree()?;
    let database = Builder::new()
        .set_cache_size(CACHE_MIB << 20)
        .open_read_only(&path)?;
    let definition = TableDefinition::new("User");
    let table: Table = database.begin_read()?.open_table(definition)?;

    println!("| row | hand-written | redb-zerocopy | ratio | target | | hand / hand |");
    println!("|---|--:|--:|--:|--:|---|--:|");
    for row in rows(&users, &table) {
        measure(&row, rounds)?;
    }
    Ok(())
}

fn rows<'a>(users: &'a Users<'a>, table: &'a Table) -> Vec<Row<'a>> {
    vec![
        Row {
            title: "borrowed get",
            hand: Box::new(|ids| {
                let mut sum = 0;
                for id in ids {
                    if let Some(value) = table.get(&id.to_be_bytes())? {
                        sum += hand_digest(value.value())?;
                    }
                }
                Ok(sum)
            }),
            typed: Box::new(|ids| {
                let mut sum = 0;
                for id in ids {
                    if let Some(guard) = users.get_pinned(UserPrimaryKey(*id))? {
                        sum += digest(&guard.view()?);
                    }
                }
                Ok(sum)
            }),
            reads: RECORDS as usize,
        },
        Row {
            title: "borrowed iteration, guards",
            hand: Box::new(|_| iterate_by_hand(table)),
            typed: Box::new(|_| {
                let mut sum = 0;
                for guard in users.iter_pinned()? {
                    sum += digest(&guard?.view()?);
                }
                Ok(sum)
            }),
            reads: RECORDS as usize,
        },
        Row {
            title: "borrowed iteration, lent views",
            hand: Box::new(|_| iterate_by_hand(table)),
            typed: Box::new(|_| {
                let mut sum = 0;
                let mut users = users.iter_pinned()?;
                while let Some(user) = users.next_ref() {
                    sum += digest(&user?);
                }
                Ok(sum)
            }),
            reads: RECORDS as usize,
        },
    ]
}

fn measure(row: &Row<'_>, rounds: usize) -> Result {
    let mut state = 1;
    let mut times: [Vec<f64>; 3] = Default::default();
    for round in 0..WARM_UP + rounds {
        let ids: Vec<u64> = (0..row.reads)
            .map(|_| random(&mut state) % RECORDS)
            .collect();
        let mut digests = [0; 3];
        for turn in 0..3 {
            let contender = (turn + round) % 3;
            let run = if contender == 1 {
                &row.typed
            } else {
                &row.hand
            };
            let start = Instant::now();
            digests[contender] = run(&ids)?;
            if round >= WARM_UP {
                times[contender].push(start.elapsed().as_secs_f64());
            }
        }
        if digests[0] != digests[1] || digests[0] != digests[2] {
            return Err(format!("{}: the contenders read {digests:?}", row.title).into());
        }
    }
    let ratio = |contender: usize| {
        median((times[contender].iter().zip(&times[0])).map(|(time, hand)| time / hand))
    };
    let time = |contender: usize| {
        let seconds = median(times[contender].iter().copied());
        Duration::from_secs_f64(seconds / row.reads as f64).as_nanos()
    };
    println!(
        "| {} | {} ns | {} ns | {:.3} | {TARGET} | {} | {:.3} |",
        row.title,
        time(0),
        time(1),
        ratio(1),
        if ratio(1) <= TARGET { "ok" } else { "MISS" },
        ratio(2)
    );
    Ok(())
}

fn iterate_by_hand(table: &Table) -> Result<u64> {
    let mut sum = 0;
    for entry in table.iter()? {
        sum += hand_digest(entry?.1.value())?;
    }
    Ok(sum)
}

fn hand_digest(bytes: &[u8]) -> Result<u64> {
    let user: HandRef<'_> = bincode::borrow_decode_from_slice(bytes, standard())?.0;
    black_box((user.name, user.email, user.bio));
    Ok(user.id + u64::from(user.age))
}

fn digest(user: &UserRef<'_>) -> u64 {
    black_box((user.name, user.email, user.bio));
    user.id + u64::from(user.age)
}

fn fill(path: &Path) -> Result {
    let store = TypedStore::<Measured, RedbZeroCopy>::new(path)?;
    let mut users = (0..RECORDS).map(|id| User {
        id,
        name: format!("user{id:08x}"),
        email: format!("{id:016x}@mail.io"),
        age: (id % 100) as u32,
        bio: "abcdefghij".repeat(20),
    });
    let transaction = store.begin_write()?;
    let mut tree = transaction.open_tree::<User>()?;
    users.try_for_each(|user| tree.put(user))?;
    drop(tree);
    Ok(transaction.commit()?)
}

/// Times should be those of the code, not of the disk.
fn directory() -> std::path::PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    }
}

/// The next number of a sequence without a pattern (SplitMix64).
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let bits = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
