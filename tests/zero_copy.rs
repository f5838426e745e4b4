//! The zero-copy store: reads pinned to their transaction, and explicit transactions.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

use std::ops::Bound;

use netabase_store::config::{Checksums, FileConfig};
use netabase_store::databases::redb_store::Redb;
use netabase_store::databases::redb_zerocopy::{
    BorrowedGuard, RedbStoreZeroCopy, RedbTree, bulk_insert, bulk_remove, with_read_transaction,
    with_write_transaction,
};
use netabase_store::driver::{Database as _, Driver, OpenConfig, Read, Write};
use netabase_store::{
    Durability, ErrorKind, NetabaseError, NetabaseStore, RedbStore, netabase_definition_module,
};

#[netabase_definition_module(People, PeopleKeys)]
mod people {
    use netabase_store::{NetabaseModel, netabase};

    #[derive(NetabaseModel, Clone, Debug, PartialEq)]
    #[netabase(People)]
    pub struct User {
        #[primary_key]
        pub name: String,
        #[secondary_key(unique)]
        pub email: String,
        #[secondary_key]
        pub age: u32,
    }

    #[derive(NetabaseModel, Clone, Debug, PartialEq)]
    #[netabase(People)]
    pub struct Note {
        #[primary_key]
        pub id: u64,
        pub text: String,
    }
}

use people::*;

type Result<T = ()> = std::result::Result<T, NetabaseError>;

fn user(number: u32) -> User {
    User {
        name: format!("user{number:03}"),
        email: format!("{number}@example.com"),
        age: number % 10,
    }
}

fn key(number: u32) -> UserPrimaryKey {
    UserPrimaryKey(user(number).name)
}

/// A store of the users 0 to 99.
fn store() -> RedbStoreZeroCopy<People> {
    let store = RedbStoreZeroCopy::temp().unwrap();
    bulk_insert(&store, (0..100).map(user)).unwrap();
    store
}

type Guards<'txn> = Vec<BorrowedGuard<'txn, User>>;

#[test]
fn guards_outlive_the_iterator_and_the_view_that_gave_them() -> Result {
    let store = store();
    let transaction = store.begin_read()?;
    let guards: Guards<'_> = {
        let users: RedbTree<'_, People, User> = transaction.open_tree()?;
        let mut guards = users.iter_pinned()?.collect::<Result<Guards<'_>>>()?;
        guards.extend(users.get_pinned(key(7))?);
        guards.extend(
            users
                .by_pinned(UserAgeSecondaryKey(3))?
                .next()
                .transpose()?,
        );
        guards
    };
    let views = guards
        .iter()
        .map(BorrowedGuard::view)
        .collect::<Result<Vec<_>>>()?;
    assert_eq!(views.len(), 102);
    for (number, view) in (0..100).zip(&views) {
        let User { name, email, age } = user(number);
        assert_eq!((view.name, view.email, view.age), (&*name, &*email, age));
    }
    assert_eq!((views[100].name, views[101].name), ("user007", "user003"));
    assert_eq!(guards[100].decode()?, user(7));
    Ok(())
}

#[test]
fn a_guard_shows_its_snapshot_whatever_is_written() -> Result {
    let store = store();
    let transaction = store.begin_read()?;
    let users = transaction.open_tree::<User>()?;
    let guard = users.get_pinned(key(5))?.unwrap();
    let mut iter = users.iter_pinned()?;
    let first = iter.next().transpose()?.unwrap();

    for round in 0..20 {
        let changed = (0..100).map(|number| User {
            email: format!("{number}.{round}@example.org"),
            age: 77,
            ..user(number)
        });
        bulk_insert(&store, changed)?;
    }
    store.open_tree::<User>().clear()?;
    bulk_insert(
        &store,
        (0..5000).map(|id| Note {
            id,
            text: "x".repeat(200),
        }),
    )?;

    assert_eq!(guard.decode()?, user(5));
    assert_eq!(first.view()?.email, "0@example.com");
    assert_eq!(
        iter.map(|guard| guard.unwrap().decode().unwrap())
            .collect::<Vec<_>>(),
        (1..100).map(user).collect::<Vec<_>>()
    );
    assert_eq!(users.by_pinned(UserAgeSecondaryKey(5))?.count(), 10);
    assert!(
        store
            .begin_read()?
            .open_tree::<User>()?
            .get_pinned(key(5))?
            .is_none()
    );
    Ok(())
}

