//! What the code that the derive macros generate calls.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use bincode::de::{Decode, Decoder};
use bincode::enc::{Encode, Encoder};
use bincode::error::{DecodeError, EncodeError};

use crate::codec::key::{Key, KeyDecodeError, KeyShape, encode};

/// A field of a key.
///
/// Generated code asks for nothing else of a field's type, so that a type that is no [`Key`] gives one error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be used in a key: it has no encoding that sorts as its values do",
    label = "not a key type",
    note = "keys are made of integers, `bool`, `char`, `String`, `Vec<u8>`, `Option`, tuples, arrays, `Uuid`, date-times, and types with `#[derive(NetabaseKey)]`",
    note = "floating-point numbers and maps do not order; store an integer (such as cents or microdegrees) instead"
)]
pub trait KeyPart: Sized {
    /// [`Key::SHAPE`].
    const SHAPE: KeyShape;

    /// [`encode_key`](crate::codec::key::EncodeKey::encode_key).
    fn encode(&self, out: &mut Vec<u8>);

    /// [`Key::decode_key`].
    ///
    /// # Errors
    /// As there.
    fn decode(input: &mut &[u8]) -> Result<Self, KeyDecodeError>;

    /// [`Key::skip_key`].
    ///
    /// # Errors
    /// As there.
    fn skip(input: &mut &[u8]) -> Result<(), KeyDecodeError>;

    /// [`Clone::clone`].
    fn copied(&self) -> Self;

    /// [`PartialEq::eq`].
    fn equals(&self, other: &Self) -> bool;

    /// [`Ord::cmp`].
    fn compare(&self, other: &Self) -> Ordering;

    /// Hashes the encoding, which is the same where values are equal: a key need not be [`Hash`].
    fn hash_encoding<H: Hasher>(&self, state: &mut H);
}

impl<K: Key> KeyPart for K {
    const SHAPE: KeyShape = K::SHAPE;

    #[inline]
    fn encode(&self, out: &mut Vec<u8>) {
        self.encode_key(out);
    }

    #[inline]
    fn decode(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
        K::decode_key(input)
    }

    #[inline]
    fn skip(input: &mut &[u8]) -> Result<(), KeyDecodeError> {
        K::skip_key(input)
    }

    #[inline]
    fn copied(&self) -> Self {
        self.clone()
    }

    #[inline]
    fn equals(&self, other: &Self) -> bool {
        self == other
    }

    #[inline]
    fn compare(&self, other: &Self) -> Ordering {
        self.cmp(other)
    }

    fn hash_encoding<H: Hasher>(&self, state: &mut H) {
        encode(self).hash(state);
    }
}

/// A field of a model, which is stored by `bincode`'s traits.
///
/// Generated code asks for nothing else of a field's type, so that a type without them gives one error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored: it does not have bincode's `Encode` and `Decode`",
    label = "no type of bincode's",
    note = "derive `bincode::Encode` and `bincode::Decode` for the type, or put `#[bincode(with_serde)]` on the field if the type has serde's traits"
)]
pub trait StoredField: Sized {
    /// [`Encode::encode`].
    ///
    /// # Errors
    /// As there.
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError>;

    /// [`Decode::decode`].
    ///
    /// # Errors
    /// As there.
    fn decode<D: Decoder<Context = ()>>(decoder: &mut D) -> Result<Self, DecodeError>;
}

impl<T: Encode + Decode<()>> StoredField for T {
    #[inline]
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        Encode::encode(self, encoder)
    }

    #[inline]
    fn decode<D: Decoder<Context = ()>>(decoder: &mut D) -> Result<Self, DecodeError> {
        Decode::decode(decoder)
    }
}
