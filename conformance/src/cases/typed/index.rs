//! Secondary indexes stay exact, whatever way a record is written or removed.

use std::collections::HashMap;

use netabase_core::driver::{Driver, ErrorKind};
use netabase_core::error::NetabaseError;
use netabase_core::store::{Mode, TreeView, TxnGuard};

use super::{ages_of, failed, ids, user};
use crate::case::{Case, CaseResult, Limit, Requirement, case};
use crate::cases::{assert_panics, panic_quietly, typed};
use crate::fixture::Fixture;
use crate::model::shop::Shop;
use crate::model::shop::{
    Note, Order, OrderPrimaryKey, OrderSecondaryKeys, OrderStatusSecondaryKey, Status, User,
    UserAgeSecondaryKey, UserCitySecondaryKey, UserEmailSecondaryKey, UserPrimaryKey,
    UserSecondaryKeys,
};

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(records_are_found_by_every_secondary_key),
        case!(an_overwrite_moves_the_index_entries),
        case!(an_overwrite_in_bulk_moves_the_index_entries),
        case!(a_removal_takes_the_index_entries_along),
        case!(clear_empties_the_indexes),
        case!(a_record_put_again_is_found_once),
        case!(every_way_of_writing_keeps_the_indexes),
        case!(a_lookup_in_a_transaction_sees_its_writes),
        case!(values_that_begin_alike_are_kept_apart),
        case!(optional_keys_are_indexed),
        case!(enumerated_keys_are_indexed),
        case!(a_unique_key_has_one_holder),
        case!(a_refused_insert_leaves_nothing_behind),
        case!(a_refused_update_keeps_the_old_entries),
        case!(a_refused_bulk_write_leaves_nothing_behind),
        case!(a_refused_batch_leaves_nothing_behind),
        case!(a_unique_key_is_free_again_after_its_holder_changed),
        case!(records_may_swap_unique_keys_in_bulk),
        case!(a_record_with_a_map_is_updated_and_removed),
        case!(a_rollback_restores_the_indexes),
        case!(
            a_record_whose_key_is_too_long_leaves_nothing_behind,
            Requirement::Limit(Limit::Key)
        ),
        case!(
            a_record_that_fits_without_its_entries_is_not_kept,
            Requirement::Limit(Limit::Transaction)
        ),
        case!(
            a_panic_halfway_through_a_bulk_write_is_rolled_back,
            Requirement::Unwinding
        ),
    ]
}

pub(crate) fn by_age(age: i32) -> UserSecondaryKeys {
    UserSecondaryKeys::Age(UserAgeSecondaryKey(age))
}

fn by_email(email: &str) -> UserSecondaryKeys {
    UserSecondaryKeys::Email(UserEmailSecondaryKey(email.to_owned()))
}

fn by_city(city: Option<&str>) -> UserSecondaryKeys {
    UserSecondaryKeys::City(UserCitySecondaryKey(city.map(str::to_owned)))
}

fn records_are_found_by_every_secondary_key<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    let users = store.open_tree::<User>();
    for (id, age) in [(1, 30), (2, -5), (3, 30)] {
        users.put(user(id, age))?;
    }
    assert_eq!(ids(users.get_by_secondary_key(by_age(30))?), [1, 3]);
    assert_eq!(ids(users.get_by_secondary_key(by_age(-5))?), [2]);
    assert_eq!(ids(users.get_by_secondary_key(by_age(31))?), []);
    assert_eq!(
        ids(users.get_by_secondary_key(by_email("user2@example.org"))?),
        [2]
    );
    let guard = store.read();
    let view = guard.open_tree::<User>();
    assert_eq!(
        ids(typed::collect(view.by(UserAgeSecondaryKey(30))?)?),
        [1, 3]
    );
    let many = view.get_many_by_secondary_keys([by_age(30), by_age(0), by_age(-5)])?;
    assert_eq!(
        many.into_iter().map(ids).collect::<Vec<_>>(),
        [vec![1, 3], vec![], vec![2]]
    );
    Ok(())
}

