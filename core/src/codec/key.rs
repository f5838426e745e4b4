//! Keys: an encoding whose byte order is the order of the values, and which says by itself where a key ends.
//!
//! | type | encoding |
//! |---|---|
//! | `u8`…`u128`, `usize` (as `u64`) | big endian |
//! | `i8`…`i128`, `isize` (as `i64`) | big endian, sign bit flipped |
//! | `bool` | `0` or `1` |
//! | `char` | big endian `u32` |
//! | `String`, `str`, `Vec<u8>`, `[u8]` | the bytes, each `00` as `00 FF`, then `00 00` |
//! | `Option<T>` | `00`, or `01` and the value |
//! | tuples, arrays, composite keys | one after the other |
//! | field-less enums | the variant's discriminant as `i64` |
//! | `Uuid` | its 16 bytes |
//! | date-times | seconds as `i64`, then nanoseconds as `u32` |
//! | `Reverse<T>` | the complement of each byte of `T`'s |
//!
//! The escape of zero bytes follows the tuple layer of FoundationDB and the key encoding of CockroachDB, with a
//! two-byte terminator: it sorts below an escaped zero, and no type tag is needed to tell the two apart.

use std::cmp::Reverse;
use std::fmt;

use crate::error::{ErrorKind, NetabaseError};

/// Something that can be written as a key.
///
/// Apart from [`Key`] so that borrowed forms, such as `str`, can stand in for the owned ones.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be used in a key: it has no encoding that sorts as its values do",
    label = "not a key type",
    note = "keys are made of integers, `bool`, `char`, `String`, `Vec<u8>`, `Option`, tuples, arrays, `Uuid`, date-times, and types with `#[derive(NetabaseKey)]`",
    note = "floating-point numbers and maps do not order; store an integer (such as cents or microdegrees) instead"
)]
pub trait EncodeKey {
    /// Appends the encoding to `out`.
    fn encode_key(&self, out: &mut Vec<u8>);
}

/// A type that keys are made of.
///
/// # Contract
/// For any two values, comparing their encodings byte by byte gives the same result as [`Ord`]; no encoding is a
/// prefix of another one; and [`decode_key`](Self::decode_key) takes exactly what `encode_key` wrote.
///
/// # Examples
/// ```
/// use netabase_core::codec::key::{EncodeKey, Key, encode};
///
/// assert!(encode(&-1i32) < encode(&0i32));
/// assert!(encode(&("ab".to_owned(), 1u8)) < encode(&("abc".to_owned(), 0u8)));
/// let bytes = encode(&Some(300u64));
/// assert_eq!(Option::<u64>::decode_key(&mut bytes.as_slice()).unwrap(), Some(300));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be used in a key: it has no encoding that sorts as its values do",
    label = "not a key type",
    note = "keys are made of integers, `bool`, `char`, `String`, `Vec<u8>`, `Option`, tuples, arrays, `Uuid`, date-times, and types with `#[derive(NetabaseKey)]`",
    note = "floating-point numbers and maps do not order; store an integer (such as cents or microdegrees) instead"
)]
pub trait Key: EncodeKey + Ord + Clone + Sized {
    /// What the encoding looks like; recorded in the database and compared when it is opened.
    const SHAPE: KeyShape;

    /// Reads one value off the front of `input`.
    ///
    /// # Errors
    /// The bytes do not begin with an encoding of this type.
    fn decode_key(input: &mut &[u8]) -> Result<Self, KeyDecodeError>;

    /// Drops one value off the front of `input`, without building it.
    ///
    /// # Errors
    /// The bytes do not begin with an encoding of this type.
    fn skip_key(input: &mut &[u8]) -> Result<(), KeyDecodeError> {
        Self::decode_key(input).map(drop)
    }
}

/// The encoding of a key by itself, in a buffer of its own.
#[must_use]
pub fn encode<K: EncodeKey + ?Sized>(key: &K) -> Vec<u8> {
    let mut out = Vec::new();
    key.encode_key(&mut out);
    out
}

/// The key that `bytes` holds, all of them.
///
/// # Errors
/// The bytes are not an encoding of this type, or more than one.
pub fn decode<K: Key>(mut bytes: &[u8]) -> Result<K, KeyDecodeError> {
    let key = K::decode_key(&mut bytes)?;
    if bytes.is_empty() {
        Ok(key)
    } else {
        Err(KeyDecodeError::new("bytes are left over after the key"))
    }
}

