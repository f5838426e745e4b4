//! Values within a record: how each type is stored, and what is recorded of it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::rc::Rc;
use std::sync::Arc;

use bincode::de::{Decode, Decoder};
use bincode::enc::{Encode, Encoder};
use bincode::error::{AllowedEnumVariants, DecodeError, EncodeError};

use super::shape::{AddressShape, Types, ValueShape};

/// A type that records hold: its stored form, and what the database records of it.
///
/// `#[derive(NetabaseValue)]` implements it for structs and enums. What they are made of becomes part of the schema: a field
/// or a variant that is renamed, moved, added, removed or of another type is
/// [`SchemaMismatch`](crate::error::ErrorKind::SchemaMismatch) when a database is opened, with the way to it. A type that
/// has bincode's traits alone can be a field as well, but a change within it is not seen.
///
/// The stored form is bincode's, in its standard configuration.
///
/// # By hand
/// A type that stores itself in a form of its own names it, with a version to raise when the form changes:
///
/// ```
/// use bincode::de::Decoder;
/// use bincode::enc::Encoder;
/// use bincode::error::{DecodeError, EncodeError};
/// use netabase_core::codec::netabase_value::NetabaseValue;
/// use netabase_core::codec::shape::{Types, ValueShape};
///
/// struct Celsius(f32);
///
/// impl NetabaseValue for Celsius {
///     fn encode_value<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
///         ((self.0 * 10.0) as i32).encode_value(encoder)
///     }
///
///     fn decode_value<D: Decoder<Context = ()>>(decoder: &mut D) -> Result<Self, DecodeError> {
///         i32::decode_value(decoder).map(|tenths| Self(tenths as f32 / 10.0))
///     }
///
///     fn describe(_: &mut Types) -> ValueShape {
///         ValueShape::Foreign("Celsius".into(), 1)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored within this type: it does not have `NetabaseValue`",
    label = "no `NetabaseValue`",
    note = "derive `NetabaseValue` for it, or `bincode::Encode` and `bincode::Decode` for the type around it",
    note = "`Uuid` needs the feature `uuid` of `netabase_store`, the date-times of `chrono` the feature `chrono`"
)]
pub trait NetabaseValue: Sized {
    /// Writes the value.
    ///
    /// # Errors
    /// It cannot be encoded.
    fn encode_value<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError>;

    /// Reads what [`encode_value`](Self::encode_value) wrote.
    ///
    /// # Errors
    /// The input is not such a value.
    fn decode_value<D: Decoder<Context = ()>>(decoder: &mut D) -> Result<Self, DecodeError>;

    /// What is recorded of the type. Structs and enums within it are described in `types`, each once.
    fn describe(types: &mut Types) -> ValueShape;

    /// What is recorded of a sequence of such values.
    #[doc(hidden)]
    fn describe_list(types: &mut Types) -> ValueShape {
        ValueShape::List(Self::describe(types).into())
    }

    /// Writes values one after the other.
    ///
    /// # Errors
    /// As [`encode_value`](Self::encode_value).
    #[doc(hidden)]
    #[inline]
    fn encode_all<E: Encoder>(values: &[Self], encoder: &mut E) -> Result<(), EncodeError> {
        values
            .iter()
            .try_for_each(|value| value.encode_value(encoder))
    }

    /// Reads so many values. The number comes from stored bytes, and is checked against what the decoder may claim.
    ///
    /// # Errors
    /// As [`decode_value`](Self::decode_value).
    #[doc(hidden)]
    #[inline]
    fn decode_many<D: Decoder<Context = ()>>(
        count: usize,
        decoder: &mut D,
    ) -> Result<Vec<Self>, DecodeError> {
        let mut values = Vec::new();
        fill(count, decoder, |value| values.push(value))?;
        Ok(values)
    }
}

/// Reads so many values and hands them on.
fn fill<T: NetabaseValue, D: Decoder<Context = ()>>(
    count: usize,
    decoder: &mut D,
    mut take: impl FnMut(T),
) -> Result<(), DecodeError> {
    // Values without bytes, of which a few stored ones could claim any number, count as one byte each.
    let size = size_of::<T>().max(1);
    let claim = count.checked_mul(size).ok_or(DecodeError::LimitExceeded)?;
    decoder.claim_bytes_read(claim)?;
    for _ in 0..count {
        decoder.unclaim_bytes_read(size);
        take(T::decode_value(decoder)?);
    }
    Ok(())
}

