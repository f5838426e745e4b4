//! Typed reads and transactions: what is written is read back, whole or not at all.

use netabase_core::driver::{Capabilities, Driver, Durability, ErrorKind};
use netabase_core::error::NetabaseError;
use netabase_core::store::TypedStore;

use super::{collect, failed, ids, user};
use crate::case::{Case, CaseResult, Requirement, case};
use crate::cases::typed;
use crate::fixture::Fixture;
use crate::model::shop::{
    Note, NotePrimaryKey, Order, OrderPrimaryKey, Status, User, UserPrimaryKey,
};

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(reading_what_was_never_written_is_no_error),
        case!(what_is_put_is_got),
        case!(bulk_calls_answer_in_the_order_of_their_keys),
        case!(borrowed_reads_show_what_owned_reads_show),
        case!(
            borrowed_reads_borrow_from_the_engine,
            Requirement::Declares(Capabilities::ZERO_COPY)
        ),
        case!(drop_rolls_back_every_model),
        case!(rollback_rolls_back_every_model),
        case!(a_commit_covers_every_model),
        case!(a_commit_through_a_view_covers_every_view),
        case!(a_rollback_after_a_commit_is_too_late),
        case!(a_transaction_reads_its_own_writes),
        case!(several_views_of_one_model_share_the_transaction),
        case!(
            a_read_guard_keeps_its_snapshot,
            Requirement::Declares(Capabilities::SNAPSHOTS)
        ),
        case!(an_iterator_survives_writes_beside_it),
        case!(a_batch_is_one_transaction),
        case!(a_batch_that_is_dropped_writes_nothing),
        case!(steps_of_a_batch_run_in_order),
        case!(a_closed_store_answers_closed),
        case!(errors_name_operation_driver_and_tree),
        case!(threads_share_a_store, Requirement::Threads),
    ]
}

fn note(title: &str) -> Note {
    Note {
        title: title.to_owned(),
        text: title.bytes().rev().collect(),
    }
}

fn order(customer: &str, number: i32) -> Order {
    Order {
        customer: customer.to_owned(),
        number,
        status: Status::Paid,
        total: i64::from(number) * -100,
    }
}

fn reading_what_was_never_written_is_no_error<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    let users = store.open_tree::<User>();
    assert_eq!(users.get(UserPrimaryKey(1))?, None);
    assert_eq!(users.len()?, 0);
    assert!(!users.contains(UserPrimaryKey(1))?);
    assert_eq!(users.remove(UserPrimaryKey(1))?, None);
    assert_eq!(users.iter()?.count(), 0);
    users.clear()?;
    let guard = store.read();
    let view = guard.open_tree::<Order>();
    assert_eq!(view.first()?, None);
    assert_eq!(view.last()?, None);
    assert_eq!(view.iter()?.rev().count(), 0);
    assert_eq!(guard.open_tree::<Note>().prefix("a")?.count(), 0);
    Ok(())
}

fn what_is_put_is_got<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    let (users, orders, notes) = (
        store.open_tree::<User>(),
        store.open_tree::<Order>(),
        store.open_tree::<Note>(),
    );
    let extreme = User {
        id: u64::MAX,
        age: i32::MIN,
        email: String::new(),
        city: None,
        bio: "\0ü樹🌳".repeat(5_000),
        notes: (0..500u32)
            .map(|number| (format!("note {number}"), number))
            .collect(),
    };
    users.put(&extreme)?;
    orders.put(order("a\0b", -7))?;
    notes.put(Note {
        title: String::new(),
        text: vec![0; 1 << 20],
    })?;
    assert_eq!(users.get(UserPrimaryKey(u64::MAX))?, Some(extreme));
    assert_eq!(users.get(UserPrimaryKey(u64::MAX - 1))?, None);
    let key = OrderPrimaryKey("a\0b".to_owned(), -7);
    assert_eq!(orders.get(&key)?, Some(order("a\0b", -7)));
    let empty = notes.get_with(NotePrimaryKey(String::new()), |note| note.text.len())?;
    assert_eq!(empty, Some(1 << 20));
    Ok(())
}