/// What a key's encoding looks like.
///
/// Its [`Display`](fmt::Display) form is what the database records: `u64`, `str`, `(u64,str)`, `option<i32>`,
/// `[u8;4]`, `enum{Red=0,Green=1}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyShape {
    /// A type of this name, such as `str`.
    Plain(&'static str),
    /// A type of this name, such as `u64` or `uuid`, and the length in bytes that each of its encodings has.
    Fixed(&'static str, usize),
    /// An optional value.
    Option(&'static KeyShape),
    /// Values one after the other.
    Tuple(&'static [KeyShape]),
    /// So many values of one type.
    Array(&'static KeyShape, usize),
    /// A field-less enum: variants by name and discriminant.
    Enum(&'static [(&'static str, i64)]),
    /// The complement of a value, which sorts the other way round.
    Descending(&'static KeyShape),
}

impl KeyShape {
    /// The length in bytes that every encoding of this shape has; `None` if they differ.
    #[must_use]
    pub const fn width(&self) -> Option<usize> {
        match self {
            Self::Plain(_) | Self::Option(_) => None,
            Self::Fixed(_, width) => Some(*width),
            Self::Descending(inner) => inner.width(),
            Self::Array(inner, length) => match inner.width() {
                Some(width) => Some(width * *length),
                None => None,
            },
            Self::Tuple(parts) => {
                let (mut total, mut index) = (0, 0);
                while index < parts.len() {
                    match parts[index].width() {
                        Some(width) => total += width,
                        None => return None,
                    }
                    index += 1;
                }
                Some(total)
            }
            Self::Enum(_) => Some(size_of::<i64>()),
        }
    }
}

impl KeyShape {
    /// The length in bytes that no encoding of this shape falls short of.
    #[must_use]
    pub fn least_width(&self) -> usize {
        match self {
            Self::Plain(_) => TERMINATOR.len(),
            Self::Option(_) => 1,
            Self::Fixed(_, width) => *width,
            Self::Descending(inner) => inner.least_width(),
            Self::Array(inner, length) => inner.least_width().saturating_mul(*length),
            Self::Tuple(parts) => parts.iter().map(Self::least_width).sum(),
            Self::Enum(_) => size_of::<i64>(),
        }
    }
}

impl fmt::Display for KeyShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(name) | Self::Fixed(name, _) => f.write_str(name),
            Self::Option(inner) => write!(f, "option<{inner}>"),
            Self::Descending(inner) => write!(f, "desc<{inner}>"),
            Self::Array(inner, length) => write!(f, "[{inner};{length}]"),
            Self::Tuple(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    write!(f, "{}{part}", if index == 0 { "(" } else { "," })?;
                }
                f.write_str(")")
            }
            Self::Enum(variants) => {
                f.write_str("enum{")?;
                for (index, (name, discriminant)) in variants.iter().enumerate() {
                    write!(
                        f,
                        "{}{name}={discriminant}",
                        if index == 0 { "" } else { "," }
                    )?;
                }
                f.write_str("}")
            }
        }
    }
}

/// Stored bytes are not a key of the type asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot decode a key: {reason}")]
pub struct KeyDecodeError {
    reason: &'static str,
}

impl KeyDecodeError {
    /// An error with this reason.
    #[must_use]
    pub const fn new(reason: &'static str) -> Self {
        Self { reason }
    }
}

impl From<KeyDecodeError> for NetabaseError {
    fn from(error: KeyDecodeError) -> Self {
        Self::new(
            ErrorKind::Corrupt,
            "a stored key is not of this model's key type; check the database with `check_integrity` or restore a backup",
        )
        .with_source(error)
    }
}

/// Splits `count` bytes off the front of `input`.
fn take<'a>(input: &mut &'a [u8], count: usize) -> Result<&'a [u8], KeyDecodeError> {
    let (taken, rest) = input
        .split_at_checked(count)
        .ok_or(KeyDecodeError::new("the key ends early"))?;
    *input = rest;
    Ok(taken)
}

/// Splits a byte array off the front of `input`.
fn take_array<const N: usize>(input: &mut &[u8]) -> Result<[u8; N], KeyDecodeError> {
    let (taken, rest) = input
        .split_first_chunk()
        .ok_or(KeyDecodeError::new("the key ends early"))?;
    *input = rest;
    Ok(*taken)
}

macro_rules! unsigned {
    ($($type:ty as $stored:ty),*) => {$(
        impl EncodeKey for $type {
            #[inline]
            fn encode_key(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&(*self as $stored).to_be_bytes());
            }
        }

        impl Key for $type {
            const SHAPE: KeyShape = KeyShape::Fixed(stringify!($stored), size_of::<$stored>());

            #[inline]
            fn decode_key(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
                <$type>::try_from(<$stored>::from_be_bytes(take_array(input)?))
                    .map_err(|_| KeyDecodeError::new("the integer does not fit this platform's pointer width"))
            }
        }
    )*};
}

