//! What the typed layer reads to answer: no more than it has to, and an error on the way does not end it.

mod probe;

use std::path::Path;
use std::sync::Arc;

use conformance::model::shop::{
    Shop, User, UserAgeSecondaryKey, UserEmailSecondaryKey, UserPrimaryKey, UserSecondaryKeys,
};
use netabase_core::driver::{Durability, ErrorKind, OpenConfig};
use netabase_core::error::NetabaseError;
use netabase_core::store::TypedStore;

use probe::{Counts, Probed, probed};

const USERS: u64 = 2_000;

/// A store of many users, three of whom are 30 years old.
fn open() -> Result<(TypedStore<Shop, Probed>, Arc<Counts>), NetabaseError> {
    let (driver, counts) = probed();
    let config = OpenConfig::new(Path::new(""));
    let store = TypedStore::open_with(&driver, &config, Durability::None)?;
    store
        .open_tree::<User>()
        .put_many((0..USERS).map(|id| User {
            id,
            email: format!("user{id}@example.org"),
            age: if id % 700 == 0 { 30 } else { 40 },
            ..User::default()
        }))?;
    counts.take();
    Ok((store, counts))
}

fn age(age: i32) -> UserSecondaryKeys {
    UserSecondaryKeys::Age(UserAgeSecondaryKey(age))
}

#[test]
fn a_lookup_reads_its_matches_and_no_more() -> Result<(), NetabaseError> {
    let (store, counts) = open()?;
    let users = store.open_tree::<User>();
    assert_eq!(users.get_by_secondary_key(age(30))?.len(), 3);
    assert!(
        counts.take() <= 3 + 3 + 1,
        "an entry and a record each, and the end"
    );
    assert_eq!(users.get_by_secondary_key(age(31))?.len(), 0);
    assert!(counts.take() <= 1);
    let email = UserEmailSecondaryKey("user7@example.org".to_owned());
    assert_eq!(
        users
            .get_by_secondary_key(UserSecondaryKeys::Email(email))?
            .len(),
        1
    );
    assert!(counts.take() <= 2);
    Ok(())
}

#[test]
fn a_lookup_in_a_write_transaction_reads_its_matches_and_no_more() -> Result<(), NetabaseError> {
    let (store, counts) = open()?;
    let guard = store.write()?;
    let mut view = guard.open_tree::<User>();
    view.put(User {
        id: USERS,
        age: 30,
        ..User::default()
    })?;
    counts.take();
    assert_eq!(view.get_by_secondary_key(age(30))?.len(), 4);
    let read = counts.take();
    assert!(read <= 20, "{read} reads for 4 matches");
    assert_eq!(view.by(UserAgeSecondaryKey(30))?.count(), 4);
    let read = counts.take();
    assert!(read <= 20, "{read} reads for 4 matches");
    Ok(())
}

#[test]
fn point_calls_read_one_record() -> Result<(), NetabaseError> {
    let (store, counts) = open()?;
    let users = store.open_tree::<User>();
    assert!(users.get(UserPrimaryKey(7))?.is_some());
    assert_eq!(counts.take(), 1);
    assert!(users.contains(UserPrimaryKey(7))?);
    assert_eq!(counts.take(), 1);
    assert_eq!(users.len()?, USERS as usize);
    assert_eq!(counts.take(), 0);
    users.put(User {
        id: 7,
        ..User::default()
    })?;
    assert_eq!(counts.take(), 0, "a put is handed what was there");
    assert!(users.remove(UserPrimaryKey(7))?.is_some());
    assert_eq!(counts.take(), 0, "a removal is handed what was there");
    Ok(())
}

#[test]
fn iterators_read_as_they_go() -> Result<(), NetabaseError> {
    let (store, counts) = open()?;
    let guard = store.read();
    let view = guard.open_tree::<User>();
    assert_eq!(view.iter()?.take(5).count(), 5);
    assert!(counts.take() <= 6);
    assert!(view.last()?.is_some());
    assert!(counts.take() <= 2);
    assert_eq!(view.range(UserPrimaryKey(1_000)..)?.take(3).count(), 3);
    assert!(counts.take() <= 4);
    Ok(())
}

#[test]
fn an_error_in_the_middle_is_an_item_and_not_the_end() -> Result<(), NetabaseError> {
    let (store, counts) = open()?;
    let guard = store.read();
    let view = guard.open_tree::<User>();
    counts.fail_after(10);
    let items: Vec<_> = view.iter()?.collect();
    assert_eq!(items.len(), 11, "ten records and the error");
    assert!(items[..10].iter().all(Result::is_ok));
    let error = items[10].as_ref().map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(error.tree(), Some("User"));

    counts.fail_after(10);
    let items: Vec<_> = view.range_by::<UserAgeSecondaryKey>(..)?.collect();
    assert_eq!(items.iter().filter(|item| item.is_ok()).count(), 10);
    assert!(items.last().is_some_and(Result::is_err));

    counts.fail_after(10);
    let items: Vec<_> = store.open_tree::<User>().iter()?.collect();
    assert!(items.len() <= 11 && items.last().is_some_and(Result::is_err));

    counts.fail_after(1);
    let found = store.open_tree::<User>().get_by_secondary_key(age(40));
    assert_eq!(found.map(drop).unwrap_err().kind(), ErrorKind::Io);
    Ok(())
}

#[test]
fn an_error_in_a_write_transaction_is_no_end_either() -> Result<(), NetabaseError> {
    let (store, counts) = open()?;
    let guard = store.write()?;
    let view = guard.open_tree::<User>();
    counts.fail_after(300);
    let items: Vec<_> = view.iter()?.collect();
    assert!(items.len() <= 301, "{} items", items.len());
    assert!(items.last().is_some_and(Result::is_err));
    Ok(())
}
