//! Bounds in every form, and prefixes that end in 0xFF.

use std::collections::BTreeSet;
use std::ops::Bound::{self, Excluded, Included, Unbounded};

use netabase_core::driver::{Bounds, Direction, Driver, Read, prefix_end};

use super::{commit_keys, keys};
use crate::case::{Case, CaseResult, case};
use crate::fixture::Fixture;

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(every_pair_of_bounds_selects_what_lies_between),
        case!(an_included_upper_bound_is_part_of_the_range),
        case!(an_excluded_lower_bound_is_left_out),
        case!(empty_and_inverted_bounds_select_nothing),
        case!(bounds_need_not_be_keys),
        case!(bounds_on_an_empty_tree_select_nothing),
        case!(a_prefix_selects_what_begins_with_it),
        case!(a_prefix_of_0xff_reaches_to_the_end),
        case!(empty_byte_strings_bound_nothing_away),
    ]
}

const DIRECTIONS: [Direction; 2] = [Direction::Forward, Direction::Backward];

/// Keys that are near each other in every way that matters: prefixes, 0x00 and 0xFF tails.
const KEYS: [&[u8]; 10] = [
    b"\0",
    b"a",
    b"a\0",
    b"a\xff",
    b"a\xff\xff",
    b"b",
    b"ba",
    b"\xfe\xff",
    b"\xff",
    b"\xff\xff",
];

/// The keys that `bounds` and `direction` select out of [`KEYS`], by the definition.
fn expected(bounds: Bounds<'_>, direction: Direction) -> Vec<&'static [u8]> {
    let mut selected: Vec<_> = KEYS
        .into_iter()
        .filter(|key| bounds.contains(key))
        .collect();
    if direction == Direction::Backward {
        selected.reverse();
    }
    selected
}

fn check<D: Driver>(fixture: &Fixture<D>, all: &[Bounds<'_>]) -> CaseResult {
    let store = fixture.open()?;
    commit_keys(&store, "t", &KEYS)?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    for &bounds in all {
        for direction in DIRECTIONS {
            assert_eq!(
                keys(&reader, tree, bounds, direction)?,
                expected(bounds, direction),
                "{bounds:?} {direction:?}"
            );
        }
    }
    Ok(())
}

fn every_pair_of_bounds_selects_what_lies_between<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let ends: BTreeSet<&[u8]> = KEYS
        .into_iter()
        .chain([&b"a\x01"[..], b"aa", b"c"])
        .collect();
    let one_side: Vec<Bound<&[u8]>> = ends
        .into_iter()
        .flat_map(|end| [Included(end), Excluded(end)])
        .chain([Unbounded])
        .collect();
    let all: Vec<_> = one_side
        .iter()
        .flat_map(|&lower| one_side.iter().map(move |&upper| Bounds { lower, upper }))
        .collect();
    check(fixture, &all)
}

fn an_included_upper_bound_is_part_of_the_range<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_keys(&store, "t", &KEYS)?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    let bounds = Bounds {
        lower: Unbounded,
        upper: Included(b"a"),
    };
    for direction in DIRECTIONS {
        let mut found = keys(&reader, tree, bounds, direction)?;
        found.sort();
        assert_eq!(found, [&b"\0"[..], b"a"]);
    }
    Ok(())
}

fn an_excluded_lower_bound_is_left_out<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_keys(&store, "t", &KEYS)?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    let bounds = Bounds {
        lower: Excluded(b"\xfe\xff"),
        upper: Unbounded,
    };
    for direction in DIRECTIONS {
        let mut found = keys(&reader, tree, bounds, direction)?;
        found.sort();
        assert_eq!(found, [&b"\xff"[..], b"\xff\xff"]);
    }
    Ok(())
}