unsigned!(
    u16 as u16,
    u32 as u32,
    u64 as u64,
    u128 as u128,
    usize as u64
);

macro_rules! signed {
    ($($type:ty as $stored:ty, $unsigned:ty);*) => {$(
        impl EncodeKey for $type {
            #[inline]
            fn encode_key(&self, out: &mut Vec<u8>) {
                let flipped = (*self as $stored).cast_unsigned() ^ (1 << (<$stored>::BITS - 1));
                out.extend_from_slice(&flipped.to_be_bytes());
            }
        }

        impl Key for $type {
            const SHAPE: KeyShape = KeyShape::Fixed(stringify!($stored), size_of::<$stored>());

            #[inline]
            fn decode_key(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
                let flipped = <$unsigned>::from_be_bytes(take_array(input)?);
                <$type>::try_from((flipped ^ (1 << (<$stored>::BITS - 1))).cast_signed())
                    .map_err(|_| KeyDecodeError::new("the integer does not fit this platform's pointer width"))
            }
        }
    )*};
}

signed!(i8 as i8, u8; i16 as i16, u16; i32 as i32, u32; i64 as i64, u64; i128 as i128, u128; isize as i64, u64);

impl EncodeKey for u8 {
    #[inline]
    fn encode_key(&self, out: &mut Vec<u8>) {
        out.push(*self);
    }
}

impl Key for u8 {
    const SHAPE: KeyShape = KeyShape::Fixed("u8", 1);

    #[inline]
    fn decode_key(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
        take_array(input).map(|[byte]| byte)
    }
}

impl EncodeKey for bool {
    #[inline]
    fn encode_key(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
}

impl Key for bool {
    const SHAPE: KeyShape = KeyShape::Fixed("bool", 1);

    fn decode_key(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
        match take_array(input)? {
            [0] => Ok(false),
            [1] => Ok(true),
            [_] => Err(KeyDecodeError::new("a bool is neither 0 nor 1")),
        }
    }
}

impl EncodeKey for char {
    #[inline]
    fn encode_key(&self, out: &mut Vec<u8>) {
        u32::from(*self).encode_key(out);
    }
}

impl Key for char {
    const SHAPE: KeyShape = KeyShape::Fixed("char", 4);

    fn decode_key(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
        char::from_u32(u32::decode_key(input)?)
            .ok_or(KeyDecodeError::new("a char is no Unicode scalar value"))
    }
}

const TERMINATOR: [u8; 2] = [0, 0];
const ESCAPED_ZERO: u8 = 0xFF;

/// Appends bytes with every zero escaped, without the terminator.
fn escape(mut bytes: &[u8], out: &mut Vec<u8>) {
    while let Some(zero) = memchr::memchr(0, bytes) {
        let (head, tail) = bytes.split_at(zero + 1);
        out.extend_from_slice(head);
        out.push(ESCAPED_ZERO);
        bytes = tail;
    }
    out.extend_from_slice(bytes);
}

/// Reads escaped bytes up to and with their terminator; hands each run between escapes to `visit`.
fn unescape(input: &mut &[u8], mut visit: impl FnMut(&[u8])) -> Result<(), KeyDecodeError> {
    loop {
        let zero = memchr::memchr(0, input).ok_or(KeyDecodeError::new("a string has no end"))?;
        let run = take(input, zero + 1)?;
        match take_array(input)? {
            [0] => {
                visit(&run[..zero]);
                return Ok(());
            }
            [ESCAPED_ZERO] => visit(run),
            [_] => {
                return Err(KeyDecodeError::new(
                    "a zero byte in a string is not escaped",
                ));
            }
        }
    }
}

impl EncodeKey for [u8] {
    #[inline]
    fn encode_key(&self, out: &mut Vec<u8>) {
        out.reserve(self.len() + TERMINATOR.len());
        escape(self, out);
        out.extend_from_slice(&TERMINATOR);
    }
}

impl EncodeKey for Vec<u8> {
    #[inline]
    fn encode_key(&self, out: &mut Vec<u8>) {
        self.as_slice().encode_key(out);
    }
}

impl Key for Vec<u8> {
    const SHAPE: KeyShape = KeyShape::Plain("bytes");

    fn decode_key(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
        let mut bytes = Self::new();
        unescape(input, |run| bytes.extend_from_slice(run))?;
        Ok(bytes)
    }

