//! What keys are looked up with: borrowed forms beside the owned ones, and ranges of both.

use std::cmp::Reverse;
use std::ops::{
    Bound, Range, RangeBounds, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive,
};

use super::key::{EncodeKey, KeyPrefix, encode_complement};

/// A value that stands for a key of type `K` in a look-up: the key itself, or its field, or what the field is borrowed as.
///
/// | a key of | is looked up with |
/// |---|---|
/// | an integer, `bool`, `char`, `Uuid`, a date-time, a type with `#[derive(NetabaseKey)]` | the value |
/// | `String` | `&str`, `String` |
/// | `Vec<u8>` | `&[u8]`, `Vec<u8>`, `b"…"` |
/// | `Option<T>`, an array | one of what stands for its values |
/// | several fields, or a tuple | a tuple of what stands for each |
///
/// Each by value or by reference, and the generated key type, such as `BookAuthorSecondaryKey`, for itself.
///
/// # Contract
/// [`encode_as`](Self::encode_as) writes what [`EncodeKey::encode_key`] writes for the `K` that this stands for.
///
/// # Examples
/// ```
/// # use netabase_core::codec::as_key::AsKey;
/// fn encoded<K>(key: impl AsKey<K>) -> Vec<u8> {
///     let mut out = Vec::new();
///     key.encode_as(&mut out);
///     out
/// }
/// assert_eq!(encoded::<String>("Austen"), encoded::<String>("Austen".to_owned()));
/// assert_eq!(encoded::<(String, u16)>(("Austen", 1815)), encoded::<(String, u16)>(("Austen".to_owned(), 1815)));
/// assert_eq!(encoded::<Vec<u8>>(b"ab"), encoded::<Vec<u8>>(vec![b'a', b'b']));
/// ```
#[diagnostic::on_unimplemented(
    message = "a key `{K}` cannot be looked up with `{Self}`",
    label = "not a `{K}`, nor what one is borrowed as",
    note = "a key is looked up with itself, with its field, or with a borrowed form: `&str` for `String`, `&[u8]` for `Vec<u8>`, a tuple for several fields"
)]
pub trait AsKey<K: ?Sized>: EncodeKey {
    /// Appends the encoding of the key that this stands for.
    #[inline]
    fn encode_as(&self, out: &mut Vec<u8>) {
        self.encode_key(out);
    }
}

impl<K: ?Sized, Q: AsKey<K> + ?Sized> AsKey<K> for &Q {
    #[inline]
    fn encode_as(&self, out: &mut Vec<u8>) {
        (**self).encode_as(out);
    }
}

macro_rules! values {
    ($($type:ty),*) => {$(
        impl AsKey<$type> for $type {}
    )*};
}

values!(
    u8,
    u16,
    u32,
    u64,
    u128,
    usize,
    i8,
    i16,
    i32,
    i64,
    i128,
    isize,
    bool,
    char,
    String,
    Vec<u8>,
    std::time::SystemTime
);

#[cfg(feature = "uuid")]
values!(uuid::Uuid);

#[cfg(feature = "chrono")]
values!(
    chrono::DateTime<chrono::Utc>,
    chrono::NaiveDateTime,
    chrono::NaiveDate
);

impl AsKey<String> for str {}

impl AsKey<Vec<u8>> for [u8] {}

/// The bytes, and not, as where the key is an array, a value for each place.
impl<const N: usize> AsKey<Vec<u8>> for [u8; N] {
    #[inline]
    fn encode_as(&self, out: &mut Vec<u8>) {
        self.as_slice().encode_key(out);
    }
}

impl<F, T: AsKey<F>> AsKey<Option<F>> for Option<T> {
    #[inline]
    fn encode_as(&self, out: &mut Vec<u8>) {
        match self {
            None => None::<u8>.encode_key(out),
            Some(value) => {
                out.push(1);
                value.encode_as(out);
            }
        }
    }
}

impl<F, T: AsKey<F>> AsKey<Reverse<F>> for Reverse<T> {
    #[inline]
    fn encode_as(&self, out: &mut Vec<u8>) {
        encode_complement(out, |out| self.0.encode_as(out));
    }
}

impl<F, T: AsKey<F>, const N: usize> AsKey<[F; N]> for [T; N] {
    #[inline]
    fn encode_as(&self, out: &mut Vec<u8>) {
        for item in self {
            item.encode_as(out);
        }
    }
}

macro_rules! tuples {
    ($($type:ident as $field:ident . $index:tt),+) => {
        impl<$($field, $type: AsKey<$field>),+> AsKey<($($field,)+)> for ($($type,)+) {
            #[inline]
            fn encode_as(&self, out: &mut Vec<u8>) {
                $(self.$index.encode_as(out);)+
            }
        }
    };
}

