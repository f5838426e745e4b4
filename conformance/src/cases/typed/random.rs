//! Random sequences of typed writes against a model: ordered maps of records, with every index checked after each commit.

use std::collections::BTreeMap;
use std::fmt::{self, Debug};

use netabase_core::driver::{Capabilities, Driver, Durability, ErrorKind, OpenConfig};
use netabase_core::error::NetabaseError;
use netabase_core::store::{Mode, ReadWrite, TreeView, TxnGuard, TypedStore};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{any, prop_oneof};
use proptest::sample::select;
use proptest::strategy::{Just, Strategy};

use super::collect;
use crate::case::{Case, CaseResult, Failure, case};
use crate::cases::typed;
use crate::fixture::Fixture;
use crate::model::shop::Shop;
use crate::model::shop::{
    Order, OrderPrimaryKey, Status, User, UserAgeSecondaryKey, UserPrimaryKey,
};
use crate::sequence::{self, Journal};

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![case!(any_sequence_of_typed_writes_agrees_with_the_model)]
}

/// One write. Keys and unique keys are few, so that records meet and are in each other's way.
#[derive(Debug, Clone)]
enum Write {
    PutUser(User),
    PutUsers(Vec<User>),
    RemoveUser(u64),
    RemoveUsers(Vec<u64>),
    ClearUsers,
    PutOrder(Order),
    RemoveOrder(OrderPrimaryKey),
    ClearOrders,
}

/// One step.
#[derive(Debug, Clone)]
enum Step {
    /// A call of its own.
    Single(Write),
    Batch(Vec<Write>, Durability),
    Transaction(Vec<Write>, End),
    /// Reads within a transaction, before it is rolled back.
    ReadBack(Vec<Write>),
    Reopen,
}

#[derive(Debug, Clone, Copy)]
enum End {
    Commit(Durability),
    RollBack,
    Drop,
}

impl Write {
    /// Writes that say less than this one, or the same in parts: each list may replace it.
    fn simpler(&self) -> Vec<Vec<Self>> {
        match self {
            Self::PutUsers(users) => {
                let split = users.iter().cloned().map(Self::PutUser).collect();
                std::iter::once(split)
                    .chain(sequence::without_one(users).map(|users| vec![Self::PutUsers(users)]))
                    .collect()
            }
            Self::RemoveUsers(ids) => {
                vec![ids.iter().copied().map(Self::RemoveUser).collect()]
            }
            _ => Vec::new(),
        }
    }

    /// Each list that is `writes` with one of them left out or simpler.
    fn fewer(writes: &[Self]) -> Vec<Vec<Self>> {
        let simpler = writes.iter().enumerate().flat_map(|(place, write)| {
            write.simpler().into_iter().map(move |replacement| {
                let mut writes = writes.to_vec();
                writes.splice(place..=place, replacement);
                writes
            })
        });
        sequence::without_one(writes).chain(simpler).collect()
    }
}

impl sequence::Step for Step {
    fn simpler(&self) -> Vec<Vec<Self>> {
        let singles = |writes: Vec<Write>| writes.into_iter().map(Self::Single).collect();
        match self {
            Self::Single(write) => write.simpler().into_iter().map(singles).collect(),
            Self::Batch(writes, durability) => std::iter::once(singles(writes.clone()))
                .chain(
                    Write::fewer(writes)
                        .into_iter()
                        .map(|writes| vec![Self::Batch(writes, *durability)]),
                )
                .collect(),
            Self::Transaction(writes, end) => Write::fewer(writes)
                .into_iter()
                .map(|writes| vec![Self::Transaction(writes, *end)])
                .collect(),
            Self::ReadBack(writes) => Write::fewer(writes)
                .into_iter()
                .map(|writes| vec![Self::ReadBack(writes)])
                .collect(),
            Self::Reopen => Vec::new(),
        }
    }
}

impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PutUser(user) => write!(f, "users.put({user:?})"),
            Self::PutUsers(users) => write!(f, "users.put_many({users:?})"),
            Self::RemoveUser(id) => write!(f, "users.remove({id})"),
            Self::RemoveUsers(ids) => write!(f, "users.remove_many({ids:?})"),
            Self::ClearUsers => f.write_str("users.clear()"),
            Self::PutOrder(order) => write!(f, "orders.put({order:?})"),
            Self::RemoveOrder(OrderPrimaryKey(customer, number)) => {
                write!(f, "orders.remove(({customer:?}, {number}))")
            }
            Self::ClearOrders => f.write_str("orders.clear()"),
        }
    }
}