    fn skip_key(input: &mut &[u8]) -> Result<(), KeyDecodeError> {
        unescape(input, |_| ())
    }
}

impl EncodeKey for str {
    #[inline]
    fn encode_key(&self, out: &mut Vec<u8>) {
        self.as_bytes().encode_key(out);
    }
}

impl EncodeKey for String {
    #[inline]
    fn encode_key(&self, out: &mut Vec<u8>) {
        self.as_str().encode_key(out);
    }
}

impl Key for String {
    const SHAPE: KeyShape = KeyShape::Plain("str");

    fn decode_key(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
        Self::from_utf8(Vec::decode_key(input)?)
            .map_err(|_| KeyDecodeError::new("a string is not UTF-8"))
    }

    fn skip_key(input: &mut &[u8]) -> Result<(), KeyDecodeError> {
        Vec::<u8>::skip_key(input)
    }
}

impl<T: EncodeKey> EncodeKey for Option<T> {
    #[inline]
    fn encode_key(&self, out: &mut Vec<u8>) {
        match self {
            None => out.push(0),
            Some(value) => {
                out.push(1);
                value.encode_key(out);
            }
        }
    }
}

impl<T: Key> Key for Option<T> {
    const SHAPE: KeyShape = KeyShape::Option(&T::SHAPE);

    fn decode_key(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
        match take_array(input)? {
            [0] => Ok(None),
            [1] => T::decode_key(input).map(Some),
            [_] => Err(KeyDecodeError::new(
                "an option is neither absent nor present",
            )),
        }
    }

    fn skip_key(input: &mut &[u8]) -> Result<(), KeyDecodeError> {
        match take_array(input)? {
            [0] => Ok(()),
            [1] => T::skip_key(input),
            [_] => Err(KeyDecodeError::new(
                "an option is neither absent nor present",
            )),
        }
    }
}

/// Appends what `encode` appends, each byte complemented: it then sorts the other way round.
#[inline]
pub(super) fn encode_complement(out: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    encode(out);
    for byte in &mut out[start..] {
        *byte = !*byte;
    }
}

/// Reads a value from the complement of `input`.
pub(super) fn decode_complement<R>(
    input: &mut &[u8],
    decode: impl FnOnce(&mut &[u8]) -> Result<R, KeyDecodeError>,
) -> Result<R, KeyDecodeError> {
    let complement: Vec<u8> = input.iter().map(|byte| !byte).collect();
    let mut rest = complement.as_slice();
    let value = decode(&mut rest)?;
    take(input, complement.len() - rest.len())?;
    Ok(value)
}

impl<T: EncodeKey> EncodeKey for Reverse<T> {
    #[inline]
    fn encode_key(&self, out: &mut Vec<u8>) {
        encode_complement(out, |out| self.0.encode_key(out));
    }
}

/// Descending order. Decoding copies what is left of the input, unless all encodings of `T` have one length.
impl<T: Key> Key for Reverse<T> {
    const SHAPE: KeyShape = KeyShape::Descending(&T::SHAPE);

    fn decode_key(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
        match T::SHAPE.width() {
            Some(width) => decode_complement(&mut take(input, width)?, T::decode_key),
            None => decode_complement(input, T::decode_key),
        }
        .map(Self)
    }

    fn skip_key(input: &mut &[u8]) -> Result<(), KeyDecodeError> {
        match T::SHAPE.width() {
            Some(width) => take(input, width).map(drop),
            None => decode_complement(input, T::skip_key),
        }
    }
}

impl<T: EncodeKey + ?Sized> EncodeKey for &T {
    #[inline]
    fn encode_key(&self, out: &mut Vec<u8>) {
        (**self).encode_key(out);
    }
}

impl<T: EncodeKey, const N: usize> EncodeKey for [T; N] {
    #[inline]
    fn encode_key(&self, out: &mut Vec<u8>) {
        for item in self {
            item.encode_key(out);
        }
    }
}

impl<T: Key, const N: usize> Key for [T; N] {
    const SHAPE: KeyShape = KeyShape::Array(&T::SHAPE, N);

    fn decode_key(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
        if N == 0 {
            return Self::try_from(Vec::new())
                .map_err(|_| KeyDecodeError::new("an array is incomplete"));
        }
        // Stands in for the items that cannot be decoded, so that no buffer has to hold the others meanwhile.
        let first = T::decode_key(&mut { *input })?;
        let mut failed = None;
        let items = std::array::from_fn(|_| {
            T::decode_key(input).unwrap_or_else(|error| {
                failed = Some(error);
                first.clone()
            })
        });
        failed.map_or(Ok(items), Err)
    }

