//! Key decoding: any bytes are a key of a type or an error, and a key is stored in one way only.
#![no_main]

use std::time::SystemTime;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use libfuzzer_sys::fuzz_target;
use netabase_core::codec::key::{Key, decode, encode};
use netabase_store::NetabaseKey;
use uuid::Uuid;

#[derive(NetabaseKey, Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Label(String);

#[derive(NetabaseKey, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Low = -3,
    Middle,
    High = 700,
}

/// Splits the bytes into two keys where it can, and shows that they sort as their encodings do.
fn check<K: Key>(bytes: &[u8]) {
    let mut rest = bytes;
    let decoded = K::decode_key(&mut rest);
    let mut skipped = bytes;
    let skip = K::skip_key(&mut skipped);
    let Ok(first) = decoded else { return };
    // Skipping may be laxer than decoding, and is never longer or shorter.
    assert!(skip.is_ok(), "decodes and cannot be skipped");
    assert_eq!(skipped.len(), rest.len(), "skips what it does not decode");
    let taken = &bytes[..bytes.len() - rest.len()];
    assert_eq!(encode(&first), taken, "two encodings of one key");
    assert!(decode::<K>(taken).is_ok_and(|again| again == first));
    if let Ok(second) = decode::<K>(rest) {
        assert_eq!(first.cmp(&second), taken.cmp(rest), "the order differs");
    }
}

macro_rules! checks {
    ($($key:ty),* $(,)?) => {
        const CHECKS: &[fn(&[u8])] = &[$(check::<$key>),*];
    };
}

checks!(
    u8,
    u16,
    u32,
    u64,
    u128,
    i8,
    i16,
    i32,
    i64,
    i128,
    bool,
    char,
    String,
    Vec<u8>,
    Label,
    Level,
    Uuid,
    SystemTime,
    NaiveDate,
    NaiveDateTime,
    DateTime<Utc>,
    Option<u64>,
    Option<String>,
    Option<Option<Vec<u8>>>,
    [u8; 4],
    [String; 2],
    (String, String),
    (i32, Option<String>, bool),
    (Vec<u8>, u8, Label, Level),
    ((char, String), [Option<i16>; 2]),
);

fuzz_target!(|input: &[u8]| {
    if let Some((&which, bytes)) = input.split_first() {
        CHECKS[usize::from(which) % CHECKS.len()](bytes);
    }
});
