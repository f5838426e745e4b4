//! Ranges, prefixes and ends, over primary and secondary keys, both ways.

use std::ops::Bound;

use netabase_core::driver::Driver;
use netabase_core::error::NetabaseError;

use super::{ages_of, collect, ids, user};
use crate::case::{Case, CaseResult, case};
use crate::cases::typed;
use crate::fixture::Fixture;
use crate::model::shop::{
    Note, NotePrimaryKey, Order, OrderPrimaryKey, User, UserAgeSecondaryKey, UserCitySecondaryKey,
    UserEmailSecondaryKey, UserPrimaryKey,
};

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(every_form_of_range_selects_what_it_says),
        case!(empty_and_inverted_ranges_select_nothing),
        case!(signed_keys_range_through_zero),
        case!(first_and_last_are_the_ends),
        case!(an_iterator_may_be_taken_from_both_ends),
        case!(composite_keys_order_by_their_parts),
        case!(a_prefix_of_a_string_key_selects_what_begins_with_it),
        case!(a_prefix_of_a_composite_key_selects_its_group),
        case!(ranges_over_secondary_keys_follow_their_order),
        case!(a_prefix_of_a_secondary_key_selects_what_begins_with_it),
        case!(limits_and_pages_follow_from_ranges),
        case!(many_records_stream_in_order),
    ]
}

fn every_form_of_range_selects_what_it_says<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    store
        .open_tree::<User>()
        .put_many((0..5).map(|id| user(id, 0)))?;
    let guard = store.read();
    let view = guard.open_tree::<User>();
    let key = UserPrimaryKey;
    assert_eq!(ids(collect(view.range(..)?)?), [0, 1, 2, 3, 4]);
    assert_eq!(ids(collect(view.range(..=key(1))?)?), [0, 1]);
    assert_eq!(ids(collect(view.range(..key(1))?)?), [0]);
    assert_eq!(ids(collect(view.range(key(3)..)?)?), [3, 4]);
    assert_eq!(ids(collect(view.range(key(1)..key(3))?)?), [1, 2]);
    assert_eq!(ids(collect(view.range(key(1)..=key(3))?)?), [1, 2, 3]);
    let after = (Bound::Excluded(key(1)), Bound::Unbounded);
    assert_eq!(ids(collect(view.range(after)?)?), [2, 3, 4]);
    let between = (Bound::Excluded(key(1)), Bound::Excluded(key(3)));
    assert_eq!(ids(collect(view.range(between)?)?), [2]);
    assert_eq!(ids(collect(view.range(key(1)..=key(3))?.rev())?), [3, 2, 1]);
    assert_eq!(ids(collect(view.range(key(2)..=key(2))?)?), [2]);
    assert_eq!(ids(collect(view.range(key(4)..key(u64::MAX))?)?), [4]);
    Ok(())
}

fn empty_and_inverted_ranges_select_nothing<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    store
        .open_tree::<User>()
        .put_many((0..5).map(|id| user(id, id as i32)))?;
    let guard = store.read();
    let view = guard.open_tree::<User>();
    let key = UserPrimaryKey;
    assert_eq!(view.range(key(2)..key(2))?.count(), 0);
    assert_eq!(view.range(key(3)..=key(1))?.count(), 0);
    assert_eq!(view.range(key(3)..key(1))?.rev().count(), 0);
    let between = (Bound::Excluded(key(2)), Bound::Excluded(key(3)));
    assert_eq!(view.range(between)?.count(), 0);
    let age = UserAgeSecondaryKey;
    assert_eq!(view.range_by(age(3)..age(3))?.count(), 0);
    assert_eq!(view.range_by(age(4)..age(1))?.count(), 0);
    Ok(())
}

fn signed_keys_range_through_zero<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    let ages = [0, 1, -1, i32::MIN, i32::MAX, 255, -256];
    store
        .open_tree::<User>()
        .put_many((0u64..).zip(ages).map(|(id, age)| user(id, age)))?;
    let guard = store.read();
    let view = guard.open_tree::<User>();
    let age = UserAgeSecondaryKey;
    let found = ages_of(collect(view.range_by::<UserAgeSecondaryKey>(..)?)?);
    assert_eq!(found, [i32::MIN, -256, -1, 0, 1, 255, i32::MAX]);
    assert_eq!(
        ages_of(collect(view.range_by(age(-1)..=age(1))?)?),
        [-1, 0, 1]
    );
    assert_eq!(
        ages_of(collect(view.range_by(..age(0))?)?),
        [i32::MIN, -256, -1]
    );
    let downwards = collect(view.range_by(age(0)..)?.rev())?;
    assert_eq!(ages_of(downwards), [i32::MAX, 255, 1, 0]);
    Ok(())
}