fn user() -> impl Strategy<Value = User> {
    (
        0u64..12,
        0u8..14,
        -2i32..3,
        option::of(select(vec!["", "a", "a\0", "ab", "b"])),
        vec(any::<char>(), 0..10),
    )
        .prop_map(|(id, email, age, city, bio)| User {
            id,
            email: format!("{email}@example.org"),
            age,
            city: city.map(str::to_owned),
            bio: bio.into_iter().collect(),
            notes: (0..u32::from(email))
                .map(|number| (number.to_string(), number))
                .collect(),
        })
}

fn order_key() -> impl Strategy<Value = OrderPrimaryKey> {
    (select(vec!["", "a", "a\0", "b"]), -2i32..3)
        .prop_map(|(customer, number)| OrderPrimaryKey(customer.to_owned(), number))
}

fn order() -> impl Strategy<Value = Order> {
    let status = select(vec![Status::Open, Status::Paid, Status::Sent]);
    (order_key(), status, any::<i64>()).prop_map(
        |(OrderPrimaryKey(customer, number), status, total)| Order {
            customer,
            number,
            status,
            total,
        },
    )
}

fn write() -> impl Strategy<Value = Write> {
    prop_oneof![
        8 => user().prop_map(Write::PutUser),
        3 => vec(user(), 0..6).prop_map(Write::PutUsers),
        4 => (0u64..12).prop_map(Write::RemoveUser),
        1 => vec(0u64..12, 0..4).prop_map(Write::RemoveUsers),
        1 => Just(Write::ClearUsers),
        4 => order().prop_map(Write::PutOrder),
        2 => order_key().prop_map(Write::RemoveOrder),
        1 => Just(Write::ClearOrders),
    ]
}

fn durability() -> impl Strategy<Value = Durability> {
    prop_oneof![6 => Just(Durability::None), 1 => Just(Durability::Immediate)]
}

fn step() -> impl Strategy<Value = Step> {
    let end = prop_oneof![
        4 => durability().prop_map(End::Commit),
        1 => Just(End::RollBack),
        1 => Just(End::Drop),
    ];
    prop_oneof![
        6 => write().prop_map(Step::Single),
        2 => (vec(write(), 0..6), durability())
            .prop_map(|(writes, durability)| Step::Batch(writes, durability)),
        4 => (vec(write(), 0..8), end).prop_map(|(writes, end)| Step::Transaction(writes, end)),
        1 => vec(write(), 0..8).prop_map(Step::ReadBack),
        1 => Just(Step::Reopen),
    ]
}

/// What the store is to hold.
#[derive(Debug, Clone, Default, PartialEq)]
struct Model {
    users: BTreeMap<u64, User>,
    orders: BTreeMap<(String, i32), Order>,
}

/// Why the model takes no write: a unique key is held by another record.
struct Taken;

impl Model {
    /// Whether no two users have the same email.
    fn is_consistent(&self) -> bool {
        let mut emails: Vec<_> = self.users.values().map(|user| &user.email).collect();
        emails.sort_unstable();
        emails.is_sorted_by(|one, next| one < next)
    }

    /// Runs a write, or leaves everything as it is.
    fn run(&mut self, write: &Write) -> Result<(), Taken> {
        let mut after = self.clone();
        match write {
            Write::PutUser(user) => {
                after.users.insert(user.id, user.clone());
            }
            Write::PutUsers(users) => {
                after
                    .users
                    .extend(users.iter().map(|user| (user.id, user.clone())));
            }
            Write::RemoveUser(id) => {
                after.users.remove(id);
            }
            Write::RemoveUsers(ids) => ids.iter().for_each(|id| {
                after.users.remove(id);
            }),
            Write::ClearUsers => after.users.clear(),
            Write::PutOrder(order) => {
                let key = (order.customer.clone(), order.number);
                after.orders.insert(key, order.clone());
            }
            Write::RemoveOrder(OrderPrimaryKey(customer, number)) => {
                after.orders.remove(&(customer.clone(), *number));
            }
            Write::ClearOrders => after.orders.clear(),
        }
        if !after.is_consistent() {
            return Err(Taken);
        }
        *self = after;
        Ok(())
    }
}