    fn skip_key(input: &mut &[u8]) -> Result<(), KeyDecodeError> {
        (0..N).try_for_each(|_| T::skip_key(input))
    }
}

macro_rules! tuple {
    ($($type:ident . $index:tt),+) => {
        impl<$($type: EncodeKey),+> EncodeKey for ($($type,)+) {
            #[inline]
            fn encode_key(&self, out: &mut Vec<u8>) {
                $(self.$index.encode_key(out);)+
            }
        }

        impl<$($type: Key),+> Key for ($($type,)+) {
            const SHAPE: KeyShape = KeyShape::Tuple(&[$($type::SHAPE),+]);

            fn decode_key(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
                Ok(($($type::decode_key(input)?,)+))
            }

            fn skip_key(input: &mut &[u8]) -> Result<(), KeyDecodeError> {
                $($type::skip_key(input)?;)+
                Ok(())
            }
        }
    };
}

tuple!(A.0);
tuple!(A.0, B.1);
tuple!(A.0, B.1, C.2);
tuple!(A.0, B.1, C.2, D.3);
tuple!(A.0, B.1, C.2, D.3, E.4);
tuple!(A.0, B.1, C.2, D.3, E.4, F.5);
tuple!(A.0, B.1, C.2, D.3, E.4, F.5, G.6);
tuple!(A.0, B.1, C.2, D.3, E.4, F.5, G.6, H.7);

#[cfg(feature = "uuid")]
impl EncodeKey for uuid::Uuid {
    #[inline]
    fn encode_key(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }
}

#[cfg(feature = "uuid")]
impl Key for uuid::Uuid {
    const SHAPE: KeyShape = KeyShape::Fixed("uuid", 16);

    fn decode_key(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
        take_array(input).map(Self::from_bytes)
    }
}

/// The nanoseconds of a second.
const SECOND: u32 = 1_000_000_000;

/// Appends a point in time: seconds since the Unix epoch, then the nanoseconds of that second.
fn encode_instant(seconds: i64, nanoseconds: u32, out: &mut Vec<u8>) {
    seconds.encode_key(out);
    nanoseconds.encode_key(out);
}

impl EncodeKey for std::time::SystemTime {
    fn encode_key(&self, out: &mut Vec<u8>) {
        let (seconds, nanoseconds) = match self.duration_since(Self::UNIX_EPOCH) {
            Ok(after) => (
                0i64.saturating_add_unsigned(after.as_secs()),
                after.subsec_nanos(),
            ),
            Err(before) => {
                let before = before.duration();
                // The earliest point in time has no positive counterpart in `i64`.
                let seconds = 0i64.saturating_sub_unsigned(before.as_secs());
                match before.subsec_nanos() {
                    0 => (seconds, 0),
                    nanoseconds => (seconds.saturating_sub(1), SECOND - nanoseconds),
                }
            }
        };
        encode_instant(seconds, nanoseconds, out);
    }
}

impl Key for std::time::SystemTime {
    const SHAPE: KeyShape = KeyShape::Fixed("instant", 12);

    fn decode_key(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
        use std::time::Duration;
        const OUT_OF_RANGE: KeyDecodeError = KeyDecodeError::new("a point in time is out of range");
        let seconds = i64::decode_key(input)?;
        let nanoseconds = u32::decode_key(input)?;
        if nanoseconds >= SECOND {
            return Err(OUT_OF_RANGE);
        }
        let whole = Duration::from_secs(seconds.unsigned_abs());
        let epoch = Self::UNIX_EPOCH;
        let whole = if seconds < 0 {
            epoch.checked_sub(whole)
        } else {
            epoch.checked_add(whole)
        };
        whole
            .and_then(|whole| whole.checked_add(Duration::from_nanos(nanoseconds.into())))
            .ok_or(OUT_OF_RANGE)
    }
}

#[cfg(feature = "chrono")]
mod chrono_keys {
    use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike, Utc};

    use super::{EncodeKey, Key, KeyDecodeError, KeyShape, encode_instant};

    const OUT_OF_RANGE: KeyDecodeError = KeyDecodeError::new("a date-time is out of range");

    impl EncodeKey for DateTime<Utc> {
        fn encode_key(&self, out: &mut Vec<u8>) {
            encode_instant(self.timestamp(), self.timestamp_subsec_nanos(), out);
        }
    }

    /// A leap second is kept as one. `SystemTime` has none, and does not read it.
    impl Key for DateTime<Utc> {
        const SHAPE: KeyShape = KeyShape::Fixed("instant", 12);

