//! Types with `#[derive(NetabaseKey)]` keep the laws of keys.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use netabase_core::codec::key::{Key, decode, encode};
use netabase_store::NetabaseKey;

#[derive(NetabaseKey, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Slug(String);

#[derive(NetabaseKey, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u8, Option<u16>);

#[derive(NetabaseKey, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Release {
    package: Slug,
    version: Version,
    r#type: Level,
}

/// The order of the discriminants is not that of the variants.
#[derive(NetabaseKey, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i16)]
enum Level {
    High = 300,
    Low = -5,
    Middle = 1 << 3,
}

#[derive(NetabaseKey, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Color {
    Red,
    Green,
    r#Blue,
}

fn assert_laws<K: Key + std::fmt::Debug>(values: &[K]) {
    for left in values {
        assert_eq!(&decode::<K>(&encode(left)).unwrap(), left);
        let mut input = encode(left);
        input.push(7);
        let mut rest = input.as_slice();
        K::skip_key(&mut rest).unwrap();
        assert_eq!(rest, [7]);
        for right in values {
            assert_eq!(
                encode(left).cmp(&encode(right)),
                left.cmp(right),
                "{left:?} against {right:?}"
            );
        }
    }
}

fn releases() -> Vec<Release> {
    let mut releases = Vec::new();
    for package in ["", "a", "a\0", "b"] {
        for version in [Version(1, None), Version(1, Some(0)), Version(2, Some(300))] {
            for r#type in [Level::High, Level::Low, Level::Middle] {
                releases.push(Release {
                    package: Slug(package.to_owned()),
                    version: version.clone(),
                    r#type,
                });
            }
        }
    }
    releases
}

#[test]
fn structs_sort_field_after_field() {
    assert_laws(&releases());
}

#[test]
fn enums_sort_as_their_derived_order_does() {
    assert!(Level::Low < Level::Middle && Level::Middle < Level::High);
    assert_laws(&[Level::High, Level::Low, Level::Middle]);
    assert_laws(&[Color::Red, Color::Green, Color::Blue]);
}

#[test]
fn an_unknown_discriminant_is_an_error() {
    assert!(decode::<Level>(&encode(&9i64)).is_err());
    assert_eq!(decode::<Level>(&encode(&8i64)), Ok(Level::Middle));
}

#[test]
fn shapes_tell_what_is_encoded() {
    assert_eq!(Slug::SHAPE.to_string(), "str");
    assert_eq!(Version::SHAPE.to_string(), "(u8,option<u16>)");
    assert_eq!(Level::SHAPE.to_string(), "enum{High=300,Low=-5,Middle=8}");
    assert_eq!(Color::SHAPE.to_string(), "enum{Red=0,Green=1,Blue=2}");
    assert_eq!(
        Release::SHAPE.to_string(),
        "(str,(u8,option<u16>),enum{High=300,Low=-5,Middle=8})"
    );
}