#[test]
fn pinned_ranges_give_what_owned_ones_give_from_both_ends() -> Result {
    let store = store();
    let transaction = store.begin_read()?;
    let users = transaction.open_tree::<User>()?;
    let ends = |number: u32| {
        [
            Bound::Included(key(number)),
            Bound::Excluded(key(number)),
            Bound::Unbounded,
        ]
    };
    for (lower, upper) in [(10, 20), (20, 10), (10, 10), (0, 99), (99, 500)] {
        for lower in ends(lower) {
            for upper in ends(upper) {
                let range = (lower.clone(), upper);
                let mut owned = users.range(range.clone())?.map(|item| item.unwrap().1);
                let mut pinned = users
                    .range_pinned(range)?
                    .map(|guard| guard.unwrap().decode().unwrap());
                loop {
                    let (front, back) = (owned.next(), owned.next_back());
                    assert_eq!((pinned.next(), pinned.next_back()), (front.clone(), back));
                    if front.is_none() {
                        break;
                    }
                }
            }
        }
    }
    let found = |guards: &Guards<'_>| {
        guards
            .iter()
            .map(|guard| guard.view().unwrap().name.to_owned())
            .collect::<Vec<_>>()
    };
    let tens = users.prefix_pinned("user01")?.collect::<Result<_>>()?;
    assert_eq!(
        found(&tens),
        (10..20).map(|number| user(number).name).collect::<Vec<_>>()
    );
    assert_eq!(users.first_pinned()?.unwrap().view()?.name, "user000");
    assert_eq!(users.last_pinned()?.unwrap().view()?.name, "user099");
    Ok(())
}

#[test]
fn pinned_secondary_queries_give_what_owned_ones_give() -> Result {
    let store = store();
    let transaction = store.begin_read()?;
    let users = transaction.open_tree::<User>()?;
    let decoded = |guards: &mut dyn Iterator<Item = Result<BorrowedGuard<'_, User>>>| {
        guards
            .map(|guard| guard.unwrap().decode().unwrap())
            .collect::<Vec<_>>()
    };
    let owned = |items: &mut dyn Iterator<Item = Result<(UserPrimaryKey, User)>>| {
        items.map(|item| item.unwrap().1).collect::<Vec<_>>()
    };
    let age = UserAgeSecondaryKey(4);
    assert_eq!(
        decoded(&mut users.by_pinned(age.clone())?),
        owned(&mut users.by(age.clone())?)
    );
    assert_eq!(
        decoded(&mut users.by_pinned(age.clone())?.rev()),
        owned(&mut users.by(age.clone())?.rev())
    );
    let range = UserAgeSecondaryKey(3)..UserAgeSecondaryKey(6);
    assert_eq!(
        decoded(&mut users.range_by_pinned(range.clone())?),
        owned(&mut users.range_by(range)?)
    );
    assert_eq!(
        decoded(&mut users.prefix_by_pinned::<UserEmailSecondaryKey>("1")?),
        owned(&mut users.prefix_by::<UserEmailSecondaryKey>("1")?)
    );
    let mut lent = Vec::new();
    let mut same_age = users.by_pinned(age.clone())?;
    while let Some(view) = same_age.next_ref() {
        lent.push(view?.name.to_owned());
    }
    assert_eq!(
        lent,
        (0..10)
            .map(|ten| user(ten * 10 + 4).name)
            .collect::<Vec<_>>()
    );

    for key in [
        UserSecondaryKeys::Age(UserAgeSecondaryKey(4)),
        UserSecondaryKeys::Age(UserAgeSecondaryKey(40)),
        UserSecondaryKeys::Email(UserEmailSecondaryKey("4@example.com".into())),
        UserSecondaryKeys::Email(UserEmailSecondaryKey("nobody".into())),
    ] {
        let guards = users.get_pinned_by_secondary_key(&key)?;
        assert_eq!(
            decoded(&mut guards.into_iter().map(Ok)),
            users.get_by_secondary_key(&key)?
        );
    }
    Ok(())
}