/// Why a sequence ended: a difference, or an error that must not be.
struct Stop(String);

impl From<NetabaseError> for Stop {
    fn from(error: NetabaseError) -> Self {
        Self(format!("{error:?}"))
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self(failure.to_string())
    }
}

fn same<T: PartialEq<U> + Debug, U: Debug>(found: T, expected: U) -> Result<(), Stop> {
    if found == expected {
        return Ok(());
    }
    Err(Stop(format!(
        "the store gives {found:?}\nthe model has   {expected:?}"
    )))
}

/// Compares the outcome of a write with what the model says of it.
fn same_outcome(found: Result<(), NetabaseError>, expected: Result<(), Taken>) -> Result<(), Stop> {
    match (found, expected) {
        (Ok(()), Ok(())) => Ok(()),
        (Err(error), Err(Taken)) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        (Ok(()), Err(Taken)) => Err(Stop("a taken unique key was accepted".to_owned())),
        (Err(error), _) => Err(error.into()),
    }
}

fn single<D: Driver>(
    store: &typed::ShopStore<D>,
    model: &mut Model,
    write: Write,
) -> Result<(), Stop> {
    let (users, orders) = (store.open_tree::<User>(), store.open_tree::<Order>());
    let before = model.clone();
    let expected = model.run(&write);
    let found = match write {
        Write::PutUser(user) => users.put(user),
        Write::PutUsers(new) => users.put_many(new),
        Write::RemoveUser(id) => {
            let removed = users.remove(UserPrimaryKey(id))?;
            same(removed.as_ref(), before.users.get(&id))?;
            Ok(())
        }
        Write::RemoveUsers(ids) => users
            .remove_many(ids.into_iter().map(UserPrimaryKey))
            .map(drop),
        Write::ClearUsers => users.clear(),
        Write::PutOrder(order) => orders.put(order),
        Write::RemoveOrder(key) => {
            let removed = orders.remove(&key)?;
            same(removed.as_ref(), before.orders.get(&(key.0, key.1)))?;
            Ok(())
        }
        Write::ClearOrders => orders.clear(),
    };
    same_outcome(found, expected)
}

/// Runs writes in a transaction. `None` if one of them has ended it.
fn in_transaction<D: Driver>(
    guard: &TxnGuard<'_, Shop, ReadWrite, D>,
    model: &Model,
    writes: Vec<Write>,
    journal: &Journal,
) -> Result<Option<Model>, Stop> {
    let mut model = model.clone();
    let (mut users, mut orders) = (guard.open_tree::<User>(), guard.open_tree::<Order>());
    for write in writes {
        journal.note(format_args!("in the transaction: {write}"));
        let expected = model.run(&write);
        let ends = expected.is_err() && matches!(write, Write::PutUsers(_));
        let found = match write {
            Write::PutUser(user) => users.put(user),
            Write::PutUsers(new) => users.put_many(new),
            Write::RemoveUser(id) => users.remove(UserPrimaryKey(id)).map(drop),
            Write::RemoveUsers(ids) => users
                .remove_many(ids.into_iter().map(UserPrimaryKey))
                .map(drop),
            Write::ClearUsers => users.clear(),
            Write::PutOrder(order) => orders.put(order),
            Write::RemoveOrder(key) => orders.remove(key).map(drop),
            Write::ClearOrders => orders.clear(),
        };
        same_outcome(found, expected)?;
        if ends {
            return Ok(None);
        }
        look(&users, &model)?;
    }
    Ok(Some(model))
}

/// A few reads.
fn look<Md: Mode, D: Driver>(
    users: &TreeView<'_, Shop, User, Md, D>,
    model: &Model,
) -> Result<(), Stop> {
    same(users.len()?, model.users.len())?;
    let adults = collect(users.range_by(UserAgeSecondaryKey(0)..)?)?;
    let expected = model.users.values().filter(|user| user.age >= 0).count();
    same(adults.len(), expected)?;
    same(
        users.last()?.map(|(_, user)| user).as_ref(),
        model.users.values().next_back(),
    )
}

