//! How a record is stored: its encoded value and, where the database keeps them, a checksum behind it.
//!
//! The checksum is four bytes, little endian: the lower half of `XXH3_64(value) ^ XXH3_64(key, seed = tree)`, where `tree`
//! is the number of the model's tree. So a value that is damaged, or found under another key or in another tree than the one
//! it was written to, is not taken for a record. Damage goes unnoticed once in four billion times. It protects against
//! failing hardware, not against people: anyone who can write the file can write a checksum.
//!
//! XXH3: <https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md>.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::error::{ErrorKind, NetabaseError};

/// The length of a checksum, in bytes.
pub const LENGTH: usize = 4;

/// What stands around the encoded values of one tree of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordForm {
    /// The number of the tree.
    pub tree: u32,
    /// Whether a checksum stands behind each value.
    pub has_checksums: bool,
}

impl RecordForm {
    /// Ends a record: appends its checksum, if there is to be one, to the encoded value.
    #[inline]
    pub fn seal(self, key: &[u8], value: &mut Vec<u8>) {
        if self.has_checksums {
            let checksum = self.checksum(key, value);
            value.extend_from_slice(&checksum.to_le_bytes());
        }
    }

    /// [`seal`](Self::seal) where `out` holds, from `start` on, the key, and from `value` on the encoded value.
    #[inline]
    pub fn seal_behind_key(self, start: usize, value: usize, out: &mut Vec<u8>) {
        if self.has_checksums {
            let checksum = self.checksum(&out[start..value], &out[value..]);
            out.extend_from_slice(&checksum.to_le_bytes());
        }
    }

    /// The encoded value within a stored record.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) if it is not what was written under this key.
    #[inline]
    pub fn open<'a>(self, key: &[u8], stored: &'a [u8]) -> Result<&'a [u8], NetabaseError> {
        if !self.has_checksums {
            return Ok(stored);
        }
        match stored.split_last_chunk() {
            Some((value, checksum))
                if u32::from_le_bytes(*checksum) == self.checksum(key, value) =>
            {
                Ok(value)
            }
            _ => Err(damaged()),
        }
    }

    #[inline]
    fn checksum(self, key: &[u8], value: &[u8]) -> u32 {
        (xxh3_64(value) ^ xxh3_64_with_seed(key, self.tree.into())) as u32
    }
}

#[cold]
fn damaged() -> NetabaseError {
    NetabaseError::new(
        ErrorKind::Corrupt,
        "the record is damaged: its checksum is not that of what was written; check the disk, then restore a backup, or \
         give the record up with `discard`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECKED: RecordForm = RecordForm {
        tree: 3,
        has_checksums: true,
    };

    fn sealed(form: RecordForm, key: &[u8], value: &[u8]) -> Vec<u8> {
        let mut stored = value.to_vec();
        form.seal(key, &mut stored);
        let mut behind = [b"before", key, value].concat();
        form.seal_behind_key(6, 6 + key.len(), &mut behind);
        assert_eq!(behind[6 + key.len()..], stored);
        stored
    }

    #[test]
    fn the_stored_bytes_are_these() {
        assert_eq!(
            sealed(CHECKED, b"key", b"value"),
            [b"value".as_slice(), &[160, 78, 235, 237]].concat()
        );
        assert_eq!(sealed(CHECKED, b"k", b"").len(), LENGTH);
        let plain = RecordForm {
            has_checksums: false,
            ..CHECKED
        };
        assert_eq!(sealed(plain, b"key", b"value"), b"value");
        assert_eq!(plain.open(b"key", b"value").unwrap(), b"value");
    }

    #[test]
    fn a_flipped_bit_another_key_and_another_tree_are_noticed() {
        for value in [b"".as_slice(), b"value", &[7; 300], &[0; 5000]] {
            let stored = sealed(CHECKED, b"key", value);
            assert_eq!(CHECKED.open(b"key", &stored).unwrap(), value);
            for bit in 0..stored.len() * 8 {
                let mut stored = stored.clone();
                stored[bit / 8] ^= 1 << (bit % 8);
                let error = CHECKED.open(b"key", &stored).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{bit}");
            }
            assert!(CHECKED.open(b"kex", &stored).is_err());
            assert!(
                RecordForm { tree: 4, ..CHECKED }
                    .open(b"key", &stored)
                    .is_err()
            );
            assert!(CHECKED.open(b"key", &stored[..stored.len() - 1]).is_err());
        }
        assert!(CHECKED.open(b"key", b"abc").is_err());
    }
}
