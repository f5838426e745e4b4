//! Values: bincode 2 in its standard configuration, behind one module.
//!
//! A length in damaged bytes is not trusted. Strings and byte strings are taken from the bytes that are there; where
//! other fields have lengths, the memory that a decoder may claim is bounded, to 256 MiB for a value of up to 64 KiB, to
//! 512 MiB for one of up to 1 MiB, and else to 4 GiB, so that decoding fails instead of exhausting memory. The bounds do not
//! change the format. A type that holds itself is written and read no deeper than a thread's stack takes
//! ([`nested`](super::nested)). What no bound holds is a list of `()`, or of other types that read nothing at all: what
//! comes from others must not be decoded into one.

use bincode::config::standard;
use bincode::de::read::{Reader, SliceReader};
use bincode::de::{Decode, Decoder, DecoderImpl};
use bincode::enc::EncoderImpl;
use bincode::enc::write::Writer;
use bincode::error::{DecodeError, EncodeError};

use super::nested::{NestedReader, NestedWriter};
use crate::error::{ErrorKind, NetabaseError};
use crate::model::Record;

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

/// Runs `$read` on a decoder of `$bytes`, and checks that all bytes were taken. Unless the value is `$flat`, the decoder
/// has the claim that fits their length, and a reader that watches the stack.
macro_rules! bounded {
    ($bytes:expr, $flat:expr, $decoder:ident => $read:expr) => {{
        let bytes = $bytes;
        macro_rules! within {
            ($reader:ty, $config:expr) => {{
                let mut $decoder = DecoderImpl::new(<$reader>::new(bytes), $config, ());
                let value = $read.map_err(undecodable)?;
                if $decoder.reader().peek_read(1).is_some() {
                    Err(left_over())
                } else {
                    Ok(value)
                }
            }};
        }
        if $flat {
            within!(SliceReader<'_>, standard())
        } else if bytes.len() <= SMALL_VALUE {
            within!(NestedReader<'_>, standard().with_limit::<SMALL_CLAIM>())
        } else if bytes.len() <= MEDIUM_VALUE {
            within!(NestedReader<'_>, standard().with_limit::<MEDIUM_CLAIM>())
        } else {
            within!(NestedReader<'_>, standard().with_limit::<LARGE_CLAIM>())
        }
    }};
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

/// Appends the encoding of `record` to `out`.
///
/// # Errors
/// [`Codec`](ErrorKind::Codec) if a field's own encoding fails.
#[inline]
pub fn encode<M: Record>(record: &M, out: &mut Vec<u8>) -> Result<(), NetabaseError> {
    if M::FLAT {
        record.encode_fields(&mut EncoderImpl::new(AppendTo(out), standard()))
    } else {
        record.encode_fields(&mut EncoderImpl::new(NestedWriter::new(out), standard()))
    }
    .map_err(unencodable)
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
    bounded!(bytes, M::FLAT, decoder => M::borrow_fields(&mut decoder))
}

/// Decodes a value that has an encoding of its own, which has to take all of `bytes`.
///
/// # Errors
/// [`Codec`](ErrorKind::Codec) if the bytes are not such a value, or some are left over.
pub fn decode_plain<T: Decode<()>>(bytes: &[u8]) -> Result<T, NetabaseError> {
    bounded!(bytes, false, decoder => T::decode(&mut decoder))
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