fn first_and_last_are_the_ends<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    store
        .open_tree::<User>()
        .put_many([7, 300, 2].map(|id| user(id, 0)))?;
    let guard = store.read();
    let view = guard.open_tree::<User>();
    assert_eq!(view.first()?, Some((UserPrimaryKey(2), user(2, 0))));
    assert_eq!(view.last()?, Some((UserPrimaryKey(300), user(300, 0))));
    assert_eq!(guard.open_tree::<Order>().first()?, None);
    Ok(())
}

fn an_iterator_may_be_taken_from_both_ends<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    store
        .open_tree::<User>()
        .put_many((0..5).map(|id| user(id, -(id as i32))))?;
    fn meet(
        mut items: impl DoubleEndedIterator<Item = Result<(UserPrimaryKey, User), NetabaseError>>,
    ) -> Result<Vec<u64>, NetabaseError> {
        let mut met = Vec::new();
        while let Some(item) = items.next() {
            met.push(item?.1.id);
            if let Some(item) = items.next_back() {
                met.push(item?.1.id);
            }
        }
        assert!(items.next().is_none() && items.next_back().is_none());
        Ok(met)
    }
    let guard = store.read();
    let view = guard.open_tree::<User>();
    assert_eq!(meet(view.iter()?)?, [0, 4, 1, 3, 2]);
    assert_eq!(meet(store.open_tree::<User>().iter()?)?, [0, 4, 1, 3, 2]);
    assert_eq!(
        meet(view.range(UserPrimaryKey(1)..UserPrimaryKey(4))?)?,
        [1, 3, 2]
    );
    assert_eq!(
        meet(view.range_by::<UserAgeSecondaryKey>(..)?)?,
        [4, 0, 3, 1, 2]
    );
    assert_eq!(meet(view.by(UserAgeSecondaryKey(-2))?)?, [2]);
    Ok(())
}

fn numbers_of<D: Driver>(
    store: &typed::ShopStore<D>,
    prefix: &str,
) -> Result<Vec<(String, i32)>, NetabaseError> {
    let guard = store.read();
    let view = guard.open_tree::<Order>();
    let orders = collect(view.prefix((prefix.to_owned(),))?)?;
    Ok(orders
        .into_iter()
        .map(|order| (order.customer, order.number))
        .collect())
}

fn put_orders<D: Driver>(store: &typed::ShopStore<D>, keys: &[(&str, i32)]) -> CaseResult {
    store
        .open_tree::<Order>()
        .put_many(keys.iter().map(|(customer, number)| Order {
            customer: (*customer).to_owned(),
            number: *number,
            ..Order::default()
        }))?;
    Ok(())
}

fn composite_keys_order_by_their_parts<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    let ordered = [
        ("", 5),
        ("a", -1),
        ("a", 0),
        ("a", 256),
        ("a\0", -9),
        ("ab", -2),
        ("ab", 99),
        ("b", i32::MIN),
    ];
    let mut written = ordered;
    written.reverse();
    put_orders(&store, &written)?;
    let guard = store.read();
    let view = guard.open_tree::<Order>();
    let found = collect(view.iter()?)?;
    let found: Vec<_> = found
        .iter()
        .map(|order| (&*order.customer, order.number))
        .collect();
    assert_eq!(found, ordered);
    let key = |customer: &str, number| OrderPrimaryKey(customer.to_owned(), number);
    let range = collect(view.range(key("a", 0)..=key("ab", -2))?)?;
    let range: Vec<_> = range
        .iter()
        .map(|order| (&*order.customer, order.number))
        .collect();
    assert_eq!(range, ordered[2..6]);
    Ok(())
}

fn a_prefix_of_a_composite_key_selects_its_group<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    put_orders(&store, &[("a", -1), ("a", 7), ("ab", 1), ("", 3), ("b", 2)])?;
    assert_eq!(
        numbers_of(&store, "a")?,
        [("a".to_owned(), -1), ("a".to_owned(), 7)]
    );
    assert_eq!(numbers_of(&store, "")?, [(String::new(), 3)]);
    assert_eq!(numbers_of(&store, "c")?, []);
    Ok(())
}