fn empty_and_inverted_bounds_select_nothing<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_keys(&store, "t", &KEYS)?;
    let reader = store.begin_read()?;
    let writer = store.begin_write()?;
    let (in_reader, in_writer) = (reader.tree("t")?, writer.tree("t")?);
    type Side = Bound<&'static [u8]>;
    let nothing: [(Side, Side); 7] = [
        (Included(b"a"), Excluded(b"a")),
        (Excluded(b"a"), Included(b"a")),
        (Excluded(b"a"), Excluded(b"a")),
        (Included(b"b"), Included(b"a")),
        (Excluded(b"b"), Excluded(b"a")),
        (Excluded(b"a"), Excluded(b"a\0")),
        (Included(b"\xff"), Included(b"")),
    ];
    for (lower, upper) in nothing {
        let bounds = Bounds { lower, upper };
        for direction in DIRECTIONS {
            assert_eq!(
                keys(&reader, in_reader, bounds, direction)?.len(),
                0,
                "{bounds:?}"
            );
            assert_eq!(
                keys(&writer, in_writer, bounds, direction)?.len(),
                0,
                "{bounds:?}"
            );
        }
    }
    Ok(())
}

fn bounds_need_not_be_keys<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let ends: [&[u8]; 5] = [b"", b"a\x7f", b"aaaa", b"zz", b"\xff\xff\xff\xff"];
    let all: Vec<_> = ends
        .iter()
        .flat_map(|lower| {
            ends.iter().map(|upper| Bounds {
                lower: Included(*lower),
                upper: Excluded(*upper),
            })
        })
        .collect();
    check(fixture, &all)
}

fn bounds_on_an_empty_tree_select_nothing<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let reader = store.begin_read()?;
    let tree = reader.tree("never written to")?;
    for direction in DIRECTIONS {
        for lower in [Unbounded, Included(&b"a"[..]), Excluded(b"a")] {
            for upper in [Unbounded, Included(&b"b"[..]), Excluded(b"b")] {
                let found = keys(&reader, tree, Bounds { lower, upper }, direction)?;
                assert_eq!(found.len(), 0);
            }
        }
    }
    Ok(())
}

fn a_prefix_selects_what_begins_with_it<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    commit_keys(&store, "t", &KEYS)?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    let prefixes: [&[u8]; 7] = [b"a", b"a\xff", b"b", b"\0", b"\xfe", b"\xff", b"c"];
    for prefix in prefixes {
        let end = prefix_end(prefix.to_vec());
        let bounds = Bounds {
            lower: Included(prefix),
            upper: end.as_deref().map_or(Unbounded, Excluded),
        };
        let selected: Vec<_> = KEYS
            .into_iter()
            .filter(|key| key.starts_with(prefix))
            .collect();
        let found = keys(&reader, tree, bounds, Direction::Forward)?;
        assert_eq!(found, selected, "prefix {prefix:?}");
        let mut found = keys(&reader, tree, bounds, Direction::Backward)?;
        found.reverse();
        assert_eq!(found, selected, "prefix {prefix:?}, backward");
    }
    Ok(())
}

fn a_prefix_of_0xff_reaches_to_the_end<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let store = fixture.open()?;
    let long = [0xff; 64];
    let written: [&[u8]; 4] = [b"\xfe\xff\xff", b"\xff", b"\xff\xff", &long];
    commit_keys(&store, "t", &written)?;
    let reader = store.begin_read()?;
    let tree = reader.tree("t")?;
    assert_eq!(prefix_end(vec![0xff, 0xff]), None);
    let bounds = Bounds {
        lower: Included(b"\xff\xff"),
        upper: Unbounded,
    };
    let selected: [&[u8]; 2] = [b"\xff\xff", &long];
    assert_eq!(keys(&reader, tree, bounds, Direction::Forward)?, selected);
    Ok(())
}

fn empty_byte_strings_bound_nothing_away<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let all = [Included(&b""[..]), Excluded(b"")].map(|lower| Bounds {
        lower,
        upper: Unbounded,
    });
    for bounds in all {
        assert_eq!(expected(bounds, Direction::Forward), KEYS);
    }
    check(fixture, &all)
}
