//! What `#[derive(NetabaseValue)]` generates: the form that bincode's derives store, and what is recorded of it.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use bincode::config::standard;
use bincode::de::DecoderImpl;
use bincode::de::read::SliceReader;
use bincode::enc::EncoderImpl;
use bincode::enc::write::SliceWriter;
use bincode::error::EncodeError;
use netabase_store::NetabaseValue;
use netabase_store::driver::shape::{Types, ValueShape};

#[derive(NetabaseValue, bincode::Encode, bincode::Decode, Debug, PartialEq, Clone)]
struct Settings {
    theme: Theme,
    r#type: u16,
    sizes: Vec<(u8, u16)>,
    next: Option<Box<Settings>>,
}

#[derive(NetabaseValue, bincode::Encode, bincode::Decode, Debug, PartialEq, Clone)]
enum Theme {
    Light,
    Dark(u8, String),
    Rgb { r: u8, name: Arc<str> },
}

#[derive(NetabaseValue, bincode::Encode, bincode::Decode, Debug, PartialEq, Clone)]
struct Unit;

#[derive(NetabaseValue, bincode::Encode, bincode::Decode, Debug, PartialEq, Clone)]
struct Pair<A, B>(A, B);

/// A type with bincode's traits alone.
#[derive(bincode::Encode, bincode::Decode, Debug, PartialEq, Clone)]
struct Plain(u32);

#[derive(NetabaseValue, Debug, PartialEq, Clone)]
struct Mixed {
    plain: Option<Plain>,
    #[netabase(version = 3)]
    foreign: Plain,
    #[bincode(with_serde)]
    serde: String,
}

fn encoded<T: NetabaseValue>(value: &T) -> Vec<u8> {
    encoded_or_refused(value).unwrap()
}

fn encoded_or_refused<T: NetabaseValue>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut buffer = vec![0; 1 << 16];
    let mut encoder = EncoderImpl::new(SliceWriter::new(&mut buffer), standard());
    value.encode_value(&mut encoder)?;
    let length = encoder.into_writer().bytes_written();
    buffer.truncate(length);
    Ok(buffer)
}

fn decoded<T: NetabaseValue>(bytes: &[u8]) -> Result<T, bincode::error::DecodeError> {
    let mut decoder = DecoderImpl::new(
        SliceReader::new(bytes),
        standard().with_limit::<1_000_000>(),
        (),
    );
    T::decode_value(&mut decoder)
}

/// The value is stored as bincode's derives store it, and read back.
#[track_caller]
fn agrees<T>(value: &T)
where
    T: NetabaseValue + bincode::Encode + bincode::Decode<()> + PartialEq + std::fmt::Debug,
{
    let bytes = bincode::encode_to_vec(value, standard()).unwrap();
    assert_eq!(encoded(value), bytes, "{value:?}");
    assert_eq!(decoded::<T>(&bytes).unwrap(), *value);
    for shorter in 0..bytes.len() {
        assert!(
            decoded::<T>(&bytes[..shorter]).is_err(),
            "{value:?} cut to {shorter}"
        );
    }
}

fn settings() -> Settings {
    let inner = Settings {
        theme: Theme::Light,
        r#type: 300,
        sizes: Vec::new(),
        next: None,
    };
    Settings {
        theme: Theme::Rgb {
            r: 7,
            name: "red".into(),
        },
        r#type: 9,
        sizes: vec![(1, 2), (3, 70_00)],
        next: Some(Box::new(inner)),
    }
}

#[test]
fn values_are_stored_as_by_bincodes_derives() {
    agrees(&settings());
    agrees(&Theme::Dark(200, "night".into()));
    agrees(&Unit);
    agrees(&Pair(Some(-5i64), vec![Unit, Unit]));
    agrees(&Pair(Theme::Light, [1u8, 2, 3]));
}