        fn decode_key(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
            let (seconds, nanoseconds) = (i64::decode_key(input)?, u32::decode_key(input)?);
            // Apart from the seconds, since a leap second, which has more nanoseconds, may follow any of them.
            Self::from_timestamp(seconds, 0)
                .and_then(|whole| whole.with_nanosecond(nanoseconds))
                .ok_or(OUT_OF_RANGE)
        }
    }

    impl EncodeKey for NaiveDateTime {
        fn encode_key(&self, out: &mut Vec<u8>) {
            self.and_utc().encode_key(out);
        }
    }

    impl Key for NaiveDateTime {
        const SHAPE: KeyShape = KeyShape::Fixed("datetime", 12);

        fn decode_key(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
            DateTime::<Utc>::decode_key(input).map(|instant| instant.naive_utc())
        }
    }

    impl EncodeKey for NaiveDate {
        fn encode_key(&self, out: &mut Vec<u8>) {
            self.num_days_from_ce().encode_key(out);
        }
    }

    impl Key for NaiveDate {
        const SHAPE: KeyShape = KeyShape::Fixed("date", 4);

        fn decode_key(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
            Self::from_num_days_from_ce_opt(i32::decode_key(input)?).ok_or(OUT_OF_RANGE)
        }
    }
}

/// The beginning of a key: what a prefix query is asked with.
///
/// A string or byte string is a prefix of the keys that begin with it. The leading parts of a composite key, as a
/// tuple, are a prefix of the keys that have those parts.
///
/// # Examples
/// ```
/// use netabase_core::codec::key::{KeyPrefix, encode};
///
/// let mut prefix = Vec::new();
/// KeyPrefix::<String>::encode_prefix("ab", &mut prefix);
/// assert!(encode("abc").starts_with(&prefix));
///
/// let mut prefix = Vec::new();
/// KeyPrefix::<(u32, String)>::encode_prefix(&(7,), &mut prefix);
/// assert!(encode(&(7u32, "x".to_owned())).starts_with(&prefix));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the beginning of a `{K}`",
    note = "a `String` is queried by a `str`, bytes by a `[u8]`, and a composite key by a tuple of its first parts"
)]
pub trait KeyPrefix<K> {
    /// Appends the bytes that every such key begins with.
    fn encode_prefix(&self, out: &mut Vec<u8>);
}

impl KeyPrefix<String> for str {
    fn encode_prefix(&self, out: &mut Vec<u8>) {
        escape(self.as_bytes(), out);
    }
}

impl KeyPrefix<String> for String {
    fn encode_prefix(&self, out: &mut Vec<u8>) {
        escape(self.as_bytes(), out);
    }
}

impl KeyPrefix<Vec<u8>> for [u8] {
    fn encode_prefix(&self, out: &mut Vec<u8>) {
        escape(self, out);
    }
}

impl<const N: usize> KeyPrefix<Vec<u8>> for [u8; N] {
    fn encode_prefix(&self, out: &mut Vec<u8>) {
        escape(self, out);
    }
}

impl<K, P: KeyPrefix<K> + ?Sized> KeyPrefix<K> for &P {
    fn encode_prefix(&self, out: &mut Vec<u8>) {
        (**self).encode_prefix(out);
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;
    use std::time::{Duration, SystemTime};

    use proptest::prelude::*;

    use super::*;

    /// The laws of [`Key`] for one pair of values.
    fn assert_laws<K: Key + Debug>(left: &K, right: &K) {
        let (encoded_left, encoded_right) = (encode(left), encode(right));
        assert_eq!(
            encoded_left.cmp(&encoded_right),
            left.cmp(right),
            "{left:?} against {right:?}"
        );
        if left != right {
            assert!(
                !encoded_left.starts_with(&encoded_right),
                "{right:?} is a prefix of {left:?}"
            );
        }
        let mut input = [encoded_left.as_slice(), &encoded_right].concat();
        input.push(7);
        let mut rest = input.as_slice();
        assert_eq!(&K::decode_key(&mut rest).unwrap(), left);
        K::skip_key(&mut rest).unwrap();
        assert_eq!(rest, [7]);
        for shorter in 0..encoded_left.len() {
            assert!(
                decode::<K>(&encoded_left[..shorter]).is_err(),
                "{left:?} cut to {shorter} bytes"
            );
        }
    }

    macro_rules! laws {
        ($($name:ident: $type:ty = $strategy:expr;)*) => {
            proptest! {$(
                #[test]
                fn $name((left, right) in ($strategy, $strategy)) {
                    let _: &$type = &left;
                    assert_laws::<$type>(&left, &right);
                }
            )*}
        };
    }

    fn zero_rich() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(
            prop_oneof![Just(0u8), Just(1), Just(0xFE), Just(0xFF), any::<u8>()],
            0..6,
        )
    }

