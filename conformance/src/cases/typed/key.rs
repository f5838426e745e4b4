//! Keys of every type: iteration, ranges and lookups agree with `Ord`.

use std::fmt::Debug;
use std::ops::Bound;
use std::time::SystemTime;

use netabase_core::driver::{Driver, Durability};
use netabase_core::error::NetabaseError;
use netabase_core::model::{NetabaseModelTrait, SecondaryKey};
use netabase_core::store::TypedStore;
use proptest::arbitrary::{Arbitrary, any};
use proptest::collection::vec;
use proptest::prelude::prop_oneof;
use proptest::sample::select;
use proptest::strategy::{BoxedStrategy, Just, Strategy};
use proptest::test_runner::{TestCaseError, TestRunner};

use crate::case::{Case, CaseResult, case};
use crate::fixture::Fixture;
use crate::model::keyring::Keyring;
use crate::model::keyring::{self, Color, Name};

/// Lists a case for each model of the [`keyring`], and writes it: the type of its key, and how keys are made up.
macro_rules! key_cases {
    ($($case:ident: $model:ident($key:ty), $secondary:ident, $keys:expr;)*) => {
        pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
            vec![$(case!($case)),*]
        }

        $(fn $case<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
            agrees_with_ord::<D, keyring::$model, keyring::$secondary, $key>(fixture, $keys)
        })*
    };
}

key_cases! {
    u8_keys_agree_with_ord: U8(u8), U8SameSecondaryKey, any::<u8>();
    u16_keys_agree_with_ord: U16(u16), U16SameSecondaryKey, edges([0, 1, 255, 256, u16::MAX]);
    u32_keys_agree_with_ord: U32(u32), U32SameSecondaryKey, edges([0, 1, 255, 256, 65_536, u32::MAX]);
    u64_keys_agree_with_ord: U64(u64), U64SameSecondaryKey, edges([0, 1, 300, 512, 70_000, u64::MAX]);
    u128_keys_agree_with_ord: U128(u128), U128SameSecondaryKey, edges([0, 1, 256, u128::MAX]);
    usize_keys_agree_with_ord: Usize(usize), UsizeSameSecondaryKey, edges([0, 1, 256]);
    i8_keys_agree_with_ord: I8(i8), I8SameSecondaryKey, any::<i8>();
    i16_keys_agree_with_ord: I16(i16), I16SameSecondaryKey, edges([0, 1, -1, i16::MIN, i16::MAX]);
    i32_keys_agree_with_ord: I32(i32), I32SameSecondaryKey, edges([0, 1, -1, -256, i32::MIN, i32::MAX]);
    i64_keys_agree_with_ord: I64(i64), I64SameSecondaryKey, edges([0, 1, -1, i64::MIN, i64::MAX]);
    i128_keys_agree_with_ord: I128(i128), I128SameSecondaryKey, edges([0, 1, -1, i128::MIN, i128::MAX]);
    isize_keys_agree_with_ord: Isize(isize), IsizeSameSecondaryKey, edges([0, 1, -1, isize::MIN, isize::MAX]);
    bool_keys_agree_with_ord: Bool(bool), BoolSameSecondaryKey, any::<bool>();
    char_keys_agree_with_ord: Char(char), CharSameSecondaryKey, edges(['\0', 'a', 'ß', '\u{d7ff}', '\u{e000}', '\u{10ffff}']);
    string_keys_agree_with_ord: Text(String), TextSameSecondaryKey, text();
    byte_keys_agree_with_ord: Bytes(Vec<u8>), BytesSameSecondaryKey, bytes();
    optional_number_keys_agree_with_ord: OptionalNumber(Option<i32>), OptionalNumberSameSecondaryKey, any::<Option<i32>>();
    optional_string_keys_agree_with_ord: OptionalText(Option<String>), OptionalTextSameSecondaryKey, proptest::option::of(text());
    nested_optional_keys_agree_with_ord: Nested(Option<Option<bool>>), NestedSameSecondaryKey, any::<Option<Option<bool>>>();
    tuple_keys_agree_with_ord: Pair((String, String)), PairSameSecondaryKey, (text(), text());
    mixed_tuple_keys_agree_with_ord: Triple((Vec<u8>, i16, Option<String>)), TripleSameSecondaryKey, (bytes(), any::<i16>(), proptest::option::of(text()));
    array_keys_agree_with_ord: Numbers([i16; 3]), NumbersSameSecondaryKey, any::<[i16; 3]>();
    byte_array_keys_agree_with_ord: Digest([u8; 16]), DigestSameSecondaryKey, any::<[u8; 16]>();
    enumerated_keys_agree_with_ord: Enumerated(Color), EnumeratedSameSecondaryKey, select(vec![Color::Red, Color::Green, Color::Blue]);
    struct_keys_agree_with_ord: Named(Name), NamedSameSecondaryKey, (text(), any::<i8>()).prop_map(|(text, part)| Name { text, part });
    time_keys_agree_with_ord: Timed(SystemTime), TimedSameSecondaryKey, time();
}

/// Mostly any value, often one of the edges.
fn edges<T: Arbitrary + Clone + Debug + 'static, const N: usize>(
    edges: [T; N],
) -> BoxedStrategy<T> {
    prop_oneof![2 => any::<T>(), 1 => select(edges.to_vec())].boxed()
}

