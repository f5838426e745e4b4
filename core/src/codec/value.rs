//! Values: bincode 2 in its standard configuration, behind one module.
//!
//! A length in damaged bytes is not trusted. Strings and byte strings are taken from the bytes that are there; where
//! other fields have lengths, the memory that a decoder may claim is bounded, to 256 MiB for a value of up to 64 KiB, to
//! 512 MiB for one of up to 1 MiB, and else to 4 GiB, so that decoding fails instead of exhausting memory. The bounds do not
//! change the format. A type that holds itself is written and read no deeper than a thread's stack takes. No bound holds
//! for a list of `()`, or of other types that read nothing at all: what comes from others must not be decoded into one.

use std::marker::PhantomData;

use bincode::config::{Config, standard};
use bincode::de::read::{BorrowReader, SliceReader};
use bincode::de::{BorrowDecoder, Decode, Decoder as _, DecoderImpl};
use bincode::enc::write::Writer;
use bincode::enc::{Encoder, EncoderImpl};
use bincode::error::{DecodeError, EncodeError};

use super::nested::{NestedReader, NestedWriter};
use crate::error::{ErrorKind, NetabaseError};

/// Memory that the decoded form of a value of up to [`SMALL_VALUE`] bytes may claim.
const SMALL_CLAIM: usize = 256 << 20;

/// Memory that the decoded form of a value of up to [`MEDIUM_VALUE`] bytes may claim.
const MEDIUM_CLAIM: usize = 512 << 20;

/// Memory that the decoded form of any value may claim.
const LARGE_CLAIM: usize = if usize::BITS > 32 {
    (4 << 30) - 1
} else {
    isize::MAX as usize
};

/// The largest value that [`SMALL_CLAIM`] is for.
const SMALL_VALUE: usize = 64 << 10;

/// The largest value that [`MEDIUM_CLAIM`] is for.
const MEDIUM_VALUE: usize = 1 << 20;

/// How values of one kind are read.
pub(crate) trait ReadValue<'a> {
    /// What is read.
    type Value;

    /// Whether nothing in it has a length but strings and byte strings, and nothing is nested.
    const FLAT: bool;

    fn read<D: BorrowDecoder<'a, Context = ()>>(
        decoder: &mut D,
    ) -> Result<Self::Value, DecodeError>;
}

/// How a value is written.
pub(crate) trait WriteValue {
    /// As [`ReadValue::FLAT`].
    const FLAT: bool;

    fn write<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError>;
}

/// Reads a value, which has to take all of `bytes`. One that is not flat gets the claim that fits their length, and a reader
/// that watches the stack.
#[inline]
pub(crate) fn read<'a, T: ReadValue<'a>>(bytes: &'a [u8]) -> Result<T::Value, NetabaseError> {
    if T::FLAT {
        return read_all::<T>(SliceReader::new(bytes), standard());
    }
    let nested = NestedReader::new(bytes);
    if bytes.len() <= SMALL_VALUE {
        read_all::<T>(nested, standard().with_limit::<SMALL_CLAIM>())
    } else if bytes.len() <= MEDIUM_VALUE {
        read_all::<T>(nested, standard().with_limit::<MEDIUM_CLAIM>())
    } else {
        read_all::<T>(nested, standard().with_limit::<LARGE_CLAIM>())
    }
}

#[inline(always)]
fn read_all<'a, T: ReadValue<'a>>(
    reader: impl BorrowReader<'a>,
    config: impl Config,
) -> Result<T::Value, NetabaseError> {
    let mut decoder = DecoderImpl::new(reader, config, ());
    let value = T::read(&mut decoder).map_err(undecodable)?;
    match decoder.reader().peek_read(1) {
        Some(_) => Err(left_over()),
        None => Ok(value),
    }
}

/// Appends the encoding of a value to `out`.
#[inline]
pub(crate) fn write<T: WriteValue>(value: &T, out: &mut Vec<u8>) -> Result<(), NetabaseError> {
    let written = match T::FLAT {
        true => value.write(&mut EncoderImpl::new(AppendTo(out), standard())),
        false => value.write(&mut EncoderImpl::new(NestedWriter::new(out), standard())),
    };
    written.map_err(unencodable)
}

/// A writer that appends to a buffer which its owner uses again.
struct AppendTo<'a>(&'a mut Vec<u8>);

impl Writer for AppendTo<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// Decodes a value that has an encoding of its own, which has to take all of `bytes`.
///
/// # Errors
/// [`Codec`](ErrorKind::Codec) if the bytes are not such a value, or some are left over.
pub fn decode_plain<T: Decode<()>>(bytes: &[u8]) -> Result<T, NetabaseError> {
    struct Plain<T>(PhantomData<T>);

    impl<'a, T: Decode<()>> ReadValue<'a> for Plain<T> {
        type Value = T;

        const FLAT: bool = false;

        fn read<D: BorrowDecoder<'a, Context = ()>>(decoder: &mut D) -> Result<T, DecodeError> {
            T::decode(decoder)
        }
    }

    read::<Plain<T>>(bytes)
}

#[cold]
fn unencodable(error: EncodeError) -> NetabaseError {
    NetabaseError::new(
        ErrorKind::Codec,
        "the value cannot be encoded: a field's own encoding failed; change what its source complains of",
    )
    .with_source(error)
}

#[cold]
fn undecodable(error: DecodeError) -> NetabaseError {
    NetabaseError::new(
        ErrorKind::Codec,
        "the stored bytes are not a value of this type: another version of the type wrote them, or they are damaged; read \
         them with the type that wrote them, restore a backup, or give a record up with `discard`",
    )
    .with_source(error)
}

#[cold]
fn left_over() -> NetabaseError {
    NetabaseError::new(
        ErrorKind::Codec,
        "bytes are left over after the value: another version of the type wrote them, or they are damaged; read them with \
         the type that wrote them, restore a backup, or give a record up with `discard`",
    )
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn what_bytes_claim_is_bounded_by_how_many_there_are() {
        for (length, items) in [
            (100, SMALL_CLAIM / 8 + 1),
            (SMALL_VALUE + 1, MEDIUM_CLAIM / 8 + 1),
            (MEDIUM_VALUE + 1, LARGE_CLAIM / 8 + 1),
        ] {
            let mut bytes = vec![253];
            bytes.extend((items as u64).to_le_bytes());
            bytes.resize(length, 0);
            let error = decode_plain::<Vec<u64>>(&bytes).unwrap_err();
            let source = error.source().unwrap().to_string();
            assert!(source.contains("LimitExceeded"), "{length}: {source}");
        }
    }
}
