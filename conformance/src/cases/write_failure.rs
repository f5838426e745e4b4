//! Writes that the system refuses: the error says why, and once the cause is gone the store goes on with what was committed.

use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use netabase_core::driver::checked::Checked;
use netabase_core::driver::command::CheckIntegrity;
use netabase_core::driver::{
    Capabilities, Database, Driver, DriverError, Durability, ErrorKind, OpenConfig, Read, Write,
};
use netabase_core::error::NetabaseError;
use netabase_core::store::TypedStore;

use super::{committed, typed};
use crate::case::{Case, CaseResult, Failure, Requirement, case};
use crate::fixture::Fixture;
use crate::model::shop::{Note, Order, User};
use crate::process;
use crate::system;

const PERSISTENT: Requirement = Requirement::Declares(Capabilities::PERSISTENT);

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(
            a_store_that_ran_out_of_space_goes_on_when_there_is_some,
            PERSISTENT,
            Requirement::OwnProcess,
            Requirement::Linux
        ),
        case!(
            a_database_without_space_is_created_when_there_is_some,
            PERSISTENT,
            Requirement::OwnProcess,
            Requirement::Linux
        ),
        case!(
            a_transaction_that_finds_no_space_leaves_nothing,
            PERSISTENT,
            Requirement::OwnProcess,
            Requirement::Linux
        ),
        case!(
            a_small_commit_that_finds_no_space_does_not_come_back,
            PERSISTENT,
            Requirement::OwnProcess,
            Requirement::Linux
        ),
        case!(
            a_read_only_folder_is_an_io_error_until_it_is_writable,
            PERSISTENT,
            Requirement::Linux
        ),
        case!(
            a_database_whose_permission_was_taken_away_opens_when_it_is_back,
            PERSISTENT,
            Requirement::Linux
        ),
    ]
}

/// How long a file may become while there is little space, in bytes: a database fits, but not a large one.
const LITTLE_SPACE: u64 = 8 << 20;

/// More transactions than fit into little space.
const TOO_MANY: u64 = 4_000;

fn open<D: Driver>(fixture: &Fixture<D>) -> Result<typed::ShopStore<D>, NetabaseError> {
    TypedStore::open_with(fixture.driver(), &fixture.config(), Durability::Immediate)
}

fn order(number: u64) -> Order {
    Order {
        customer: format!("customer {number:06}"),
        ..Order::default()
    }
}

fn note(number: u64) -> Note {
    Note {
        title: format!("note {number:06}"),
        text: vec![number as u8; 20_000],
    }
}

/// Writes one record of each model, all known by the same number, in one transaction.
fn write<D: Driver>(store: &typed::ShopStore<D>, number: u64) -> Result<(), NetabaseError> {
    let guard = store.write()?;
    guard
        .open_tree::<User>()
        .put(typed::user(number, (number % 7) as i32))?;
    guard.open_tree::<Order>().put(order(number))?;
    guard.open_tree::<Note>().put(note(number))?;
    guard.commit()
}

/// How many of those transactions are there. They are the first ones, and whole.
fn count<D: Driver>(store: &typed::ShopStore<D>) -> Result<u64, Failure> {
    let guard = store.read();
    let users = typed::collect(guard.open_tree::<User>().iter()?)?;
    let orders = typed::collect(guard.open_tree::<Order>().iter()?)?;
    let notes = typed::collect(guard.open_tree::<Note>().iter()?)?;
    let found = users.len() as u64;
    let expected = (0..found).map(|number| typed::user(number, (number % 7) as i32));
    assert!(users.into_iter().eq(expected), "the users differ");
    assert!(
        orders.into_iter().eq((0..found).map(order)),
        "half is there"
    );
    assert!(notes.into_iter().eq((0..found).map(note)), "half is there");
    typed::assert_exact_in(&guard)?;
    Ok(found)
}

/// Shows that a database opens, is sound, holds so many transactions, and takes another one.
fn assert_goes_on<D: Driver>(fixture: &Fixture<D>, transactions: u64) -> CaseResult {
    let store = open(fixture)?;
    if fixture.manifest().offers("check_integrity") {
        assert!(store.run(CheckIntegrity)?);
    }
    assert_eq!(count(&store)?, transactions);
    write(&store, transactions)?;
    assert_eq!(count(&store)?, transactions + 1);
    Ok(())
}