    fn text() -> impl Strategy<Value = String> {
        "[\\x00\\x01ab\u{7f}\u{80}é\u{ffff}\u{10ffff}]{0,5}"
    }

    fn instant() -> impl Strategy<Value = SystemTime> {
        (-4_000_000_000i64..4_000_000_000, 0..1_000_000_000u32).prop_map(
            |(seconds, nanoseconds)| {
                let whole = Duration::from_secs(seconds.unsigned_abs());
                let base = if seconds < 0 {
                    SystemTime::UNIX_EPOCH - whole
                } else {
                    SystemTime::UNIX_EPOCH + whole
                };
                base + Duration::from_nanos(nanoseconds.into())
            },
        )
    }

    laws! {
        u8_laws: u8 = any::<u8>();
        u16_laws: u16 = any::<u16>();
        u32_laws: u32 = any::<u32>();
        u64_laws: u64 = any::<u64>();
        u128_laws: u128 = any::<u128>();
        usize_laws: usize = any::<usize>();
        i8_laws: i8 = any::<i8>();
        i16_laws: i16 = any::<i16>();
        i32_laws: i32 = any::<i32>();
        i64_laws: i64 = any::<i64>();
        i128_laws: i128 = any::<i128>();
        isize_laws: isize = any::<isize>();
        bool_laws: bool = any::<bool>();
        char_laws: char = any::<char>();
        string_laws: String = text();
        bytes_laws: Vec<u8> = zero_rich();
        option_laws: Option<i16> = any::<Option<i16>>();
        nested_option_laws: Option<Option<String>> = proptest::option::of(proptest::option::of(text()));
        tuple_laws: (String, i8, Vec<u8>) = (text(), any::<i8>(), zero_rich());
        array_laws: [i16; 3] = any::<[i16; 3]>();
        string_array_laws: [String; 2] = [text(), text()];
        instant_laws: SystemTime = instant();
        descending_laws: Reverse<i32> = any::<i32>().prop_map(Reverse);
        descending_text_laws: Reverse<String> = text().prop_map(Reverse);
        descending_option_laws: Reverse<Option<Vec<u8>>> = proptest::option::of(zero_rich()).prop_map(Reverse);
    }

    // The keys of the entries of every kind of index, which all are parts one after the other and then the primary key.
    laws! {
        entries_of_a_plain_index: (String, u64) = (text(), any::<u64>());
        entries_of_a_composite_index: ((u32, String, Option<i8>), String) =
            ((any::<u32>(), text(), any::<Option<i8>>()), text());
        entries_of_a_composite_index_with_descending_parts: ((u32, Reverse<String>, Reverse<u64>, bool), Vec<u8>) =
            ((any::<u32>(), text().prop_map(Reverse), any::<u64>().prop_map(Reverse), any::<bool>()), zero_rich());
        entries_of_a_sparse_or_computed_index: (Vec<u8>, (u16, String)) = (zero_rich(), (any::<u16>(), text()));
        entries_of_a_descending_unique_index: Reverse<(String, i64)> = (text(), any::<i64>()).prop_map(Reverse);
    }

    #[cfg(feature = "uuid")]
    laws! {
        uuid_laws: uuid::Uuid = any::<u128>().prop_map(uuid::Uuid::from_u128);
    }

    #[cfg(feature = "chrono")]
    laws! {
        chrono_laws: chrono::DateTime<chrono::Utc> = (-4_000_000_000i64..4_000_000_000, 0..1_000_000_000u32)
            .prop_map(|(seconds, nanos)| chrono::DateTime::from_timestamp(seconds, nanos).unwrap());
        date_laws: chrono::NaiveDate = (-100_000i32..100_000)
            .prop_map(|days| chrono::NaiveDate::from_num_days_from_ce_opt(days).unwrap());
    }