/// The number of values that follow.
#[inline]
fn count<D: Decoder<Context = ()>>(decoder: &mut D) -> Result<usize, DecodeError> {
    let count: u64 = Decode::decode(decoder)?;
    usize::try_from(count).map_err(|_| DecodeError::OutsideUsizeRange(count))
}

/// Types whose stored form is bincode's own, each with its shape.
macro_rules! leaves {
    ($($type:ty: $shape:expr;)*) => {$(
        impl NetabaseValue for $type {
            #[inline]
            fn encode_value<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
                Encode::encode(self, encoder)
            }

            #[inline]
            fn decode_value<D: Decoder<Context = ()>>(decoder: &mut D) -> Result<Self, DecodeError> {
                Decode::decode(decoder)
            }

            fn describe(_: &mut Types) -> ValueShape {
                use ValueShape::*;
                $shape
            }
        }
    )*};
}

leaves! {
    u16: Unsigned(2);
    u32: Unsigned(4);
    u64: Unsigned(8);
    u128: Unsigned(16);
    usize: Unsigned(8);
    i8: Signed(1);
    i16: Signed(2);
    i32: Signed(4);
    i64: Signed(8);
    i128: Signed(16);
    isize: Signed(8);
    std::num::NonZeroU8: Unsigned(1);
    std::num::NonZeroU16: Unsigned(2);
    std::num::NonZeroU32: Unsigned(4);
    std::num::NonZeroU64: Unsigned(8);
    std::num::NonZeroU128: Unsigned(16);
    std::num::NonZeroUsize: Unsigned(8);
    std::num::NonZeroI8: Signed(1);
    std::num::NonZeroI16: Signed(2);
    std::num::NonZeroI32: Signed(4);
    std::num::NonZeroI64: Signed(8);
    std::num::NonZeroI128: Signed(16);
    std::num::NonZeroIsize: Signed(8);
    f32: Float(4);
    f64: Float(8);
    bool: Bool;
    char: Char;
    (): Tuple(Vec::new());
    String: Text;
    Box<str>: Text;
    Arc<str>: Text;
    Rc<str>: Text;
    std::path::PathBuf: Text;
    std::ffi::CString: Bytes;
    std::time::Duration: Duration;
    std::time::SystemTime: SystemTime;
    Ipv4Addr: Address(AddressShape::V4);
    Ipv6Addr: Address(AddressShape::V6);
    IpAddr: Address(AddressShape::Ip);
    SocketAddrV4: Address(AddressShape::SocketV4);
}

/// Refuses what bincode leaves out of an address, so that no other one is read back.
fn check_stored_whole(address: &SocketAddrV6) -> Result<(), EncodeError> {
    match (address.flowinfo(), address.scope_id()) {
        (0, 0) => Ok(()),
        _ => Err(EncodeError::OtherString(format!(
            "the socket address `{address}` has flow information or a scope, which are not stored; leave them 0, or store \
             them in fields of their own"
        ))),
    }
}

impl NetabaseValue for SocketAddrV6 {
    #[inline]
    fn encode_value<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        check_stored_whole(self)?;
        Encode::encode(self, encoder)
    }

    #[inline]
    fn decode_value<D: Decoder<Context = ()>>(decoder: &mut D) -> Result<Self, DecodeError> {
        Decode::decode(decoder)
    }

    fn describe(_: &mut Types) -> ValueShape {
        ValueShape::Address(AddressShape::SocketV6)
    }
}

impl NetabaseValue for SocketAddr {
    #[inline]
    fn encode_value<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        if let Self::V6(address) = self {
            check_stored_whole(address)?;
        }
        Encode::encode(self, encoder)
    }

    #[inline]
    fn decode_value<D: Decoder<Context = ()>>(decoder: &mut D) -> Result<Self, DecodeError> {
        Decode::decode(decoder)
    }

    fn describe(_: &mut Types) -> ValueShape {
        ValueShape::Address(AddressShape::Socket)
    }
}

impl NetabaseValue for Cow<'static, str> {
    #[inline]
    fn encode_value<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        Encode::encode(&**self, encoder)
    }

    fn decode_value<D: Decoder<Context = ()>>(decoder: &mut D) -> Result<Self, DecodeError> {
        String::decode_value(decoder).map(Cow::Owned)
    }

    fn describe(_: &mut Types) -> ValueShape {
        ValueShape::Text
    }
}