#[test]
fn many_keys_are_pinned_in_their_order() -> Result {
    let store = store();
    let transaction = store.begin_read()?;
    let users = transaction.open_tree::<User>()?;
    let guards = users.get_many_pinned([key(9), key(900), key(2)])?;
    let names: Vec<_> = guards
        .iter()
        .map(|guard| guard.as_ref().map(|guard| guard.view().unwrap().name))
        .collect();
    assert_eq!(names, [Some("user009"), None, Some("user002")]);
    Ok(())
}

#[test]
fn what_nobody_wrote_to_is_empty() -> Result {
    let store = RedbStoreZeroCopy::<People>::temp()?;
    let transaction = store.begin_read()?;
    let notes = transaction.open_tree::<Note>()?;
    assert!(notes.get_pinned(NotePrimaryKey(1))?.is_none());
    assert!(notes.iter_pinned()?.next().is_none());
    assert!(notes.first_pinned()?.is_none());
    let users = transaction.open_tree::<User>()?;
    assert!(users.by_pinned(UserAgeSecondaryKey(1))?.next().is_none());
    Ok(())
}

#[test]
fn an_explicit_write_is_kept_by_commit_and_by_nothing_else() -> Result {
    let store = RedbStoreZeroCopy::<People>::temp()?;
    let transaction = store.begin_write()?;
    transaction.open_tree::<User>()?.put(user(1))?;
    drop(transaction);
    let transaction = store.begin_write()?;
    transaction.open_tree::<User>()?.put(user(2))?;
    transaction.abort()?;
    assert!(store.open_tree::<User>().is_empty()?);

    let transaction = store.begin_write()?;
    let mut users = transaction.open_tree::<User>()?;
    let mut notes = transaction.open_tree::<Note>()?;
    users.put(user(3))?;
    notes.put(Note {
        id: 3,
        text: "both trees at once".into(),
    })?;
    assert_eq!(users.get(key(3))?, Some(user(3)));
    assert_eq!(users.remove(key(3))?, Some(user(3)));
    users.put_many([user(4), user(5)])?;
    drop((users, notes));
    transaction.commit_with(Durability::None)?;
    assert_eq!(store.open_tree::<User>().len()?, 2);
    assert_eq!(
        store.quick_get::<Note>(&NotePrimaryKey(3))?.unwrap().text,
        "both trees at once"
    );
    Ok(())
}

#[test]
fn a_transaction_around_a_closure_commits_what_succeeds() -> Result {
    let store = RedbStoreZeroCopy::<People>::temp()?;
    let failed = with_write_transaction(&store, |transaction| {
        transaction.open_tree::<User>()?.put(user(1))?;
        transaction.open_tree::<User>()?.put(User {
            name: "other".into(),
            ..user(1)
        })
    });
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert!(store.open_tree::<User>().is_empty()?);
    with_write_transaction(&store, |transaction| {
        transaction.open_tree::<User>()?.put(user(1))
    })?;
    let age = with_read_transaction(&store, |transaction| {
        let guard = transaction
            .open_tree::<User>()?
            .get_pinned(key(1))?
            .unwrap();
        Ok(guard.view()?.age)
    })?;
    assert_eq!(age, 1);
    Ok(())
}