fn a_prefix_of_a_string_key_selects_what_begins_with_it<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    let store = typed::open(fixture)?;
    let titles = [
        "",
        "B",
        "Be",
        "Ber",
        "Berlin",
        "Bern",
        "Bes",
        "b",
        "Ber\0",
        "Ber\u{10ffff}",
    ];
    store
        .open_tree::<Note>()
        .put_many(titles.map(|title| Note {
            title: title.to_owned(),
            text: vec![],
        }))?;
    let guard = store.read();
    let view = guard.open_tree::<Note>();
    for prefix in ["", "B", "Ber", "Berl", "Ber\0", "x", "Ber\u{10ffff}"] {
        let mut expected: Vec<_> = titles
            .into_iter()
            .filter(|title| title.starts_with(prefix))
            .collect();
        expected.sort_unstable();
        let found = collect(view.prefix(prefix)?)?;
        let found: Vec<_> = found.iter().map(|note| &*note.title).collect();
        assert_eq!(found, expected, "prefix {prefix:?}");
        let back = collect(view.prefix(prefix)?.rev())?;
        assert!(back.iter().rev().map(|note| &*note.title).eq(expected));
    }
    let key = |title: &str| NotePrimaryKey(title.to_owned());
    let range = collect(view.range(key("Be")..key("Ber\0"))?)?;
    let range: Vec<_> = range.iter().map(|note| &*note.title).collect();
    assert_eq!(range, ["Be", "Ber"]);
    Ok(())
}

fn ranges_over_secondary_keys_follow_their_order<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    store
        .open_tree::<User>()
        .put_many((0..30).map(|id| user(id, (id as i32 * 7) % 10)))?;
    let guard = store.read();
    let view = guard.open_tree::<User>();
    let age = UserAgeSecondaryKey;
    let found = collect(view.range_by(age(3)..age(6))?)?;
    let mut expected: Vec<_> = (0..30u64)
        .map(|id| ((id as i32 * 7) % 10, id))
        .filter(|(age, _)| (3..6).contains(age))
        .collect();
    expected.sort_unstable();
    assert_eq!(
        found
            .iter()
            .map(|user| (user.age, user.id))
            .collect::<Vec<_>>(),
        expected
    );
    expected.reverse();
    let back = collect(view.range_by(age(3)..age(6))?.rev())?;
    assert_eq!(
        back.iter()
            .map(|user| (user.age, user.id))
            .collect::<Vec<_>>(),
        expected
    );
    let after = (Bound::Excluded(age(8)), Bound::Unbounded);
    assert!(
        collect(view.range_by(after)?)?
            .iter()
            .all(|user| user.age == 9)
    );
    let up_to = collect(view.range_by(..=age(0))?)?;
    assert_eq!(ids(up_to), [0, 10, 20]);
    Ok(())
}

fn a_prefix_of_a_secondary_key_selects_what_begins_with_it<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    let store = typed::open(fixture)?;
    store
        .open_tree::<User>()
        .put_many((0..25).map(|id| user(id, 0)))?;
    let guard = store.read();
    let view = guard.open_tree::<User>();
    let found = collect(view.prefix_by::<UserEmailSecondaryKey>("user1")?)?;
    assert_eq!(ids(found), [10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 1]);
    let none = collect(view.prefix_by::<UserEmailSecondaryKey>("user3")?)?;
    assert_eq!(ids(none), [3]);
    let city = UserCitySecondaryKey(Some("city 1".to_owned()));
    assert_eq!(collect(view.by::<UserCitySecondaryKey>(&city)?)?.len(), 8);
    Ok(())
}

fn limits_and_pages_follow_from_ranges<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = typed::open(fixture)?;
    store
        .open_tree::<User>()
        .put_many((0..100).map(|id| user(id * 3, 0)))?;
    let mut pages = Vec::new();
    let mut after = Bound::Unbounded;
    loop {
        let guard = store.read();
        let view = guard.open_tree::<User>();
        let page = collect(view.range((after, Bound::Unbounded))?.take(7))?;
        let Some(last) = page.last() else { break };
        after = Bound::Excluded(UserPrimaryKey(last.id));
        pages.extend(ids(page));
    }
    assert_eq!(pages, (0..100).map(|id| id * 3).collect::<Vec<_>>());
    Ok(())
}

fn many_records_stream_in_order<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    const COUNT: u64 = 3_000;
    let store = typed::open(fixture)?;
    let users = store.open_tree::<User>();
    users.put_many((0..COUNT).map(|id| user((id * 1_777) % COUNT, 0)))?;
    assert_eq!(users.len()? as u64, COUNT);
    let found = ids(collect(users.iter()?)?);
    assert!(found.iter().copied().eq(0..COUNT));
    let back = ids(collect(users.iter()?.rev())?);
    assert!(back.into_iter().rev().eq(0..COUNT));
    Ok(())
}