impl NetabaseValue for u8 {
    #[inline]
    fn encode_value<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        Encode::encode(self, encoder)
    }

    #[inline]
    fn decode_value<D: Decoder<Context = ()>>(decoder: &mut D) -> Result<Self, DecodeError> {
        Decode::decode(decoder)
    }

    fn describe(_: &mut Types) -> ValueShape {
        ValueShape::Unsigned(1)
    }

    fn describe_list(_: &mut Types) -> ValueShape {
        ValueShape::Bytes
    }

    #[inline]
    fn encode_all<E: Encoder>(values: &[Self], encoder: &mut E) -> Result<(), EncodeError> {
        bincode::enc::write::Writer::write(encoder.writer(), values)
    }

    #[inline]
    fn decode_many<D: Decoder<Context = ()>>(
        count: usize,
        decoder: &mut D,
    ) -> Result<Vec<Self>, DecodeError> {
        decoder.claim_container_read::<Self>(count)?;
        let mut bytes = vec![0; count];
        bincode::de::read::Reader::read(decoder.reader(), &mut bytes)?;
        Ok(bytes)
    }
}

/// Types that are stored as what they hold.
macro_rules! transparent {
    ($([$($parameters:tt)*] $type:ty, $inner:ty: $wrap:expr;)*) => {$(
        impl<$($parameters)*> NetabaseValue for $type {
            #[inline]
            fn encode_value<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
                (**self).encode_value(encoder)
            }

            #[inline]
            fn decode_value<D: Decoder<Context = ()>>(decoder: &mut D) -> Result<Self, DecodeError> {
                <$inner>::decode_value(decoder).map($wrap)
            }

            fn describe(types: &mut Types) -> ValueShape {
                <$inner>::describe(types)
            }
        }
    )*};
}

transparent! {
    [T: NetabaseValue] Box<T>, T: Box::new;
    [T: NetabaseValue] Rc<T>, T: Rc::new;
    [T: NetabaseValue] Arc<T>, T: Arc::new;
}

/// Sequences: their length, then what is in them.
macro_rules! sequences {
    ($([$($parameters:tt)*] $type:ty, $item:ty: $self:ident => $values:expr, $collect:expr;)*) => {$(
        impl<$($parameters)*> NetabaseValue for $type {
            #[inline]
            fn encode_value<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
                let $self = self;
                Encode::encode(&($self.len() as u64), encoder)?;
                $values.iter().try_for_each(|value| value.encode_value(encoder))
            }

            fn decode_value<D: Decoder<Context = ()>>(decoder: &mut D) -> Result<Self, DecodeError> {
                let count = count(decoder)?;
                #[allow(clippy::redundant_closure_call, reason = "the macro's argument is a closure")]
                <$item>::decode_many(count, decoder).map($collect)
            }

            fn describe(types: &mut Types) -> ValueShape {
                <$item>::describe_list(types)
            }
        }
    )*};
}

sequences! {
    [T: NetabaseValue] VecDeque<T>, T: list => list, Vec::into;
    [T: NetabaseValue + Ord] BinaryHeap<T>, T: heap => heap, Vec::into;
    [T: NetabaseValue + Ord] BTreeSet<T>, T: set => set, |items| items.into_iter().collect();
    [T: NetabaseValue + Eq + Hash, S: BuildHasher + Default] HashSet<T, S>, T: set => set, |items| items.into_iter().collect();
}

/// Sequences that are a slice.
macro_rules! slices {
    ($($type:ty: $collect:expr;)*) => {$(
        impl<T: NetabaseValue> NetabaseValue for $type {
            #[inline]
            fn encode_value<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
                Encode::encode(&(self.len() as u64), encoder)?;
                T::encode_all(self, encoder)
            }

            #[inline]
            fn decode_value<D: Decoder<Context = ()>>(decoder: &mut D) -> Result<Self, DecodeError> {
                let count = count(decoder)?;
                T::decode_many(count, decoder).map($collect)
            }

            fn describe(types: &mut Types) -> ValueShape {
                T::describe_list(types)
            }
        }
    )*};
}

slices! {
    Vec<T>: std::convert::identity;
    Box<[T]>: Vec::into;
    Rc<[T]>: Vec::into;
    Arc<[T]>: Vec::into;
}

