//! The bytes of stored values: constants, the same on every target.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Debug;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::num::{NonZeroI16, NonZeroU32};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use bincode::config::standard;
use bincode::de::DecoderImpl;
use bincode::de::read::SliceReader;
use bincode::enc::EncoderImpl;
use bincode::enc::write::SliceWriter;
use netabase_core::codec::netabase_value::NetabaseValue;

/// The value is stored as these bytes, and read back from them.
#[track_caller]
fn stored<T: NetabaseValue + PartialEq + Debug>(value: T, expected: &[u8]) {
    let mut buffer = [0; 64];
    let mut encoder = EncoderImpl::new(SliceWriter::new(&mut buffer), standard());
    value.encode_value(&mut encoder).unwrap();
    let length = encoder.into_writer().bytes_written();
    assert_eq!(&buffer[..length], expected, "{value:?}");
    let mut decoder = DecoderImpl::new(
        SliceReader::new(expected),
        standard().with_limit::<4096>(),
        (),
    );
    assert_eq!(T::decode_value(&mut decoder).unwrap(), value);
}

/// Integers: one byte below 251, and else a mark and the bytes of the smallest width, little-endian; signed ones in zigzag.
pub(super) fn integers() {
    stored(0u8, &[0]);
    stored(255u8, &[255]);
    stored(-1i8, &[255]);
    stored(250u16, &[250]);
    stored(251u16, &[251, 251, 0]);
    stored(0x1234u16, &[251, 0x34, 0x12]);
    stored(-1i16, &[1]);
    stored(i16::MIN, &[251, 255, 255]);
    stored(250u32, &[250]);
    stored(0x1234_5678u32, &[252, 0x78, 0x56, 0x34, 0x12]);
    stored(-126i32, &[251, 251, 0]);
    stored(1u64 << 32, &[253, 0, 0, 0, 0, 1, 0, 0, 0]);
    stored(2i64, &[4]);
    stored(i64::MIN, &[253, 255, 255, 255, 255, 255, 255, 255, 255]);
    stored(
        1u128 << 64,
        &[254, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
    );
    stored(
        i128::MIN,
        &[
            254, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        ],
    );
    stored(7usize, &[7]);
    stored(0x1234_5678usize, &[252, 0x78, 0x56, 0x34, 0x12]);
    stored(-7isize, &[13]);
    stored(NonZeroU32::new(300).unwrap(), &[251, 44, 1]);
    stored(NonZeroI16::new(-2).unwrap(), &[3]);
}

/// Floating-point numbers, flags and characters.
pub(super) fn plain() {
    stored(1.5f32, &[0, 0, 0xC0, 0x3F]);
    stored(-2.25f64, &[0, 0, 0, 0, 0, 0, 2, 0xC0]);
    stored(f64::INFINITY, &[0, 0, 0, 0, 0, 0, 0xF0, 0x7F]);
    stored(false, &[0]);
    stored(true, &[1]);
    stored('a', &[0x61]);
    stored('é', &[0xC3, 0xA9]);
    stored('€', &[0xE2, 0x82, 0xAC]);
    stored('😀', &[0xF0, 0x9F, 0x98, 0x80]);
    stored((), &[]);
    stored(String::new(), &[0]);
    stored("hé".to_owned(), &[3, 0x68, 0xC3, 0xA9]);
}

/// What holds other values.
pub(super) fn containers() {
    stored(Vec::<u8>::new(), &[0]);
    stored(Vec::<String>::new(), &[0]);
    stored(vec![1u8, 255], &[2, 1, 255]);
    stored(vec![300u16, 1], &[2, 251, 44, 1, 1]);
    stored(VecDeque::from([1u16, 2]), &[2, 1, 2]);
    stored(BTreeSet::from([9u8, 1]), &[2, 1, 9]);
    stored(
        BTreeMap::from([(2u8, String::new()), (1, "a".to_owned())]),
        &[2, 1, 1, 0x61, 2, 0],
    );
    stored([1u8, 2, 255], &[1, 2, 255]);
    stored([300u16, 2], &[251, 44, 1, 2]);
    stored((1u8, -1i32, true), &[1, 1, 1]);
    stored(Box::new(5u8), &[5]);
    stored(None::<u64>, &[0]);
    stored(Some(Some(300u64)), &[1, 1, 251, 44, 1]);
    stored(Ok::<u8, String>(7), &[0, 7]);
    stored(Err::<u8, String>("n".to_owned()), &[1, 1, 0x6E]);
    stored(1u8..9, &[1, 9]);
    stored(Duration::new(300, 5), &[251, 44, 1, 5]);
    stored(
        SystemTime::UNIX_EPOCH + Duration::new(1, 2_000),
        &[1, 251, 0xD0, 7],
    );
    stored(Ipv4Addr::new(127, 0, 0, 1), &[127, 0, 0, 1]);
    stored(IpAddr::from([1, 2, 3, 4]), &[0, 1, 2, 3, 4]);
    stored(SocketAddr::from(([1, 2, 3, 4], 80)), &[0, 1, 2, 3, 4, 80]);
    let v6 = [&[1][..], &[0; 15], &[1, 80]].concat();
    stored(SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 80)), &v6);
    stored(PathBuf::from("a/b"), &[3, 0x61, 0x2F, 0x62]);
    // bincode leaves the scope out, and another address would be read back.
    let scoped = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 0, 7);
    let mut buffer = [0; 64];
    let mut encoder = EncoderImpl::new(SliceWriter::new(&mut buffer), standard());
    assert!(scoped.encode_value(&mut encoder).is_err());
    assert!(SocketAddr::V6(scoped).encode_value(&mut encoder).is_err());
}
