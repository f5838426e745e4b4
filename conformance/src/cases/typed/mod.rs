//! The typed layer over each driver: models, keys, indexes, transactions; and what its cases have in common.

pub mod index;
pub mod integrity;
pub mod key;
pub mod random;
pub mod range;
pub mod schema;
pub mod transaction;

use netabase_core::driver::{Driver, Durability};
use netabase_core::error::NetabaseError;
use netabase_core::store::{Mode, TxnGuard, TypedStore};

use crate::case::CaseResult;
use crate::fixture::Fixture;
use crate::model::shop::Shop;
use crate::model::shop::{
    Order, OrderStatusSecondaryKey, User, UserAgeSecondaryKey, UserCitySecondaryKey,
    UserEmailSecondaryKey,
};

/// A store of the models in [`shop`](crate::model::shop).
pub(crate) type ShopStore<D> = TypedStore<Shop, D>;

/// Opens this case's database as a shop. Commits are not durable unless they say so.
pub(crate) fn open<D: Driver>(fixture: &Fixture<D>) -> Result<ShopStore<D>, NetabaseError> {
    TypedStore::open_with(fixture.driver(), &fixture.config(), Durability::None)
}

/// A user whose email follows from the id.
pub(crate) fn user(id: u64, age: i32) -> User {
    User {
        id,
        age,
        email: format!("user{id}@example.org"),
        city: Some(format!("city {}", id % 3)),
        bio: format!("the life of {id}"),
        notes: [("visits".to_owned(), 1)].into(),
    }
}

pub(crate) fn ids(users: impl IntoIterator<Item = User>) -> Vec<u64> {
    users.into_iter().map(|user| user.id).collect()
}

pub(crate) fn ages_of(users: impl IntoIterator<Item = User>) -> Vec<i32> {
    users.into_iter().map(|user| user.age).collect()
}

/// The records that an iterator of keys and records gives.
pub(crate) fn collect<K, M>(
    items: impl Iterator<Item = Result<(K, M), NetabaseError>>,
) -> Result<Vec<M>, NetabaseError> {
    items.map(|item| item.map(|(_, record)| record)).collect()
}

/// The error of a result that must not be `Ok`.
#[track_caller]
pub(crate) fn failed<T>(result: Result<T, NetabaseError>) -> NetabaseError {
    match result {
        Ok(_) => panic!("succeeded instead of failing"),
        Err(error) => {
            assert!(!error.message().is_empty(), "{error:?} has no message");
            error
        }
    }
}

/// Shows that every index of the shop has exactly the entries that follow from the records, in order.
pub(crate) fn assert_exact<D: Driver>(store: &ShopStore<D>) -> CaseResult {
    assert_exact_in(&store.read())
}

/// [`assert_exact`] within a transaction.
pub(crate) fn assert_exact_in<Md: Mode, D: Driver>(
    guard: &TxnGuard<'_, Shop, Md, D>,
) -> CaseResult {
    let users = guard.open_tree::<User>();
    let all = collect(users.iter()?)?;
    assert_eq!(users.len()?, all.len());
    let found = collect(users.range_by::<UserAgeSecondaryKey>(..)?)?;
    let expected = sorted_by(&all, |user| (user.age, user.id));
    assert!(found == expected, "the index of ages differs");
    let found = collect(users.range_by::<UserCitySecondaryKey>(..)?)?;
    let expected = sorted_by(&all, |user| (user.city.clone(), user.id));
    assert!(found == expected, "the index of cities differs");
    let found = collect(users.range_by::<UserEmailSecondaryKey>(..)?)?;
    let expected = sorted_by(&all, |user| user.email.clone());
    assert!(found == expected, "the index of emails differs");

    let orders = guard.open_tree::<Order>();
    let all = collect(orders.iter()?)?;
    assert_eq!(orders.len()?, all.len());
    let found = collect(orders.range_by::<OrderStatusSecondaryKey>(..)?)?;
    let expected = sorted_by(&all, |order| {
        (order.status, order.customer.clone(), order.number)
    });
    assert!(found == expected, "the index of states differs");
    Ok(())
}

fn sorted_by<M: Clone, K: Ord>(records: &[M], key: impl FnMut(&M) -> K) -> Vec<M> {
    let mut sorted = records.to_vec();
    sorted.sort_by_key(key);
    sorted
}