#[test]
fn so_are_the_types_of_the_standard_library() {
    agrees(&(1u8, 2u16, 3u32, 4u64, 5u128, 6usize));
    agrees(&(-1i8, -2i16, -300i32, i64::MIN, i128::MAX, -6isize));
    agrees(&(1.5f32, -2.25f64, true, 'é', String::from("text")));
    agrees(&vec![0u8, 1, 255]);
    agrees(&vec![String::new(), "a".into()]);
    agrees(&VecDeque::from([1u16, 2]));
    agrees(&BTreeSet::from([1u8, 2, 9]));
    agrees(&BTreeMap::from([
        ("a".to_owned(), vec![1u32]),
        ("b".to_owned(), vec![]),
    ]));
    agrees(&HashMap::from([(1u8, 2u64)]));
    agrees(&Some(Some(1u8)));
    agrees(&None::<String>);
    agrees(&Ok::<u8, String>(1));
    agrees(&Err::<u8, String>("no".into()));
    agrees(&(Rc::new(1u8), Arc::new(2u64), Box::new(3i32)));
    agrees(&[[1u16; 3]; 2]);
    agrees(&std::time::Duration::from_millis(1500));
    agrees(&std::net::Ipv4Addr::LOCALHOST);
    agrees(&std::net::IpAddr::from([0u16; 8]));
    agrees(&(1u8..9));
    agrees(&std::num::NonZeroU32::MIN);
    agrees(&());
}

fn shape<T: NetabaseValue>() -> (String, Vec<String>) {
    let mut types = Types::default();
    let shape = T::describe(&mut types).to_string();
    (shape, types.all().iter().map(ToString::to_string).collect())
}

#[test]
fn what_is_recorded_names_fields_and_variants_and_each_type_once() {
    let (shape, types) = shape::<Pair<Settings, Vec<Settings>>>();
    assert_eq!(shape, "@0");
    assert_eq!(
        types,
        [
            "struct Pair(@1,list<@1>)",
            "struct Settings{theme:@2,type:u16,sizes:list<(u8,u16)>,next:option<@1>}",
            "enum Theme{Light,Dark(u8,str),Rgb{r:u8,name:str}}",
        ]
    );
    assert_eq!(self::shape::<Unit>().1, ["struct Unit"]);
}

#[test]
fn a_type_without_a_description_is_recorded_as_it_is_written_or_by_its_version() {
    let (_, types) = shape::<Mixed>();
    assert_eq!(
        types,
        ["struct Mixed{plain:opaque<Option<Plain>>,foreign:foreign<Plain 3>,serde:opaque<String>}"]
    );
    let mixed = Mixed {
        plain: Some(Plain(1)),
        foreign: Plain(2),
        serde: "text".into(),
    };
    let bytes = encoded(&mixed);
    assert_eq!(bytes, [1, 1, 2, 4, b't', b'e', b'x', b't']);
    assert_eq!(decoded::<Mixed>(&bytes).unwrap(), mixed);
}

/// Two spellings of one type.
type Identity = u64;

#[test]
fn aliases_and_wrappers_do_not_matter() {
    assert_eq!(shape::<Vec<Identity>>(), shape::<Box<[usize]>>());
    assert_eq!(shape::<Vec<u8>>().0, "bytes");
    assert_eq!(shape::<[u8; 4]>().0, "[u8;4]");
    assert_eq!(
        ValueShape::parse("list<u64>").unwrap().to_string(),
        shape::<VecDeque<u64>>().0
    );
}

#[test]
fn a_length_in_damaged_bytes_claims_no_more_memory_than_allowed() {
    // 2^40 items, of one byte, of none and of many.
    let length = [253, 0, 0, 0, 0, 0, 1, 0, 0];
    assert!(decoded::<Vec<u8>>(&length).is_err());
    assert!(decoded::<Vec<()>>(&length).is_err());
    assert!(decoded::<Vec<[u8; 0]>>(&length).is_err());
    assert!(decoded::<Vec<Settings>>(&length).is_err());
    assert!(decoded::<HashMap<u8, String>>(&length).is_err());
}

/// A type of serde's, whose form bincode can read back.
#[derive(serde::Serialize, serde::Deserialize, Debug, PartialEq, Clone)]
enum Whole {
    Unit,
    New(u16),
    Pair(u8, Option<String>),
    Named {
        map: BTreeMap<String, i64>,
        list: Vec<char>,
    },
}

/// Others whose form it cannot.
#[derive(serde::Serialize, serde::Deserialize, Debug, PartialEq, Clone)]
struct Sparse {
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<u8>,
    count: u8,
}

#[derive(serde::Serialize, serde::Deserialize, Debug, PartialEq, Clone)]
#[serde(tag = "kind")]
enum Inside {
    Of { size: u8 },
}