fn an_overwrite_moves_the_index_entries<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    let users = store.open_tree::<User>();
    users.put(user(1, 30))?;
    users.put(user(1, 31))?;
    assert_eq!(ids(users.get_by_secondary_key(by_age(30))?), []);
    assert_eq!(ids(users.get_by_secondary_key(by_age(31))?), [1]);
    users.remove(UserPrimaryKey(1))?;
    users.put(user(1, 32))?;
    for age in [30, 31] {
        assert_eq!(ids(users.get_by_secondary_key(by_age(age))?), [], "revived");
    }
    typed::assert_exact(&store)?;
    Ok(())
}

fn an_overwrite_in_bulk_moves_the_index_entries<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    let users = store.open_tree::<User>();
    users.put_many((0..200).map(|id| user(id, 30)))?;
    users.put_many((0..200).rev().step_by(2).map(|id| user(id, 40)))?;
    assert_eq!(users.len()?, 200);
    assert_eq!(users.get_by_secondary_key(by_age(30))?.len(), 100);
    assert_eq!(users.get_by_secondary_key(by_age(40))?.len(), 100);
    // The last of several records with one key counts.
    users.put_many([user(7, 50), user(7, 51), user(7, 52)])?;
    assert_eq!(ids(users.get_by_secondary_key(by_age(50))?), []);
    assert_eq!(ids(users.get_by_secondary_key(by_age(52))?), [7]);
    typed::assert_exact(&store)?;
    Ok(())
}

fn a_removal_takes_the_index_entries_along<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    let users = store.open_tree::<User>();
    users.put_many((1..=8).map(|id| user(id, 30)))?;
    assert_eq!(users.remove(UserPrimaryKey(1))?, Some(user(1, 30)));
    assert_eq!(users.remove(UserPrimaryKey(1))?, None);
    let removed = users.remove_many([UserPrimaryKey(2), UserPrimaryKey(99), UserPrimaryKey(3)])?;
    assert_eq!(removed, [Some(user(2, 30)), None, Some(user(3, 30))]);
    let mut batch = store.batch();
    batch.remove::<User>(UserPrimaryKey(4));
    batch.commit()?;
    let guard = store.write()?;
    let mut view = guard.open_tree::<User>();
    view.remove(UserPrimaryKey(5))?;
    view.remove_many([UserPrimaryKey(6)])?;
    drop(view);
    guard.commit()?;
    assert_eq!(ids(users.get_by_secondary_key(by_age(30))?), [7, 8]);
    typed::assert_exact(&store)?;
    Ok(())
}

fn clear_empties_the_indexes<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    let users = store.open_tree::<User>();
    let fill = || users.put_many((1..=5).map(|id| user(id, 30)));
    let assert_empty = || -> CaseResult {
        assert!(users.is_empty()?);
        assert_eq!(ids(users.get_by_secondary_key(by_age(30))?), []);
        typed::assert_exact(&store)
    };
    fill()?;
    users.clear()?;
    assert_empty()?;
    fill()?;
    let mut batch = store.batch();
    batch.clear::<User>();
    batch.commit()?;
    assert_empty()?;
    fill()?;
    let guard = store.write()?;
    guard.open_tree::<User>().clear()?;
    guard.commit()?;
    assert_empty()?;
    // Unique keys are free again.
    users.put(User {
        id: 100,
        ..user(1, 30)
    })?;
    typed::assert_exact(&store)?;
    Ok(())
}

fn a_record_put_again_is_found_once<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    let users = store.open_tree::<User>();
    for _ in 0..3 {
        users.put(user(1, 30))?;
        users.put_many([user(1, 30)])?;
    }
    assert_eq!(ids(users.get_by_secondary_key(by_age(30))?), [1]);
    assert_eq!(users.len()?, 1);
    typed::assert_exact(&store)?;
    Ok(())
}

/// A way of storing one record, and its name.
type Way<'s> = (
    &'static str,
    Box<dyn Fn(User) -> Result<(), NetabaseError> + 's>,
);

fn ways<D: Driver>(store: &typed::ShopStore<D>) -> Vec<Way<'_>> {
    vec![
        ("put", Box::new(|user| store.open_tree::<User>().put(user))),
        (
            "put_many",
            Box::new(|user| store.open_tree::<User>().put_many([user])),
        ),
        (
            "batch",
            Box::new(|user| {
                let mut batch = store.batch();
                batch.put(user);
                batch.commit()
            }),
        ),
        (
            "bulk in a batch",
            Box::new(|user| {
                let mut batch = store.batch();
                batch.put_many(vec![user]);
                batch.commit()
            }),
        ),
        (
            "transaction",
            Box::new(|user| {
                let guard = store.write()?;
                guard.open_tree::<User>().put(user)?;
                guard.commit()
            }),
        ),
        (
            "bulk in a transaction",
            Box::new(|user| {
                let guard = store.write()?;
                guard.open_tree::<User>().put_many([user])?;
                guard.commit()
            }),
        ),
    ]
}