fn bulk_calls_answer_in_the_order_of_their_keys<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    let users = store.open_tree::<User>();
    users.put_many([5, 300, 1, 70_000, 512].map(|id| user(id, 1)))?;
    assert_eq!(ids(collect(users.iter()?)?), [1, 5, 300, 512, 70_000]);
    let keys = [512, 2, 1, 512].map(UserPrimaryKey);
    let found = users.get_many(&keys)?;
    assert_eq!(
        found
            .into_iter()
            .map(|user| user.map(|user| user.id))
            .collect::<Vec<_>>(),
        [Some(512), None, Some(1), Some(512)]
    );
    let removed = users.remove_many(&keys)?;
    assert_eq!(
        removed
            .into_iter()
            .map(|user| user.map(|user| user.id))
            .collect::<Vec<_>>(),
        [Some(512), None, Some(1), None]
    );
    assert_eq!(users.len()?, 3);
    Ok(())
}

fn borrowed_reads_show_what_owned_reads_show<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    let users = store.open_tree::<User>();
    users.put_many((0..50).map(|id| user(id, -3)))?;
    let owned = users.get_with(UserPrimaryKey(7), |user| User::from(user))?;
    assert_eq!(owned, Some(user(7, -3)));
    let fields = users.get_with(UserPrimaryKey(7), |user| {
        (user.id, user.email.to_owned(), user.city.map(str::to_owned))
    })?;
    let expected = user(7, -3);
    assert_eq!(fields, Some((7, expected.email, expected.city)));
    let guard = store.read();
    let view = guard.open_tree::<User>();
    let mut borrowed = Vec::new();
    let mut iter = view.iter()?;
    while let Some(user) = iter.next_ref() {
        borrowed.push(User::from(user?));
    }
    assert!(borrowed == collect(view.iter()?)?);
    assert_eq!(borrowed.len(), 50);
    Ok(())
}

fn borrowed_reads_borrow_from_the_engine<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    store.open_tree::<User>().put(user(1, 30))?;
    let guard = store.read();
    let view = guard.open_tree::<User>();
    let same = view.get_with(UserPrimaryKey(1), |outer| {
        view.get_with(UserPrimaryKey(1), |inner| {
            std::ptr::eq(outer.bio, inner.bio) && std::ptr::eq(outer.email, inner.email)
        })
    })?;
    assert_eq!(
        same.transpose()?.flatten(),
        Some(true),
        "a field was copied"
    );
    Ok(())
}

fn write_all<D: Driver>(
    guard: &netabase_core::store::TxnGuard<
        '_,
        crate::model::shop::Shop,
        netabase_core::store::ReadWrite,
        D,
    >,
) -> Result<(), NetabaseError> {
    let mut users = guard.open_tree::<User>();
    let mut orders = guard.open_tree::<Order>();
    let mut notes = guard.open_tree::<Note>();
    users.put(user(1, 31))?;
    orders.put(order("ann", 1))?;
    users.put(user(2, 40))?;
    notes.put(note("new"))?;
    orders.remove(OrderPrimaryKey("bob".to_owned(), 1))?;
    notes.clear()
}

/// A store with one record of each model.
fn filled<D: Driver>(fixture: &Fixture<D>) -> Result<typed::ShopStore<D>, NetabaseError> {
    let store = typed::open(fixture)?;
    store.open_tree::<User>().put(user(1, 30))?;
    store.open_tree::<Order>().put(order("bob", 1))?;
    store.open_tree::<Note>().put(note("old"))?;
    Ok(store)
}

fn assert_unchanged<D: Driver>(store: &typed::ShopStore<D>) -> CaseResult {
    let users = collect(store.open_tree::<User>().iter()?)?;
    assert_eq!(users, [user(1, 30)]);
    let orders = collect(store.open_tree::<Order>().iter()?)?;
    assert_eq!(orders, [order("bob", 1)]);
    let notes = collect(store.open_tree::<Note>().iter()?)?;
    assert_eq!(notes, [note("old")]);
    typed::assert_exact(store)
}

fn assert_changed<D: Driver>(store: &typed::ShopStore<D>) -> CaseResult {
    let users = collect(store.open_tree::<User>().iter()?)?;
    assert_eq!(users, [user(1, 31), user(2, 40)]);
    let orders = collect(store.open_tree::<Order>().iter()?)?;
    assert_eq!(orders, [order("ann", 1)]);
    assert!(store.open_tree::<Note>().is_empty()?);
    typed::assert_exact(store)
}