/// Maps: their length, then key and value of each entry.
macro_rules! maps {
    ($([$($parameters:tt)*] $type:ty;)*) => {$(
        impl<$($parameters)*> NetabaseValue for $type {
            fn encode_value<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
                Encode::encode(&(self.len() as u64), encoder)?;
                self.iter().try_for_each(|(key, value)| {
                    key.encode_value(encoder)?;
                    value.encode_value(encoder)
                })
            }

            fn decode_value<D: Decoder<Context = ()>>(decoder: &mut D) -> Result<Self, DecodeError> {
                let count = count(decoder)?;
                let mut map = Self::default();
                fill(count, decoder, |(key, value): (K, V)| drop(map.insert(key, value)))?;
                Ok(map)
            }

            fn describe(types: &mut Types) -> ValueShape {
                let key = K::describe(types);
                ValueShape::Map(key.into(), V::describe(types).into())
            }
        }
    )*};
}

maps! {
    [K: NetabaseValue + Ord, V: NetabaseValue] BTreeMap<K, V>;
    [K: NetabaseValue + Eq + Hash, V: NetabaseValue, S: BuildHasher + Default] HashMap<K, V, S>;
}

impl<T: NetabaseValue> NetabaseValue for Option<T> {
    #[inline]
    fn encode_value<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        u8::from(self.is_some()).encode_value(encoder)?;
        self.iter()
            .try_for_each(|value| value.encode_value(encoder))
    }

    #[inline]
    fn decode_value<D: Decoder<Context = ()>>(decoder: &mut D) -> Result<Self, DecodeError> {
        match u8::decode_value(decoder)? {
            0 => Ok(None),
            1 => T::decode_value(decoder).map(Some),
            found => Err(unexpected::<Self>(1, found.into())),
        }
    }

    fn describe(types: &mut Types) -> ValueShape {
        ValueShape::Option(T::describe(types).into())
    }
}

impl<T: NetabaseValue, X: NetabaseValue> NetabaseValue for Result<T, X> {
    fn encode_value<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        match self {
            Ok(value) => {
                0u32.encode_value(encoder)?;
                value.encode_value(encoder)
            }
            Err(error) => {
                1u32.encode_value(encoder)?;
                error.encode_value(encoder)
            }
        }
    }

    fn decode_value<D: Decoder<Context = ()>>(decoder: &mut D) -> Result<Self, DecodeError> {
        match u32::decode_value(decoder)? {
            0 => T::decode_value(decoder).map(Ok),
            1 => X::decode_value(decoder).map(Err),
            found => Err(unexpected::<Self>(1, found)),
        }
    }

    fn describe(types: &mut Types) -> ValueShape {
        let value = T::describe(types);
        ValueShape::Result(value.into(), X::describe(types).into())
    }
}

#[cold]
fn unexpected<T>(max: u32, found: u32) -> DecodeError {
    DecodeError::UnexpectedVariant {
        type_name: std::any::type_name::<T>(),
        allowed: if max == 1 {
            &AllowedEnumVariants::Range { min: 0, max: 1 }
        } else {
            &AllowedEnumVariants::Allowed(&[])
        },
        found,
    }
}

impl<T: NetabaseValue, const N: usize> NetabaseValue for [T; N] {
    #[inline]
    fn encode_value<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        T::encode_all(self, encoder)
    }

    fn decode_value<D: Decoder<Context = ()>>(decoder: &mut D) -> Result<Self, DecodeError> {
        let items = T::decode_many(N, decoder)?;
        Self::try_from(items).map_err(|_| DecodeError::LimitExceeded)
    }

    fn describe(types: &mut Types) -> ValueShape {
        ValueShape::Array(T::describe(types).into(), N)
    }
}

macro_rules! tuples {
    ($($type:ident . $index:tt),+) => {
        impl<$($type: NetabaseValue),+> NetabaseValue for ($($type,)+) {
            #[inline]
            fn encode_value<En: Encoder>(&self, encoder: &mut En) -> Result<(), EncodeError> {
                $(self.$index.encode_value(encoder)?;)+
                Ok(())
            }

            #[inline]
            fn decode_value<De: Decoder<Context = ()>>(decoder: &mut De) -> Result<Self, DecodeError> {
                Ok(($($type::decode_value(decoder)?,)+))
            }

            fn describe(types: &mut Types) -> ValueShape {
                ValueShape::Tuple(vec![$($type::describe(types)),+])
            }
        }
    };
}