fn every_way_of_writing_keeps_the_indexes<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    let users = store.open_tree::<User>();
    // Each way overwrites what each other way wrote.
    let mut age = 0;
    for (first, write_first) in ways(&store) {
        for (second, write_second) in ways(&store) {
            write_first(user(1, age))?;
            write_second(user(1, age + 1))?;
            let ways = format!("{first}, then {second}");
            assert_eq!(
                users.get(UserPrimaryKey(1))?,
                Some(user(1, age + 1)),
                "{ways}"
            );
            assert_eq!(ids(users.get_by_secondary_key(by_age(age))?), [], "{ways}");
            assert_eq!(
                ids(users.get_by_secondary_key(by_age(age + 1))?),
                [1],
                "{ways}"
            );
            age += 2;
        }
    }
    typed::assert_exact(&store)?;
    Ok(())
}

fn a_lookup_in_a_transaction_sees_its_writes<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    store
        .open_tree::<User>()
        .put_many([user(1, 30), user(2, 30)])?;
    let guard = store.write()?;
    let mut view = guard.open_tree::<User>();
    view.put(user(3, 30))?;
    view.put(user(1, 31))?;
    view.remove(UserPrimaryKey(2))?;
    assert_eq!(ids(view.get_by_secondary_key(by_age(30))?), [3]);
    assert_eq!(ids(typed::collect(view.by(UserAgeSecondaryKey(31))?)?), [1]);
    assert_eq!(
        ages_of(typed::collect(view.range_by::<UserAgeSecondaryKey>(..)?)?),
        [30, 31]
    );
    assert_eq!(
        ids(view.get_by_secondary_key(by_email("user2@example.org"))?),
        []
    );
    let other = guard.open_tree::<User>();
    assert_eq!(other.len()?, 2);
    drop((view, other));
    guard.rollback()?;
    assert_eq!(
        ids(store.open_tree::<User>().get_by_secondary_key(by_age(30))?),
        [1, 2]
    );
    Ok(())
}

fn values_that_begin_alike_are_kept_apart<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    let users = store.open_tree::<User>();
    let cities = [
        "",
        "B",
        "Ba",
        "Ba\0",
        "Ba\0n",
        "Ban",
        "Bana",
        "Bb",
        "\u{10ffff}",
    ];
    for (id, city) in (0u64..).zip(cities) {
        // Two users each, whose ids are far apart in every byte.
        for id in [id, u64::MAX - id] {
            users.put(User {
                city: Some(city.to_owned()),
                ..user(id, 0)
            })?;
        }
    }
    for (id, city) in (0u64..).zip(cities) {
        let found = users.get_by_secondary_key(by_city(Some(city)))?;
        assert_eq!(ids(found), [id, u64::MAX - id], "{city:?}");
    }
    let guard = store.read();
    let view = guard.open_tree::<User>();
    let in_range = view.range_by(
        UserCitySecondaryKey(Some("Ba".to_owned()))..UserCitySecondaryKey(Some("Ban".to_owned())),
    )?;
    let found: Vec<_> = typed::collect(in_range)?
        .into_iter()
        .filter_map(|user| user.city)
        .collect();
    assert_eq!(found, ["Ba", "Ba", "Ba\0", "Ba\0", "Ba\0n", "Ba\0n"]);
    typed::assert_exact(&store)?;
    Ok(())
}