fn drop_rolls_back_every_model<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = filled(fixture)?;
    let guard = store.write()?;
    write_all(&guard)?;
    drop(guard);
    assert_unchanged(&store)
}

fn rollback_rolls_back_every_model<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = filled(fixture)?;
    let guard = store.write()?;
    write_all(&guard)?;
    guard.rollback()?;
    assert_unchanged(&store)?;
    store.write()?.rollback()?;
    assert_unchanged(&store)
}

fn a_commit_covers_every_model<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = filled(fixture)?;
    for durability in [Durability::None, Durability::Immediate] {
        let guard = store.write()?;
        write_all(&guard)?;
        guard.commit_with(durability)?;
        assert_changed(&store)?;
    }
    Ok(())
}

fn a_commit_through_a_view_covers_every_view<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = filled(fixture)?;
    let guard = store.write()?;
    write_all(&guard)?;
    let mut after = guard.open_tree::<User>();
    guard.open_tree::<Order>().commit()?;
    assert_eq!(failed(after.put(user(3, 1))).kind(), ErrorKind::Closed);
    assert_eq!(
        failed(after.get(UserPrimaryKey(1))).kind(),
        ErrorKind::Closed
    );
    drop(after);
    drop(guard);
    assert_changed(&store)
}

fn a_rollback_after_a_commit_is_too_late<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = filled(fixture)?;
    let guard = store.write()?;
    write_all(&guard)?;
    guard.open_tree::<Order>().commit()?;
    assert_eq!(failed(guard.rollback()).kind(), ErrorKind::Closed);
    assert_changed(&store)
}

fn a_transaction_reads_its_own_writes<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = filled(fixture)?;
    let guard = store.write()?;
    write_all(&guard)?;
    let users = guard.open_tree::<User>();
    assert_eq!(users.get(UserPrimaryKey(1))?, Some(user(1, 31)));
    assert_eq!(ids(collect(users.iter()?)?), [1, 2]);
    assert_eq!(users.last()?.map(|(key, _)| key), Some(UserPrimaryKey(2)));
    assert!(guard.open_tree::<Note>().is_empty()?);
    typed::assert_exact_in(&guard)?;
    // Nobody else sees any of it.
    assert_unchanged(&store)
}

fn several_views_of_one_model_share_the_transaction<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    let guard = store.write()?;
    let mut first = guard.open_tree::<User>();
    let mut second = guard.open_tree::<User>();
    first.put(user(1, 30))?;
    second.put(user(2, 30))?;
    assert_eq!(first.len()?, 2);
    assert_eq!(second.remove(UserPrimaryKey(1))?, Some(user(1, 30)));
    assert_eq!(first.get(UserPrimaryKey(1))?, None);
    drop((first, second));
    guard.commit()?;
    assert_eq!(store.open_tree::<User>().len()?, 1);
    typed::assert_exact(&store)
}

fn a_read_guard_keeps_its_snapshot<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = filled(fixture)?;
    let (before, untouched) = (store.read(), store.read());
    let view = before.open_tree::<User>();
    assert_eq!(view.len()?, 1);
    let iter = store.open_tree::<User>().iter()?;
    let guard = store.write()?;
    write_all(&guard)?;
    guard.commit()?;
    assert_eq!(collect(view.iter()?)?, [user(1, 30)]);
    assert_eq!(collect(iter)?, [user(1, 30)]);
    // Models first asked for after the commit are of the same snapshot.
    assert_eq!(collect(before.open_tree::<Note>().iter()?)?, [note("old")]);
    typed::assert_exact_in(&before)?;
    // The snapshot is taken when the guard is made, not when it is first read from.
    assert_eq!(
        collect(untouched.open_tree::<User>().iter()?)?,
        [user(1, 30)]
    );
    assert_changed(&store)
}

