//! Definitions and keys as bytes of their own, to hand to something that is not a database.

use std::fmt;
use std::ops::Deref;

use bincode::config::standard;
use bincode::{Decode, Encode};

use crate::error::{ErrorKind, NetabaseError};

/// Bytes that are encoded once and read many times.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct IVec(Box<[u8]>);

impl Deref for IVec {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for IVec {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for IVec {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<&[u8]> for IVec {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl From<IVec> for Vec<u8> {
    fn from(bytes: IVec) -> Self {
        bytes.0.into()
    }
}

impl fmt::Debug for IVec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Encoding into bytes of their own: bincode 2 in its standard configuration.
pub trait ToIVec {
    /// The encoded form.
    ///
    /// # Errors
    /// [`Codec`](ErrorKind::Codec) if a field's own encoding fails.
    fn to_ivec(&self) -> Result<IVec, NetabaseError>;
}

impl<T: Encode> ToIVec for T {
    fn to_ivec(&self) -> Result<IVec, NetabaseError> {
        bincode::encode_to_vec(self, standard())
            .map(Into::into)
            .map_err(|error| {
                NetabaseError::new(
                    ErrorKind::Codec,
                    "the value cannot be encoded; a field's own encoding failed",
                )
                .with_source(error)
            })
    }
}

/// Decoding what [`ToIVec`] encoded.
pub trait FromIVec: Sized {
    /// The value, which has to take all of the bytes.
    ///
    /// # Errors
    /// [`Codec`](ErrorKind::Codec) if the bytes are not such a value, or some are left over.
    fn from_ivec(bytes: &IVec) -> Result<Self, NetabaseError>;
}

impl<T: Decode<()>> FromIVec for T {
    fn from_ivec(bytes: &IVec) -> Result<Self, NetabaseError> {
        super::value::decode_plain(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_give_back_the_value_and_nothing_else() {
        let bytes = (7u64, "seven".to_owned()).to_ivec().unwrap();
        assert_eq!(
            <(u64, String)>::from_ivec(&bytes).unwrap(),
            (7, "seven".into())
        );
        let longer = IVec::from([&bytes[..], &[0]].concat());
        assert_eq!(
            <(u64, String)>::from_ivec(&longer).unwrap_err().kind(),
            ErrorKind::Codec
        );
        let shorter = IVec::from(&bytes[..3]);
        assert_eq!(
            <(u64, String)>::from_ivec(&shorter).unwrap_err().kind(),
            ErrorKind::Codec
        );
    }

    #[test]
    fn a_damaged_length_is_an_error_and_not_an_allocation() {
        let huge = bincode::encode_to_vec(u64::MAX, standard()).unwrap();
        assert_eq!(
            Vec::<u8>::from_ivec(&huge.into()).unwrap_err().kind(),
            ErrorKind::Codec
        );
    }
}
