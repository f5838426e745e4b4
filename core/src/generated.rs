//! What the code that the derive macros generate calls.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use bincode::de::{Decode, Decoder};
use bincode::enc::{Encode, Encoder};
use bincode::error::{DecodeError, EncodeError};

use crate::codec::key::{Key, KeyDecodeError, KeyShape, encode};
use crate::codec::netabase_value::NetabaseValue;
use crate::codec::shape::{Types, ValueShape};

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

/// A field of a model or of a nested type, which is stored by [`NetabaseValue`] if its type has that, and else by `bincode`'s
/// traits.
///
/// `Field::<T>::run` is the inherent function where `T` is a [`NetabaseValue`], since those come first, and else that of
/// [`OpaqueField`]. All that is done with a field goes through it, so that a type that has neither gives one error.
#[derive(Debug)]
pub struct Field<T>(PhantomData<T>);

/// What is done with a field, by either kind of traits.
pub trait FieldOperation<T> {
    /// What comes of it.
    type Output;

    /// Does it by the type's own trait.
    fn described(self) -> Self::Output
    where
        T: NetabaseValue;

    /// Does it by `bincode`'s traits.
    fn opaque(self) -> Self::Output
    where
        T: StoredField;
}

impl<T: NetabaseValue> Field<T> {
    /// Does it by the type's own trait.
    #[inline]
    pub fn run<O: FieldOperation<T>>(operation: O) -> O::Output {
        operation.described()
    }
}

/// [`Field::run`] for types that have `bincode`'s traits alone.
pub trait OpaqueField<T> {
    /// Does it by `bincode`'s traits.
    fn run<O: FieldOperation<T>>(operation: O) -> O::Output
    where
        T: StoredField;
}

impl<T> OpaqueField<T> for Field<T> {
    #[inline]
    fn run<O: FieldOperation<T>>(operation: O) -> O::Output
    where
        T: StoredField,
    {
        operation.opaque()
    }
}

/// Writes a value.
#[derive(Debug)]
pub struct EncodeField<'a, T, E>(pub &'a T, pub &'a mut E);

impl<T, E: Encoder> FieldOperation<T> for EncodeField<'_, T, E> {
    type Output = Result<(), EncodeError>;

    #[inline]
    fn described(self) -> Self::Output
    where
        T: NetabaseValue,
    {
        self.0.encode_value(self.1)
    }

    #[inline]
    fn opaque(self) -> Self::Output
    where
        T: StoredField,
    {
        StoredField::encode(self.0, self.1)
    }
}

/// Reads a value.
#[derive(Debug)]
pub struct DecodeField<'a, D>(pub &'a mut D);

impl<T, D: Decoder<Context = ()>> FieldOperation<T> for DecodeField<'_, D> {
    type Output = Result<T, DecodeError>;

    #[inline]
    fn described(self) -> Self::Output
    where
        T: NetabaseValue,
    {
        T::decode_value(self.0)
    }

    #[inline]
    fn opaque(self) -> Self::Output
    where
        T: StoredField,
    {
        StoredField::decode(self.0)
    }
}

/// Describes a type, which is written so.
#[derive(Debug)]
pub struct DescribeField<'a>(pub &'a mut Types, pub &'static str);

impl<T> FieldOperation<T> for DescribeField<'_> {
    type Output = ValueShape;

    fn described(self) -> ValueShape
    where
        T: NetabaseValue,
    {
        T::describe(self.0)
    }

    fn opaque(self) -> ValueShape
    where
        T: StoredField,
    {
        ValueShape::Opaque(self.1.to_owned())
    }
}

/// A type that `bincode`'s traits store.
///
/// Generated code asks for nothing else of a type without [`NetabaseValue`], so that one without either gives one error.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored: it has neither `NetabaseValue` nor bincode's `Encode` and `Decode`",
    label = "not a type that can be stored",
    note = "derive `NetabaseValue` for the type, or put `#[bincode(with_serde)]` on the field if the type has serde's traits",
    note = "`Uuid` needs the feature `uuid` of `netabase_store`, the date-times of `chrono` the feature `chrono`"
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