#[derive(serde::Serialize, serde::Deserialize, Debug, PartialEq, Clone)]
#[serde(untagged)]
enum Untagged {
    Small(u8),
}

/// A tuple struct, of which serde leaves fields out without a word.
#[derive(serde::Serialize, serde::Deserialize, Debug, PartialEq, Clone)]
struct Short(
    u8,
    #[serde(skip_serializing_if = "Option::is_none")] Option<u8>,
);

#[derive(NetabaseValue, Debug, PartialEq, Clone)]
struct OfWhole {
    #[bincode(with_serde)]
    r#type: Vec<Whole>,
    after: u8,
}

#[derive(NetabaseValue, Debug, PartialEq, Clone)]
struct OfSparse {
    #[bincode(with_serde)]
    r#type: Vec<Option<Sparse>>,
    after: u8,
}

#[derive(NetabaseValue, Debug, PartialEq, Clone)]
enum OfOthers {
    Tagged(#[bincode(with_serde)] Inside),
    Untagged {
        #[bincode(with_serde)]
        inner: Untagged,
    },
    Short(#[bincode(with_serde)] Short),
}

#[test]
fn what_serde_writes_and_reads_is_stored_as_by_bincodes_derives() {
    let value = OfWhole {
        r#type: vec![
            Whole::Unit,
            Whole::New(300),
            Whole::Pair(1, Some("a".into())),
            Whole::Pair(2, None),
            Whole::Named {
                map: BTreeMap::from([("b".into(), -1)]),
                list: vec!['c'],
            },
        ],
        after: 9,
    };
    let mut expected = bincode::serde::encode_to_vec(&value.r#type, standard()).unwrap();
    expected.push(9);
    assert_eq!(encoded(&value), expected);
    assert_eq!(decoded::<OfWhole>(&expected).unwrap(), value);
}

#[test]
fn what_serde_leaves_out_is_refused_with_the_name_of_the_field() {
    let of = |note| OfSparse {
        r#type: vec![None, Some(Sparse { note, count: 1 })],
        after: 7,
    };
    let whole = of(Some(5));
    assert_eq!(decoded::<OfSparse>(&encoded(&whole)).unwrap(), whole);
    let error = encoded_or_refused(&of(None)).unwrap_err().to_string();
    assert!(
        error.contains("field `type`: serde leaves `note` out"),
        "{error}"
    );
}

#[test]
fn what_serde_cannot_read_back_is_refused_with_the_name_of_the_field() {
    for (value, field) in [
        (OfOthers::Tagged(Inside::Of { size: 1 }), "0"),
        (
            OfOthers::Untagged {
                inner: Untagged::Small(1),
            },
            "inner",
        ),
        (OfOthers::Short(Short(1, None)), "0"),
    ] {
        let error = encoded_or_refused(&value).unwrap_err().to_string();
        assert!(
            error.contains(&format!("field `{field}`: what serde writes of"))
                && error.contains("cannot be read back"),
            "{error}"
        );
    }
    let whole = OfOthers::Short(Short(1, Some(2)));
    assert_eq!(decoded::<OfOthers>(&encoded(&whole)).unwrap(), whole);
}

#[test]
fn the_bytes_of_derived_types_stand_here() {
    let none: Vec<Theme> = Vec::new();
    assert_eq!(encoded(&none), [0]);
    assert_eq!(encoded(&Unit), []);
    assert_eq!(encoded(&Theme::Light), [0]);
    assert_eq!(
        encoded(&Theme::Dark(200, "dim".into())),
        [1, 200, 3, b'd', b'i', b'm']
    );
    let red = Theme::Rgb {
        r: 255,
        name: "r".into(),
    };
    assert_eq!(encoded(&red), [2, 255, 1, b'r']);
    assert_eq!(encoded(&Pair(1u8, 300u16)), [1, 251, 44, 1]);
    let inner = Settings {
        theme: Theme::Light,
        r#type: 300,
        sizes: vec![(1, 2)],
        next: None,
    };
    let outer = Settings {
        next: Some(Box::new(inner.clone())),
        ..inner
    };
    let bytes = [0, 251, 44, 1, 1, 1, 2];
    assert_eq!(
        encoded(&outer),
        [&bytes[..], &[1], &bytes[..], &[0]].concat()
    );
}