fn batch<D: Driver>(
    store: &typed::ShopStore<D>,
    model: &mut Model,
    writes: Vec<Write>,
    durability: Durability,
) -> Result<(), Stop> {
    let mut after = model.clone();
    let expected = writes.iter().try_for_each(|write| after.run(write));
    let mut batch = store.batch();
    for write in writes {
        match write {
            Write::PutUser(user) => batch.put(user),
            Write::PutUsers(users) => batch.put_many(users),
            Write::RemoveUser(id) => batch.remove::<User>(UserPrimaryKey(id)),
            Write::RemoveUsers(ids) => ids.into_iter().fold(&mut batch, |batch, id| {
                batch.remove::<User>(UserPrimaryKey(id))
            }),
            Write::ClearUsers => batch.clear::<User>(),
            Write::PutOrder(order) => batch.put(order),
            Write::RemoveOrder(key) => batch.remove::<Order>(key),
            Write::ClearOrders => batch.clear::<Order>(),
        };
    }
    if expected.is_ok() {
        *model = after;
    }
    same_outcome(batch.commit_with(durability), expected)
}

/// Compares every record and every index.
fn compare<Md: Mode, D: Driver>(
    guard: &TxnGuard<'_, Shop, Md, D>,
    model: &Model,
) -> Result<(), Stop> {
    let users = collect(guard.open_tree::<User>().iter()?)?;
    same(users, Vec::from_iter(model.users.values().cloned()))?;
    let orders = collect(guard.open_tree::<Order>().iter()?)?;
    same(orders, Vec::from_iter(model.orders.values().cloned()))?;
    typed::assert_exact_in(guard)?;
    Ok(())
}

fn run_steps<D: Driver>(
    fixture: &Fixture<D>,
    steps: Vec<Step>,
    journal: &Journal,
) -> Result<(), Stop> {
    journal.note("open an empty database");
    let open = |truncate| {
        let config = OpenConfig {
            truncate,
            ..fixture.config()
        };
        TypedStore::<Shop, D>::open_with(fixture.driver(), &config, Durability::None)
    };
    let mut store = open(true)?;
    let mut model = Model::default();
    for step in steps {
        let snapshot = store.read();
        let before = model.clone();
        match step {
            Step::Single(write) => {
                journal.note(&write);
                single(&store, &mut model, write)?;
            }
            Step::Batch(writes, durability) => {
                let list: Vec<_> = writes.iter().map(Write::to_string).collect();
                journal.note(format_args!(
                    "a batch, durability {durability:?}: [{}]",
                    list.join("; ")
                ));
                batch(&store, &mut model, writes, durability)?;
            }
            Step::Transaction(writes, end) => {
                journal.note("begin a transaction");
                let guard = store.write()?;
                let after = in_transaction(&guard, &model, writes, journal)?;
                journal.note(match end {
                    End::Commit(Durability::Immediate) => "commit, durability Immediate",
                    End::Commit(Durability::None) => "commit, durability None",
                    End::RollBack => "roll back",
                    End::Drop => "drop the transaction, without a commit",
                });
                match (end, after) {
                    (End::Commit(durability), Some(after)) => {
                        guard.commit_with(durability)?;
                        model = after;
                    }
                    (End::Commit(durability), None) => {
                        if guard.commit_with(durability).is_ok() {
                            return Err(Stop("a transaction that failed was committed".to_owned()));
                        }
                    }
                    (End::RollBack, _) => guard.rollback()?,
                    (End::Drop, _) => drop(guard),
                }
            }
            Step::ReadBack(writes) => {
                journal.note("begin a transaction");
                let guard = store.write()?;
                if let Some(after) = in_transaction(&guard, &model, writes, journal)? {
                    journal.note("in the transaction: read everything");
                    compare(&guard, &after)?;
                }
            }
            Step::Reopen => {
                drop(snapshot);
                journal.note("close every handle and open the database again");
                if fixture.declares(Capabilities::PERSISTENT) {
                    drop(store);
                    store = open(false)?;
                }
                compare(&store.read(), &model)?;
                continue;
            }
        }
        journal.note("in a new snapshot: read everything");
        compare(&store.read(), &model)?;
        if fixture.declares(Capabilities::SNAPSHOTS) {
            // The guard's snapshot is taken when it is made, not when it is first read from.
            journal.note("in the snapshot from before: read everything");
            compare(&snapshot, &before)?;
        }
    }
    Ok(())
}

fn any_sequence_of_typed_writes_agrees_with_the_model<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    sequence::run(48, vec(step(), 1..25), |steps, journal| {
        run_steps(fixture, steps, journal).map_err(|Stop(reason)| reason)
    })
}