/// Strings that begin alike, end in zeros, or are anything.
fn text() -> BoxedStrategy<String> {
    let alike = vec(
        select(vec!['\0', '\u{1}', 'a', 'b', '\u{7f}', 'ÿ', '\u{10ffff}']),
        0..4,
    )
    .prop_map(String::from_iter);
    prop_oneof![3 => alike, 1 => any::<String>()].boxed()
}

fn bytes() -> BoxedStrategy<Vec<u8>> {
    let alike = vec(select(vec![0x00, 0x01, 0x7f, 0xfe, 0xff]), 0..4);
    prop_oneof![3 => alike, 1 => vec(any::<u8>(), 0..40)].boxed()
}

/// Times since 1970: others cannot be stored as values.
fn time() -> BoxedStrategy<SystemTime> {
    let seconds = prop_oneof![Just(0u64), 0..4u64, 0..20_000_000_000u64];
    let nanoseconds = prop_oneof![Just(0u32), Just(999_999_999u32), 0..1_000_000_000u32];
    (seconds, nanoseconds)
        .prop_map(|(seconds, nanoseconds)| {
            SystemTime::UNIX_EPOCH + std::time::Duration::new(seconds, nanoseconds)
        })
        .boxed()
}

fn differ(what: &str) -> TestCaseError {
    TestCaseError::fail(format!("{what} disagrees with `Ord`"))
}

fn fail(error: NetabaseError) -> TestCaseError {
    TestCaseError::fail(format!("{error:?}"))
}

/// Stores records under arbitrary keys, as primary and as secondary key, and compares what comes back with the sorted
/// keys.
fn agrees_with_ord<D, M, K, T>(fixture: &Fixture<D>, keys: impl Strategy<Value = T>) -> CaseResult
where
    D: Driver,
    T: Ord + Clone + Debug + 'static,
    M: NetabaseModelTrait<Keyring> + From<T> + Into<T> + Debug,
    M::PrimaryKey: From<T>,
    K: SecondaryKey<Model = M> + From<T>,
{
    let store =
        TypedStore::<Keyring, D>::open_with(fixture.driver(), &fixture.config(), Durability::None)?;
    let records = store.open_tree::<M>();
    let strategy = (vec(keys, 1..40), proptest::bits::u8::ANY);
    let mut runner = TestRunner::new(crate::sequence::config(24));
    runner.run(&strategy, |(keys, choice)| {
        let mut sorted = keys.clone();
        sorted.sort();
        sorted.dedup();
        records.clear().map_err(fail)?;
        records
            .put_many(keys.iter().cloned().map(M::from))
            .map_err(fail)?;
        let guard = store.read();
        let view = guard.open_tree::<M>();
        let of = |items: Vec<Result<(M::PrimaryKey, M), NetabaseError>>| {
            items
                .into_iter()
                .map(|item| item.map(|(_, record)| record.into()).map_err(fail))
                .collect::<Result<Vec<T>, _>>()
        };
        if of(view.iter().map_err(fail)?.collect())? != sorted {
            return Err(differ("iteration"));
        }
        let mut reversed = sorted.clone();
        reversed.reverse();
        if of(view.iter().map_err(fail)?.rev().collect())? != reversed {
            return Err(differ("iteration backward"));
        }
        if of(view.range_by::<K>(..).map_err(fail)?.collect())? != sorted {
            return Err(differ("iteration of the index"));
        }
        for key in &keys {
            let found = view.get(M::PrimaryKey::from(key.clone())).map_err(fail)?;
            if found.map(M::into).as_ref() != Some(key) {
                return Err(differ("a lookup"));
            }
            let found = view.by(K::from(key.clone())).map_err(fail)?.collect();
            if of(found)? != [key.clone()] {
                return Err(differ("a lookup in the index"));
            }
        }
        // Two of the keys, in either order, bound a range with each kind of bound.
        let pick = |choice: u8| keys[usize::from(choice) % keys.len()].clone();
        let (low, high) = (pick(choice & 15), pick(choice >> 4));
        for (lower, upper) in [
            (Bound::Included(&low), Bound::Included(&high)),
            (Bound::Included(&low), Bound::Excluded(&high)),
            (Bound::Excluded(&low), Bound::Included(&high)),
            (Bound::Excluded(&low), Bound::Unbounded),
            (Bound::Unbounded, Bound::Included(&high)),
        ] {
            let above = |key: &T| match lower {
                Bound::Included(low) => key >= low,
                Bound::Excluded(low) => key > low,
                Bound::Unbounded => true,
            };
            let below = |key: &T| match upper {
                Bound::Included(high) => key <= high,
                Bound::Excluded(high) => key < high,
                Bound::Unbounded => true,
            };
            let mut expected = sorted.clone();
            expected.retain(|key| above(key) && below(key));
            let primary = (
                lower.cloned().map(M::PrimaryKey::from),
                upper.cloned().map(M::PrimaryKey::from),
            );
            if of(view.range(primary).map_err(fail)?.collect())? != expected {
                return Err(differ("a range"));
            }
            let secondary = (lower.cloned().map(K::from), upper.cloned().map(K::from));
            if of(view.range_by::<K>(secondary).map_err(fail)?.collect())? != expected {
                return Err(differ("a range of the index"));
            }
        }
        Ok(())
    })?;
    Ok(())
}
