//! Records as the bytes of their values.

use std::marker::PhantomData;

use bincode::de::BorrowDecoder;
use bincode::enc::Encoder;
use bincode::error::{DecodeError, EncodeError};

use super::Record;
use crate::codec::value::{self, ReadValue, WriteValue};
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::NetabaseError;

/// The borrowed view of a record, as it is read.
struct View<M>(PhantomData<M>);

impl<'a, M: Record> ReadValue<'a> for View<M> {
    type Value = M::Ref<'a>;

    const FLAT: bool = M::FLAT;

    #[inline(always)]
    fn read<D: BorrowDecoder<'a, Context = ()>>(
        decoder: &mut D,
    ) -> Result<M::Ref<'a>, DecodeError> {
        M::borrow_fields(decoder)
    }
}

/// The fields of a record, as they are written.
struct Fields<'r, M>(&'r M);

impl<M: Record> WriteValue for Fields<'_, M> {
    const FLAT: bool = M::FLAT;

    #[inline(always)]
    fn write<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        self.0.encode_fields(encoder)
    }
}

/// Appends the encoding of `record` to `out`.
///
/// # Errors
/// [`Codec`](ErrorKind::Codec) if a field's own encoding fails.
#[inline]
pub fn encode<M: Record>(record: &M, out: &mut Vec<u8>) -> Result<(), NetabaseError> {
    value::write(&Fields(record), out)
}

/// Decodes a record, which has to take all of `bytes`.
///
/// # Errors
/// [`Codec`](ErrorKind::Codec) if the bytes are not such a record, or some are left over.
#[inline]
pub fn decode<M: Record>(bytes: &[u8]) -> Result<M, NetabaseError> {
    // By way of the view: a string is found to be UTF-8 where it lies, then copied once.
    decode_ref::<M>(bytes).map(M::from_ref)
}

/// Decodes the borrowed view of a record, which has to take all of `bytes`.
///
/// # Errors
/// [`Codec`](ErrorKind::Codec) if the bytes are not such a record, or some are left over.
#[inline]
pub fn decode_ref<M: Record>(bytes: &[u8]) -> Result<M::Ref<'_>, NetabaseError> {
    value::read::<View<M>>(bytes)
}