    proptest! {
        #[test]
        fn a_text_is_a_prefix_exactly_where_starts_with_says_so(whole in text(), start in text()) {
            let mut prefix = Vec::new();
            KeyPrefix::<String>::encode_prefix(start.as_str(), &mut prefix);
            prop_assert_eq!(encode(&whole).starts_with(&prefix), whole.starts_with(&start));
        }

        #[test]
        fn decoding_arbitrary_bytes_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            type Everything = (Option<String>, bool, char, [i64; 2], Vec<u8>, SystemTime);
            let decoded = decode::<Everything>(&bytes);
            prop_assert_eq!(decoded.is_ok(), { let mut rest = bytes.as_slice(); Everything::decode_key(&mut rest).is_ok() && rest.is_empty() });
        }
    }

    #[test]
    fn pairs_that_other_encodings_confuse_stay_apart() {
        let pair = |left: &str, right: &str| encode(&(left.to_owned(), right.to_owned()));
        assert_ne!(pair("ab", "c"), pair("a", "bc"));
        assert!(
            encode(&1u64) < encode(&300u64)
                && encode(&300u64) < encode(&512u64)
                && encode(&512u64) < encode(&70_000u64)
        );
        assert!(encode(&-1i32) < encode(&0i32));
        assert!(encode("a") < encode("a\0") && encode("a\0") < encode("a\u{1}"));
    }

    #[test]
    fn shapes_read_as_documented() {
        assert_eq!(<(u64, String)>::SHAPE.to_string(), "(u64,str)");
        assert_eq!(<Option<[i8; 4]>>::SHAPE.to_string(), "option<[i8;4]>");
        assert_eq!(<Reverse<(u8, String)>>::SHAPE.to_string(), "desc<(u8,str)>");
        assert_eq!(
            KeyShape::Enum(&[("Red", 0), ("Green", 1)]).to_string(),
            "enum{Red=0,Green=1}"
        );
    }

    #[test]
    fn the_first_and_the_last_point_in_time_are_keys() {
        let mut ends = [SystemTime::UNIX_EPOCH; 2];
        for exponent in (0..=64).rev() {
            let step = Duration::from_secs(1u64.checked_shl(exponent).unwrap_or(0));
            ends[0] = ends[0].checked_sub(step).unwrap_or(ends[0]);
            ends[1] = ends[1].checked_add(step).unwrap_or(ends[1]);
        }
        let fraction = Duration::from_nanos(1);
        let within = [ends[0] + fraction, ends[1] + fraction];
        for time in ends.into_iter().chain(within) {
            assert_eq!(decode(&encode(&time)), Ok(time));
            assert_laws(&time, &SystemTime::UNIX_EPOCH);
        }
        assert_laws(&ends[0], &within[0]);
    }

    #[test]
    fn a_point_in_time_has_one_encoding() {
        let mut whole = encode(&SystemTime::UNIX_EPOCH);
        whole.truncate(8);
        let with = |nanoseconds: u32| [whole.as_slice(), &nanoseconds.to_be_bytes()].concat();
        assert!(decode::<SystemTime>(&with(999_999_999)).is_ok());
        assert!(decode::<SystemTime>(&with(1_000_000_000)).is_err());
        assert!(decode::<SystemTime>(&with(u32::MAX)).is_err());
    }

    #[cfg(feature = "chrono")]
    #[test]
    fn leap_seconds_are_keys() {
        use chrono::Timelike;
        for seconds in [0, 59, 61] {
            let time = chrono::DateTime::from_timestamp(seconds, 0).unwrap();
            let leap = time.with_nanosecond(1_500_000_000).unwrap();
            assert_eq!(decode(&encode(&leap)), Ok(leap));
            assert_laws(&leap, &time);
        }
    }

    #[test]
    fn an_array_decodes_whole_or_not_at_all() {
        type Texts = [String; 3];
        let texts: Texts = ["a", "b", "c"].map(str::to_owned);
        let mut bytes = encode(&texts);
        assert_eq!(decode::<Texts>(&bytes), Ok(texts));
        // No UTF-8, in the one and the other place.
        for place in [0, 3, 6] {
            let right = std::mem::replace(&mut bytes[place], 0xFF);
            assert!(decode::<Texts>(&bytes).is_err(), "{place}");
            bytes[place] = right;
        }
        assert_eq!(decode::<[u64; 0]>(&[]), Ok([]));
        assert!(decode::<[u64; 0]>(&[0]).is_err());
    }

    #[test]
    fn the_first_parts_of_every_composite_key_are_a_prefix() {
        type Whole = (u8, u16, u8, String, u8, u8, u8, i64);
        let whole: Whole = (1, 2, 3, "d".into(), 5, 6, 7, -8);
        let starts = |prefix: &dyn KeyPrefix<Whole>| {
            let mut bytes = Vec::new();
            prefix.encode_prefix(&mut bytes);
            encode(&whole).starts_with(&bytes)
        };
        assert!(starts(&(1u8,)));
        let text = || "d".to_owned();
        assert!(starts(&(1u8, 2u16, 3u8, text(), 5u8)));
        assert!(starts(&(1u8, 2u16, 3u8, text(), 5u8, 6u8, 7u8)));
        assert!(!starts(&(1u8, 2u16, 3u8, text(), 5u8, 6u8, 8u8)));
    }
}