fn optional_keys_are_indexed<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    let users = store.open_tree::<User>();
    let living_in = |id, city: Option<&str>| User {
        city: city.map(str::to_owned),
        ..user(id, 0)
    };
    users.put(living_in(1, None))?;
    users.put(living_in(2, Some("")))?;
    users.put(living_in(3, Some("Bonn")))?;
    users.put(living_in(4, None))?;
    assert_eq!(ids(users.get_by_secondary_key(by_city(None))?), [1, 4]);
    assert_eq!(ids(users.get_by_secondary_key(by_city(Some("")))?), [2]);
    users.put(living_in(1, Some("Bonn")))?;
    users.put(living_in(3, None))?;
    assert_eq!(ids(users.get_by_secondary_key(by_city(None))?), [3, 4]);
    assert_eq!(ids(users.get_by_secondary_key(by_city(Some("Bonn")))?), [1]);
    let guard = store.read();
    let view = guard.open_tree::<User>();
    let with_city = view.range_by(UserCitySecondaryKey(Some(String::new()))..)?;
    assert_eq!(ids(typed::collect(with_city)?), [2, 1]);
    let without = view.range_by(..UserCitySecondaryKey(Some(String::new())))?;
    assert_eq!(ids(typed::collect(without)?), [3, 4]);
    Ok(())
}

fn enumerated_keys_are_indexed<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    let orders = store.open_tree::<Order>();
    let states = [Status::Sent, Status::Open, Status::Paid, Status::Open];
    for (number, status) in (-2i32..).zip(states) {
        orders.put(Order {
            customer: "ann".to_owned(),
            number,
            status,
            total: 0,
        })?;
    }
    let key = |status| OrderSecondaryKeys::Status(OrderStatusSecondaryKey(status));
    let numbers = |status| -> Result<Vec<i32>, NetabaseError> {
        let found = orders.get_by_secondary_key(key(status))?;
        Ok(found.into_iter().map(|order| order.number).collect())
    };
    assert_eq!(numbers(Status::Open)?, [-1, 1]);
    assert_eq!(numbers(Status::Paid)?, [0]);
    orders.remove(OrderPrimaryKey("ann".to_owned(), -1))?;
    assert_eq!(numbers(Status::Open)?, [1]);
    let guard = store.read();
    let from_paid = guard
        .open_tree::<Order>()
        .range_by(OrderStatusSecondaryKey(Status::Paid)..)?
        .map(|item| item.map(|(_, order)| order.number))
        .collect::<Result<Vec<_>, _>>()?;
    assert_eq!(from_paid, [0, -2]);
    Ok(())
}

fn taken<D: Driver>(store: &typed::ShopStore<D>) -> Result<User, NetabaseError> {
    store.open_tree::<User>().put(user(1, 30))?;
    Ok(User {
        email: user(1, 30).email,
        ..user(2, 40)
    })
}

fn a_unique_key_has_one_holder<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    let rival = taken(&store)?;
    let users = store.open_tree::<User>();
    let error = failed(users.put(&rival));
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(users.get(UserPrimaryKey(2))?, None);
    assert_eq!(users.get(UserPrimaryKey(1))?, Some(user(1, 30)));
    // The holder itself may be written again.
    users.put(user(1, 31))?;
    typed::assert_exact(&store)?;
    Ok(())
}

/// Shows that only the holder is there, with all that finds it.
fn assert_only_the_holder<Md: Mode, D: Driver>(
    view: &TreeView<'_, Shop, User, Md, D>,
) -> CaseResult {
    assert_eq!(view.len()?, 1);
    assert_eq!(view.get(UserPrimaryKey(2))?, None);
    assert_eq!(ids(view.get_by_secondary_key(by_age(40))?), []);
    assert_eq!(ids(view.get_by_secondary_key(by_age(30))?), [1]);
    let email = user(1, 30).email;
    assert_eq!(ids(view.get_by_secondary_key(by_email(&email))?), [1]);
    Ok(())
}

fn a_refused_insert_leaves_nothing_behind<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    let rival = taken(&store)?;
    let guard = store.write()?;
    let mut view = guard.open_tree::<User>();
    let error = failed(view.put(&rival));
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_only_the_holder(&view)?;
    drop(view);
    guard.commit()?;
    assert_only_the_holder(&store.read().open_tree::<User>())?;
    typed::assert_exact(&store)?;
    Ok(())
}