/// Writes until there is no space, and again when there is; says how many transactions there are in the end.
pub(crate) fn fill<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let mut store = open(fixture)?;
    write(&store, 0)?;
    system::limit_file_size(Some(LITTLE_SPACE))?;
    let (transactions, error) = (1..TOO_MANY)
        .find_map(|number| Some((number, write(&store, number).err()?)))
        .ok_or("every write found space")?;
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error:?}");
    assert!(!error.message().is_empty(), "{error:?}");

    system::limit_file_size(None)?;
    let again = write(&store, transactions);
    // A failure may end a handle: it says so, and the database is there for the next one.
    if matches!(&again, Err(error) if error.kind() == ErrorKind::Closed) {
        drop(store);
        store = open(fixture)?;
        assert_eq!(count(&store)?, transactions);
        write(&store, transactions)?;
    } else {
        again?;
    }
    assert_eq!(count(&store)?, transactions + 1);
    process::say(&(transactions + 1).to_string())?;
    Ok(())
}

fn a_store_that_ran_out_of_space_goes_on_when_there_is_some<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    let process = fixture.start_under(system::OUTLIVING_THE_LIMIT, "full")?;
    let said = process::wait(process)?;
    let transactions = said.first().ok_or("the process says nothing")?.parse()?;
    assert_goes_on(fixture, transactions)
}

/// Opens a database where no file may grow, and again where they may.
pub(crate) fn open_without_space<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    system::limit_file_size(Some(0))?;
    let error = typed::failed(open(fixture));
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error:?}");
    system::limit_file_size(None)?;
    assert_goes_on(fixture, 0)
}

fn a_database_without_space_is_created_when_there_is_some<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    process::wait(fixture.start_under(system::OUTLIVING_THE_LIMIT, "tiny")?)?;
    assert_goes_on(fixture, 1)
}

/// How long a file may become for a transaction of many values, in bytes: the small ones fit, the last one does not.
const SPACE_WITHOUT_THE_LAST: u64 = 16 << 20;
const SMALL_VALUES: u32 = 600;
const SMALL_LENGTHS: [usize; 2] = [4_000, 10_000];
const LAST_LENGTH: usize = 20 << 20;

/// Writes some values to one tree, and a last one to another.
fn write_values<S: Database>(
    store: &Checked<S>,
    numbers: Range<u32>,
    length: usize,
    last: usize,
) -> Result<(), DriverError> {
    let mut writer = store.begin_write()?;
    let [small, other] = [writer.tree("small")?, writer.tree("other")?];
    for number in numbers {
        writer.put(small, &number.to_be_bytes(), &vec![1; length], |_| ())?;
    }
    writer.put(other, b"last", &vec![1; last], |_| ())?;
    writer.commit(Durability::Immediate)
}

/// Shows that these values are there, and nothing else.
fn assert_values<S: Database>(
    store: &Checked<S>,
    numbers: Range<u32>,
    length: usize,
    last: usize,
) -> CaseResult {
    let found = committed(store, "small")?;
    assert_eq!(found.len(), numbers.len(), "of another transaction");
    let expected = numbers.map(|number| (number.to_be_bytes().to_vec(), vec![1; length]));
    assert!(found.into_iter().eq(expected), "the values differ");
    let other = committed(store, "other")?;
    assert!(
        other == [(b"last".to_vec(), vec![1; last])],
        "the last value differs"
    );
    Ok(())
}

/// Writes more than there is space for, and closes the database.
pub(crate) fn write_without_space<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    for length in SMALL_LENGTHS {
        let store = fixture.open_with(&OpenConfig {
            truncate: true,
            ..fixture.config()
        })?;
        write_values(&store, 0..20, length, length)?;
        system::limit_file_size(Some(SPACE_WITHOUT_THE_LAST))?;
        let error = write_values(&store, 20..SMALL_VALUES, length, LAST_LENGTH)
            .expect_err("the value is longer than a file may be");
        assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error:?}");
        process::say(&format!("{length}: failed"))?;
        // What runs in the background may write, too.
        thread::sleep(Duration::from_secs(1));
        drop(store);
        process::say(&format!("{length}: closed"))?;

        system::limit_file_size(None)?;
        let store = fixture.open()?;
        if fixture.manifest().offers("check_integrity") {
            store.command("check_integrity", &[], &mut |_| ())?;
        }
        assert_values(&store, 0..20, length, length)?;
        write_values(&store, 20..SMALL_VALUES, length, LAST_LENGTH)?;
        drop(store);
        assert_values(&fixture.open()?, 0..SMALL_VALUES, length, LAST_LENGTH)?;
    }
    Ok(())
}