#[test]
fn quick_and_bulk_operations_are_transactions_of_their_own() -> Result {
    let store = NetabaseStore::<People, _>::from_backend(store());
    store.quick_put(user(500))?;
    assert_eq!(store.quick_get::<User>(key(500))?, Some(user(500)));
    assert_eq!(store.quick_remove::<User>(&key(500))?, Some(user(500)));
    assert_eq!(store.quick_get::<User>(&key(500))?, None);
    let removed = bulk_remove::<People, User>(store.backend(), [key(0), key(500), key(1)])?;
    assert_eq!(removed, [Some(user(0)), None, Some(user(1))]);
    assert_eq!(store.begin_read()?.open_tree::<User>()?.len()?, 98);
    store.begin_write()?.abort()?;

    let taken = bulk_insert(
        store.backend(),
        [
            user(0),
            User {
                name: "other".into(),
                ..user(0)
            },
        ],
    );
    assert_eq!(taken.unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(store.open_tree::<User>().len()?, 98);
    Ok(())
}

#[test]
fn each_redb_store_reads_what_the_other_wrote() -> Result {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.redb");
    let plain = RedbStore::<People>::new(&path)?;
    plain.open_tree::<User>().put(user(1))?;
    assert_eq!(
        RedbStoreZeroCopy::<People>::new(&path).unwrap_err().kind(),
        ErrorKind::Locked
    );
    drop(plain);

    let zero_copy = NetabaseStore::<People, _>::redb_zerocopy(&path)?;
    assert_eq!(zero_copy.driver_name(), "redb-zerocopy");
    assert_eq!(zero_copy.quick_get::<User>(key(1))?, Some(user(1)));
    zero_copy.quick_put(user(2))?;
    drop(zero_copy);

    let plain = RedbStore::<People>::open(&path)?;
    let email = UserSecondaryKeys::Email(UserEmailSecondaryKey("2@example.com".into()));
    assert_eq!(
        plain.open_tree::<User>().get_by_secondary_key(email)?,
        [user(2)]
    );
    Ok(())
}

#[test]
fn the_operations_of_redb_are_there() -> Result {
    let store = NetabaseStore::<People, _>::from_backend(store());
    let transaction = store.begin_read()?;
    assert_eq!(store.compact().unwrap_err().kind(), ErrorKind::Conflict);
    drop(transaction);
    assert!(store.check_integrity()?);
    store.compact()?;
    assert!(store.size_on_disk()? > 0);
    assert!(store.stats()?.contains('='));
    Ok(())
}

#[test]
fn a_closed_store_says_so_at_the_beginning() {
    let store = store();
    store.close();
    let error = store.begin_read().unwrap_err();
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::Closed, Some("begin_read"))
    );
    assert_eq!(store.begin_write().unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn a_record_that_cannot_be_decoded_is_named_and_passed_over() -> Result {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.redb");
    let store = RedbStoreZeroCopy::<People>::new(FileConfig {
        checksums: Checksums::Off,
        ..FileConfig::new(&path)
    })?;
    bulk_insert(&store, (0..3).map(user))?;
    drop(store);
    let raw = Redb.open(&OpenConfig::new(&path))?;
    let mut writer = raw.begin_write()?;
    let tree = writer.tree("1")?;
    let encoded = netabase_store::key::encode(&key(1));
    assert_eq!(writer.put(tree, &encoded, &[0xFF], |_| ())?, Some(()));
    writer.commit(Durability::Immediate)?;
    drop(raw);

    let store = RedbStoreZeroCopy::<People>::open(&path)?;
    let transaction = store.begin_read()?;
    let users = transaction.open_tree::<User>()?;
    let guard = users.get_pinned(key(1))?.unwrap();
    assert_eq!(guard.bytes(), [0xFF]);
    for error in [
        guard.view().map(drop).unwrap_err(),
        guard.decode().unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Codec);
        assert_eq!(error.tree(), Some("User"));
        assert_eq!(error.driver(), Some("redb-zerocopy"));
    }
    let ages: Vec<_> = users
        .iter_pinned()?
        .map(|guard| guard.unwrap().view().ok().map(|user| user.age))
        .collect();
    assert_eq!(ages, [Some(0), None, Some(2)]);
    Ok(())
}

#[test]
fn a_damaged_record_is_not_pinned_where_there_are_checksums() -> Result {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.redb");
    let store = RedbStoreZeroCopy::<People>::new(&path)?;
    bulk_insert(&store, (0..3).map(user))?;
    drop(store);
    let raw = Redb.open(&OpenConfig::new(&path))?;
    let mut writer = raw.begin_write()?;
    let tree = writer.tree("1")?;
    let encoded = netabase_store::key::encode(&key(1));
    let mut record = writer.get(tree, &encoded, <[u8]>::to_vec)?.unwrap();
    record[0] ^= 1;
    writer.put(tree, &encoded, &record, |_| ())?;
    writer.commit(Durability::Immediate)?;
    drop(raw);

    let store = RedbStoreZeroCopy::<People>::open(&path)?;
    let transaction = store.begin_read()?;
    let users = transaction.open_tree::<User>()?;
    let error = users.get_pinned(key(1)).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(error.tree(), Some("User"));
    let kinds: Vec<_> = users
        .iter_pinned()?
        .map(|item| item.map(drop).map_err(|error| error.kind()))
        .collect();
    assert_eq!(kinds, [Ok(()), Err(ErrorKind::Corrupt), Ok(())]);
    Ok(())
}