fn an_iterator_survives_writes_beside_it<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    store
        .open_tree::<User>()
        .put_many((0..100).map(|id| user(id * 2, 1)))?;
    let guard = store.write()?;
    let view = guard.open_tree::<User>();
    let mut writing = guard.open_tree::<User>();
    let mut seen = Vec::new();
    for item in view.iter()? {
        let (UserPrimaryKey(id), _) = item?;
        seen.push(id);
        writing.put(user(id, 2))?;
        if id % 20 == 0 {
            writing.put(user(id + 1, 2))?;
            writing.remove(UserPrimaryKey(id + 2))?;
        }
    }
    let expected: Vec<u64> = (0..200)
        .filter(|id| id % 20 == 1 || (id % 2 == 0 && id % 20 != 2))
        .collect();
    assert_eq!(seen, expected);
    drop((view, writing));
    guard.commit()?;
    typed::assert_exact(&store)
}

fn a_batch_is_one_transaction<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = filled(fixture)?;
    let mut batch = store.batch();
    assert!(batch.is_empty());
    batch
        .put(user(1, 31))
        .put(order("ann", 1))
        .put_many(vec![user(2, 40)])
        .remove::<Order>(OrderPrimaryKey("bob".to_owned(), 1))
        .clear::<Note>();
    assert_eq!(batch.len(), 5);
    assert_unchanged(&store)?;
    batch.commit()?;
    assert_changed(&store)
}

fn a_batch_that_is_dropped_writes_nothing<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = filled(fixture)?;
    let mut batch = store.batch();
    batch.put(user(1, 31)).clear::<Note>();
    drop(batch);
    assert_unchanged(&store)
}

fn steps_of_a_batch_run_in_order<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    let mut batch = store.batch();
    batch
        .put(user(1, 30))
        .put(user(2, 30))
        .remove::<User>(UserPrimaryKey(1))
        .put(user(2, 31))
        .put(note("lost"))
        .clear::<Note>()
        .put(note("kept"));
    batch.commit()?;
    assert_eq!(collect(store.open_tree::<User>().iter()?)?, [user(2, 31)]);
    assert_eq!(collect(store.open_tree::<Note>().iter()?)?, [note("kept")]);
    typed::assert_exact(&store)
}

fn a_closed_store_answers_closed<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = filled(fixture)?;
    store.close();
    store.close();
    let users = store.open_tree::<User>();
    assert_eq!(
        failed(users.get(UserPrimaryKey(1))).kind(),
        ErrorKind::Closed
    );
    assert_eq!(failed(users.put(user(2, 1))).kind(), ErrorKind::Closed);
    assert_eq!(failed(store.write()).kind(), ErrorKind::Closed);
    let guard = store.read();
    let error = failed(guard.open_tree::<User>().get(UserPrimaryKey(1)));
    assert_eq!(error.kind(), ErrorKind::Closed);
    let mut batch = store.batch();
    batch.put(user(2, 1));
    assert_eq!(failed(batch.commit()).kind(), ErrorKind::Closed);
    Ok(())
}

fn errors_name_operation_driver_and_tree<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = filled(fixture)?;
    let error = failed(store.open_tree::<User>().put(User {
        id: 2,
        ..user(1, 30)
    }));
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(error.operation(), Some("put"));
    assert_eq!(error.driver(), Some(&*fixture.manifest().name));
    let tree = error.tree().unwrap_or_default();
    assert!(tree.starts_with("User"), "tree {tree:?}");
    Ok(())
}

fn threads_share_a_store<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    const THREADS: u64 = 4;
    const EACH: u64 = 25;
    let store: TypedStore<_, D> = typed::open(fixture)?;
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..THREADS)
            .map(|thread| {
                let store = &store;
                scope.spawn(move || -> Result<(), NetabaseError> {
                    let users = store.open_tree::<User>();
                    for number in 0..EACH {
                        users.put(user(number * THREADS + thread, thread as i32))?;
                        // A record and its index entries are never seen apart.
                        let own = typed::index::by_age(thread as i32);
                        assert_eq!(users.get_by_secondary_key(own)?.len() as u64, number + 1);
                    }
                    Ok(())
                })
            })
            .collect();
        writers
            .into_iter()
            .try_for_each(|writer| writer.join().expect("a writing thread ends"))
    })?;
    assert_eq!(store.open_tree::<User>().len()? as u64, THREADS * EACH);
    typed::assert_exact(&store)
}