/// How long that may take: to close a database for ever is a failure as well.
const CLOSING: Duration = Duration::from_secs(90);

fn a_transaction_that_finds_no_space_leaves_nothing<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let mut process = fixture.start_under(system::OUTLIVING_THE_LIMIT, "torn")?;
    let started = Instant::now();
    while process.try_wait()?.is_none() {
        if started.elapsed() > CLOSING {
            process.kill()?;
            let said = process.wait_with_output()?.stdout;
            panic!("hangs after {:?}", String::from_utf8_lossy(&said));
        }
        thread::sleep(Duration::from_millis(10));
    }
    process::wait(process)?;
    Ok(())
}

/// The entries of the tree that small transactions write to, from what became of each of them: one adds an entry, replaces
/// the last one's value, and removes the entry of the one before.
fn small_entries(kept: &[u32]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let Some(last) = kept.last() else {
        return Vec::new();
    };
    let entry = |key: &[u8]| (key.to_vec(), last.to_be_bytes().repeat(25));
    vec![entry(&last.to_be_bytes()), entry(b"last")]
}

fn write_small<S: Database>(
    store: &Checked<S>,
    kept: &[u32],
    number: u32,
) -> Result<(), DriverError> {
    let mut writer = store.begin_write()?;
    let tree = writer.tree("small")?;
    let value = number.to_be_bytes().repeat(25);
    if let Some(last) = kept.last() {
        writer.remove(tree, &last.to_be_bytes(), |_| ())?;
    }
    writer.put(tree, &number.to_be_bytes(), &value, |_| ())?;
    writer.put(tree, b"last", &value, |_| ())?;
    writer.commit(Durability::Immediate)
}

/// Writes a few hundred bytes where no file may grow or change, and closes the database where they may.
pub(crate) fn write_little_without_space<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let mut kept = Vec::new();
    let mut refused = 0;
    // Before it is closed, another transaction is committed, or none; and one or several have failed.
    for (number, (failures, goes_on)) in
        (0..)
            .step_by(10)
            .zip([(1, false), (1, true), (4, false), (4, true)])
    {
        let store = fixture.open()?;
        assert_eq!(committed(&store, "small")?, small_entries(&kept));
        write_small(&store, &kept, number)?;
        kept.push(number);
        system::limit_file_size(Some(0))?;
        for number in (number + 1..).take(failures) {
            match write_small(&store, &kept, number) {
                // It needed no space, and has to be there.
                Ok(()) => kept.push(number),
                Err(_) => refused += 1,
            }
        }
        system::limit_file_size(None)?;
        if goes_on && write_small(&store, &kept, number + 9).is_ok() {
            kept.push(number + 9);
        }
        drop(store);
        let store = fixture.open()?;
        let found = committed(&store, "small")?;
        assert_eq!(found, small_entries(&kept), "kept: {kept:?}");
    }
    process::say(&refused.to_string())?;
    Ok(())
}

fn a_small_commit_that_finds_no_space_does_not_come_back<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    let process = fixture.start_under(system::OUTLIVING_THE_LIMIT, "small")?;
    let said = process::wait(process)?;
    let refused: u32 = said.first().ok_or("the process says nothing")?.parse()?;
    assert!(refused > 0, "every durable commit found space");
    Ok(())
}

fn a_read_only_folder_is_an_io_error_until_it_is_writable<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    system::obey_permissions()?;
    let folder = fixture.path().parent().ok_or("the database has a folder")?;
    system::set_permissions(folder, 0o600, 0o500)?;
    let refused = open(fixture);
    system::set_permissions(folder, 0o600, 0o700)?;
    let error = typed::failed(refused);
    assert_eq!(error.kind(), ErrorKind::Io, "{error:?}");
    assert_goes_on(fixture, 0)
}

fn a_database_whose_permission_was_taken_away_opens_when_it_is_back<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    system::obey_permissions()?;
    assert_goes_on(fixture, 0)?;
    for (transactions, (files, folders)) in [(1, (0o400, 0o500)), (2, (0, 0))] {
        system::set_permissions(fixture.path(), files, folders)?;
        let refused = open(fixture);
        system::set_permissions(fixture.path(), 0o600, 0o700)?;
        let error = typed::failed(refused);
        assert_eq!(error.kind(), ErrorKind::Io, "{files:o}: {error:?}");
        assert_goes_on(fixture, transactions)?;
    }
    Ok(())
}