tuples!(A as FA.0);
tuples!(A as FA.0, B as FB.1);
tuples!(A as FA.0, B as FB.1, C as FC.2);
tuples!(A as FA.0, B as FB.1, C as FC.2, D as FD.3);
tuples!(A as FA.0, B as FB.1, C as FC.2, D as FD.3, E as FE.4);
tuples!(A as FA.0, B as FB.1, C as FC.2, D as FD.3, E as FE.4, F as FF.5);
tuples!(A as FA.0, B as FB.1, C as FC.2, D as FD.3, E as FE.4, F as FF.5, G as FG.6);
tuples!(A as FA.0, B as FB.1, C as FC.2, D as FD.3, E as FE.4, F as FF.5, G as FG.6, H as FH.7);

/// A range of keys of type `K`, between values that [stand for](AsKey) such keys: `"A".."C"` for a `String`.
///
/// Every range of the standard library is one, and so is a pair of [`Bound`]s.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a range of keys `{K}`",
    note = "a range is written as `from..to`, `from..=to`, `from..`, `..to`, `..=to`, `..` or `(Bound, Bound)`"
)]
pub trait KeyRange<K: ?Sized> {
    /// The encoded bounds.
    fn encode_bounds(&self) -> (Bound<Vec<u8>>, Bound<Vec<u8>>);
}

impl<K: ?Sized> KeyRange<K> for RangeFull {
    fn encode_bounds(&self) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
        (Bound::Unbounded, Bound::Unbounded)
    }
}

macro_rules! ranges {
    ($($range:ty),*) => {$(
        impl<K: ?Sized, Q: AsKey<K>> KeyRange<K> for $range {
            fn encode_bounds(&self) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
                let encode = |key: &Q| {
                    let mut out = Vec::new();
                    key.encode_as(&mut out);
                    out
                };
                (RangeBounds::<Q>::start_bound(self).map(encode), RangeBounds::<Q>::end_bound(self).map(encode))
            }
        }
    )*};
}

ranges!(
    Range<Q>,
    RangeFrom<Q>,
    RangeInclusive<Q>,
    RangeTo<Q>,
    RangeToInclusive<Q>,
    (Bound<Q>, Bound<Q>)
);

macro_rules! tuple_prefix {
    ($($head:ident as $field:ident . $index:tt),+ ; $($tail:ident),+) => {
        impl<$($head: AsKey<$field>, $field,)+ $($tail),+> KeyPrefix<($($field,)+ $($tail,)+)> for ($($head,)+) {
            fn encode_prefix(&self, out: &mut Vec<u8>) {
                $(self.$index.encode_as(out);)+
            }
        }
    };
}

tuple_prefix!(A as FA.0; B);
tuple_prefix!(A as FA.0; B, C);
tuple_prefix!(A as FA.0; B, C, D);
tuple_prefix!(A as FA.0; B, C, D, E);
tuple_prefix!(A as FA.0; B, C, D, E, F);
tuple_prefix!(A as FA.0; B, C, D, E, F, G);
tuple_prefix!(A as FA.0; B, C, D, E, F, G, H);
tuple_prefix!(A as FA.0, B as FB.1; C);
tuple_prefix!(A as FA.0, B as FB.1; C, D);
tuple_prefix!(A as FA.0, B as FB.1; C, D, E);
tuple_prefix!(A as FA.0, B as FB.1; C, D, E, F);
tuple_prefix!(A as FA.0, B as FB.1; C, D, E, F, G);
tuple_prefix!(A as FA.0, B as FB.1; C, D, E, F, G, H);
tuple_prefix!(A as FA.0, B as FB.1, C as FC.2; D);
tuple_prefix!(A as FA.0, B as FB.1, C as FC.2; D, E);
tuple_prefix!(A as FA.0, B as FB.1, C as FC.2; D, E, F);
tuple_prefix!(A as FA.0, B as FB.1, C as FC.2; D, E, F, G);
tuple_prefix!(A as FA.0, B as FB.1, C as FC.2; D, E, F, G, H);
tuple_prefix!(A as FA.0, B as FB.1, C as FC.2, D as FD.3; E);
tuple_prefix!(A as FA.0, B as FB.1, C as FC.2, D as FD.3; E, F);
tuple_prefix!(A as FA.0, B as FB.1, C as FC.2, D as FD.3; E, F, G);
tuple_prefix!(A as FA.0, B as FB.1, C as FC.2, D as FD.3; E, F, G, H);
tuple_prefix!(A as FA.0, B as FB.1, C as FC.2, D as FD.3, E as FE.4; F);
tuple_prefix!(A as FA.0, B as FB.1, C as FC.2, D as FD.3, E as FE.4; F, G);
tuple_prefix!(A as FA.0, B as FB.1, C as FC.2, D as FD.3, E as FE.4; F, G, H);
tuple_prefix!(A as FA.0, B as FB.1, C as FC.2, D as FD.3, E as FE.4, F as FF.5; G);
tuple_prefix!(A as FA.0, B as FB.1, C as FC.2, D as FD.3, E as FE.4, F as FF.5; G, H);
tuple_prefix!(A as FA.0, B as FB.1, C as FC.2, D as FD.3, E as FE.4, F as FF.5, G as FG.6; H);