fn a_refused_update_keeps_the_old_entries<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    let users = store.open_tree::<User>();
    users.put_many([user(1, 30), user(2, 40)])?;
    let guard = store.write()?;
    let mut view = guard.open_tree::<User>();
    let error = failed(view.put(User {
        email: user(1, 30).email,
        ..user(2, 41)
    }));
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    // The transaction goes on.
    view.put(user(3, 50))?;
    drop(view);
    guard.commit()?;
    assert_eq!(users.get(UserPrimaryKey(2))?, Some(user(2, 40)));
    assert_eq!(ids(users.get_by_secondary_key(by_age(40))?), [2]);
    assert_eq!(ids(users.get_by_secondary_key(by_age(41))?), []);
    let email = user(2, 40).email;
    assert_eq!(ids(users.get_by_secondary_key(by_email(&email))?), [2]);
    assert_eq!(ids(users.get_by_secondary_key(by_age(50))?), [3]);
    typed::assert_exact(&store)?;
    Ok(())
}

fn a_refused_bulk_write_leaves_nothing_behind<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    let rival = taken(&store)?;
    let users = store.open_tree::<User>();
    let error = failed(users.put_many([user(3, 50), rival.clone(), user(4, 50)]));
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_only_the_holder(&store.read().open_tree::<User>())?;
    let twice = failed(users.put_many([
        user(5, 1),
        User {
            id: 6,
            ..user(5, 1)
        },
    ]));
    assert_eq!(twice.kind(), ErrorKind::AlreadyExists);
    let guard = store.write()?;
    assert!(guard.open_tree::<User>().put_many([&rival]).is_err());
    assert_eq!(failed(guard.commit()).kind(), ErrorKind::Closed);
    assert_only_the_holder(&store.read().open_tree::<User>())?;
    typed::assert_exact(&store)?;
    Ok(())
}

fn a_refused_batch_leaves_nothing_behind<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    let rival = taken(&store)?;
    let mut batch = store.batch();
    batch.put(user(3, 50)).put(Note::default()).put(rival);
    assert_eq!(failed(batch.commit()).kind(), ErrorKind::AlreadyExists);
    assert_only_the_holder(&store.read().open_tree::<User>())?;
    assert!(store.open_tree::<Note>().is_empty()?);
    typed::assert_exact(&store)?;
    Ok(())
}

fn a_unique_key_is_free_again_after_its_holder_changed<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    let store = typed::open(fixture)?;
    let rival = taken(&store)?;
    let users = store.open_tree::<User>();
    users.put(User {
        email: "new@example.org".to_owned(),
        ..user(1, 30)
    })?;
    users.put(&rival)?;
    users.remove(UserPrimaryKey(2))?;
    users.put(User { id: 3, ..rival })?;
    let found = users.get_by_secondary_key(by_email(&user(1, 30).email))?;
    assert_eq!(ids(found), [3]);
    typed::assert_exact(&store)?;
    Ok(())
}

fn records_may_swap_unique_keys_in_bulk<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    let users = store.open_tree::<User>();
    users.put_many([user(1, 30), user(2, 40)])?;
    let swap = |id, other| User {
        email: user(other, 0).email,
        ..user(id, 50)
    };
    users.put_many([swap(1, 2), swap(2, 1)])?;
    let holder = |id| -> Result<Vec<u64>, NetabaseError> {
        Ok(ids(
            users.get_by_secondary_key(by_email(&user(id, 0).email))?
        ))
    };
    assert_eq!(holder(1)?, [2]);
    assert_eq!(holder(2)?, [1]);
    assert_eq!(ids(users.get_by_secondary_key(by_age(50))?), [1, 2]);
    typed::assert_exact(&store)?;
    Ok(())
}

fn a_record_with_a_map_is_updated_and_removed<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    let users = store.open_tree::<User>();
    // Each map is seeded anew, so that equal ones are stored in different orders.
    let notes = || {
        (0..20u32)
            .map(|number| (number.to_string(), number))
            .collect::<HashMap<_, _>>()
    };
    for round in 0..10 {
        let record = User {
            notes: notes(),
            ..user(1, round)
        };
        users.put(&record)?;
        users.put(User {
            notes: notes(),
            ..record.clone()
        })?;
        assert_eq!(users.get(UserPrimaryKey(1))?, Some(record));
        assert_eq!(ids(users.get_by_secondary_key(by_age(round))?), [1]);
        typed::assert_exact(&store)?;
    }
    assert!(users.remove(UserPrimaryKey(1))?.is_some());
    typed::assert_exact(&store)?;
    Ok(())
}