tuples!(A.0);
tuples!(A.0, B.1);
tuples!(A.0, B.1, C.2);
tuples!(A.0, B.1, C.2, D.3);
tuples!(A.0, B.1, C.2, D.3, E.4);
tuples!(A.0, B.1, C.2, D.3, E.4, F.5);
tuples!(A.0, B.1, C.2, D.3, E.4, F.5, G.6);
tuples!(A.0, B.1, C.2, D.3, E.4, F.5, G.6, H.7);
tuples!(A.0, B.1, C.2, D.3, E.4, F.5, G.6, H.7, I.8);
tuples!(A.0, B.1, C.2, D.3, E.4, F.5, G.6, H.7, I.8, J.9);
tuples!(A.0, B.1, C.2, D.3, E.4, F.5, G.6, H.7, I.8, J.9, K.10);
tuples!(A.0, B.1, C.2, D.3, E.4, F.5, G.6, H.7, I.8, J.9, K.10, L.11);

impl<T: NetabaseValue> NetabaseValue for std::ops::Range<T> {
    fn encode_value<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        self.start.encode_value(encoder)?;
        self.end.encode_value(encoder)
    }

    fn decode_value<D: Decoder<Context = ()>>(decoder: &mut D) -> Result<Self, DecodeError> {
        Ok(T::decode_value(decoder)?..T::decode_value(decoder)?)
    }

    fn describe(types: &mut Types) -> ValueShape {
        let bound = T::describe(types);
        ValueShape::Tuple(vec![bound.clone(), bound])
    }
}

impl<T> NetabaseValue for PhantomData<T> {
    fn encode_value<E: Encoder>(&self, _: &mut E) -> Result<(), EncodeError> {
        Ok(())
    }

    fn decode_value<D: Decoder<Context = ()>>(_: &mut D) -> Result<Self, DecodeError> {
        Ok(Self)
    }

    fn describe(_: &mut Types) -> ValueShape {
        ValueShape::Tuple(Vec::new())
    }
}

/// The 16 bytes of the UUID.
#[cfg(feature = "uuid")]
impl NetabaseValue for uuid::Uuid {
    #[inline]
    fn encode_value<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        self.as_bytes().encode_value(encoder)
    }

    #[inline]
    fn decode_value<D: Decoder<Context = ()>>(decoder: &mut D) -> Result<Self, DecodeError> {
        <[u8; 16]>::decode(decoder).map(Self::from_bytes)
    }

    fn describe(_: &mut Types) -> ValueShape {
        ValueShape::Uuid
    }
}

#[cfg(feature = "chrono")]
mod chrono_values {
    use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, Utc};

    use super::{
        Decode as _, DecodeError, Decoder, EncodeError, Encoder, NetabaseValue, Types, ValueShape,
    };

    /// Seconds since the Unix epoch and nanoseconds, 12 bytes, little endian.
    impl NetabaseValue for DateTime<Utc> {
        #[inline]
        fn encode_value<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
            self.timestamp().to_le_bytes().encode_value(encoder)?;
            (self.timestamp_subsec_nanos().to_le_bytes()).encode_value(encoder)
        }

        #[inline]
        fn decode_value<D: Decoder<Context = ()>>(decoder: &mut D) -> Result<Self, DecodeError> {
            let seconds = i64::from_le_bytes(<[u8; 8]>::decode(decoder)?);
            let nanoseconds = u32::from_le_bytes(<[u8; 4]>::decode(decoder)?);
            Self::from_timestamp(seconds, nanoseconds)
                .ok_or(DecodeError::Other("a point in time is out of range"))
        }

        fn describe(_: &mut Types) -> ValueShape {
            ValueShape::Instant
        }
    }

    /// As if it were in UTC.
    impl NetabaseValue for NaiveDateTime {
        #[inline]
        fn encode_value<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
            self.and_utc().encode_value(encoder)
        }

        #[inline]
        fn decode_value<D: Decoder<Context = ()>>(decoder: &mut D) -> Result<Self, DecodeError> {
            DateTime::<Utc>::decode_value(decoder).map(|time| time.naive_utc())
        }

        fn describe(_: &mut Types) -> ValueShape {
            ValueShape::DateTime
        }
    }

    /// Days, of which the first is the first of January of the year 1: 4 bytes, little endian.
    impl NetabaseValue for NaiveDate {
        #[inline]
        fn encode_value<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
            (self.num_days_from_ce().to_le_bytes()).encode_value(encoder)
        }

        #[inline]
        fn decode_value<D: Decoder<Context = ()>>(decoder: &mut D) -> Result<Self, DecodeError> {
            let days = i32::from_le_bytes(<[u8; 4]>::decode(decoder)?);
            Self::from_num_days_from_ce_opt(days)
                .ok_or(DecodeError::Other("a date is out of range"))
        }

        fn describe(_: &mut Types) -> ValueShape {
            ValueShape::Date
        }
    }
}