fn a_rollback_restores_the_indexes<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    let users = store.open_tree::<User>();
    users.put_many([user(1, 30), user(2, 40)])?;
    let change = |guard: &TxnGuard<'_, Shop, netabase_core::store::ReadWrite, D>| {
        let mut view = guard.open_tree::<User>();
        view.put(user(1, 31))?;
        view.remove(UserPrimaryKey(2))?;
        view.put(user(3, 50))
    };
    let dropped = store.write()?;
    change(&dropped)?;
    drop(dropped);
    let rolled_back = store.write()?;
    change(&rolled_back)?;
    rolled_back.rollback()?;
    assert_eq!(users.len()?, 2);
    assert_eq!(ids(users.get_by_secondary_key(by_age(30))?), [1]);
    assert_eq!(ids(users.get_by_secondary_key(by_age(40))?), [2]);
    for age in [31, 50] {
        assert_eq!(ids(users.get_by_secondary_key(by_age(age))?), []);
    }
    typed::assert_exact(&store)?;
    Ok(())
}

fn a_record_whose_key_is_too_long_leaves_nothing_behind<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    let limit = usize::try_from(fixture.manifest().limits.key_bytes)?;
    // The encoding of a text ends with two bytes, that of an option begins with one.
    let (text, option, primary) = (2, 1, size_of::<u64>());
    let too_long: [fn(User, String) -> User; 2] = [
        |user, email| User { email, ..user },
        |user, city| User {
            city: Some(city),
            ..user
        },
    ];
    for (change, longest) in too_long
        .into_iter()
        .zip([limit - text, limit - text - option - primary])
    {
        let store = typed::open(fixture)?;
        let guard = store.write()?;
        let mut users = guard.open_tree::<User>();
        users.put(user(1, 30))?;
        for id in [1, 2] {
            let error = failed(users.put(change(user(id, 31), "x".repeat(longest + 1))));
            assert_eq!(error.kind(), ErrorKind::LimitExceeded);
            let expected = (id == 1).then(|| user(1, 30));
            assert!(users.get(UserPrimaryKey(id))? == expected, "of user {id}");
        }
        users.put(change(user(3, 30), "x".repeat(longest)))?;
        guard.commit()?;
        assert_eq!(store.open_tree::<User>().len()?, 2);
        typed::assert_exact(&store)?;
        let bulk = [user(4, 30), change(user(5, 30), "x".repeat(longest + 1))];
        let error = failed(store.open_tree::<User>().put_many(bulk));
        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
        assert_eq!(store.open_tree::<User>().len()?, 2);
        typed::assert_exact(&store)?;
        store.open_tree::<User>().clear()?;
    }
    Ok(())
}

fn a_record_that_fits_without_its_entries_is_not_kept<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    const ROOM: usize = 3_000;
    let limits = fixture.manifest().limits;
    let store = typed::open(fixture)?;
    let guard = store.write()?;
    let mut notes = guard.open_tree::<Note>();
    let mut rest = usize::try_from(limits.transaction_bytes)? - ROOM;
    let mut number = 0;
    while rest > 1_000 {
        let title = format!("note {number:06}");
        // The title as a key and as a field, the length of the text, and the record's checksum.
        let around = (title.len() + 2) + (title.len() + 1) + 5 + 4;
        let text = vec![0; (rest - around).min(100_000)];
        rest -= around + text.len();
        notes.put(Note { title, text })?;
        number += 1;
    }
    let email = "e".repeat(ROOM * 2 / 3);
    let too_much = User {
        email,
        ..user(1, 30)
    };
    let error = failed(guard.open_tree::<User>().put(too_much));
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert_eq!(failed(guard.commit()).kind(), ErrorKind::Closed);
    assert!(store.open_tree::<Note>().is_empty()?);
    typed::assert_exact(&store)
}

fn a_panic_halfway_through_a_bulk_write_is_rolled_back<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    let store = typed::open(fixture)?;
    store.open_tree::<User>().put(user(1, 30))?;
    let guard = store.write()?;
    let large = (0..).map(|id| {
        if id == 10 {
            panic_quietly();
        }
        User {
            bio: "b".repeat(1 << 20),
            ..user(id, 31)
        }
    });
    assert_panics(|| guard.open_tree::<User>().put_many(large));
    assert_eq!(failed(guard.commit()).kind(), ErrorKind::Closed);
    assert_eq!(store.open_tree::<User>().len()?, 1);
    typed::assert_exact(&store)
}
