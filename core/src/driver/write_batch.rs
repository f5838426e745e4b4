//! A list of writes over several trees in one run of bytes, as it crosses the driver ABI.

use super::{DriverError, ErrorKind, Result, TreeId};

const PUT: u8 = 1;
const REMOVE: u8 = 2;
const CLEAR: u8 = 3;

/// One write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteOp<'a> {
    /// Database `value` under `key`.
    Put {
        /// The tree, as the transaction knows it.
        tree: TreeId,
        /// The key.
        key: &'a [u8],
        /// The value.
        value: &'a [u8],
    },
    /// Remove `key`, if it is there.
    Remove {
        /// The tree, as the transaction knows it.
        tree: TreeId,
        /// The key.
        key: &'a [u8],
    },
    /// Remove every entry.
    Clear {
        /// The tree, as the transaction knows it.
        tree: TreeId,
    },
}

/// A checked list of writes.
///
/// Each operation is a byte (1 put, 2 remove, 3 clear), the tree's id, then for put and remove the key's length and the
/// key, and for put the value's length and the value. Numbers are `u32`, little endian.
#[derive(Debug, Clone, Copy)]
pub struct WriteBatch<'a>(&'a [u8]);

impl<'a> WriteBatch<'a> {
    /// Takes an encoded list.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the bytes are not whole operations; nothing was run then.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut rest = bytes;
        while !rest.is_empty() {
            next(&mut rest).ok_or_else(|| {
                DriverError::new(
                    ErrorKind::InvalidInput,
                    format!(
                        "the list of operations is malformed at byte {}",
                        bytes.len() - rest.len()
                    ),
                )
            })?;
        }
        Ok(Self(bytes))
    }

    /// The list as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// The operations in order.
    #[must_use]
    pub fn iter(&self) -> OperationsIter<'a> {
        OperationsIter(self.0)
    }
}

impl<'a> IntoIterator for &WriteBatch<'a> {
    type Item = WriteOp<'a>;
    type IntoIter = OperationsIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The operations of a list, in order.
#[derive(Debug, Clone)]
pub struct OperationsIter<'a>(&'a [u8]);

impl<'a> Iterator for OperationsIter<'a> {
    type Item = WriteOp<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        next(&mut self.0)
    }
}

fn next<'a>(rest: &mut &'a [u8]) -> Option<WriteOp<'a>> {
    let mut input = *rest;
    let (&kind, tail) = input.split_first()?;
    input = tail;
    let tree = TreeId(take_u32(&mut input)?);
    let operation = match kind {
        PUT => WriteOp::Put {
            tree,
            key: take_slice(&mut input)?,
            value: take_slice(&mut input)?,
        },
        REMOVE => WriteOp::Remove {
            tree,
            key: take_slice(&mut input)?,
        },
        CLEAR => WriteOp::Clear { tree },
        _ => return None,
    };
    *rest = input;
    Some(operation)
}

fn take_u32(input: &mut &[u8]) -> Option<u32> {
    let (bytes, rest) = input.split_first_chunk()?;
    *input = rest;
    Some(u32::from_le_bytes(*bytes))
}

fn take_slice<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take_u32(input)?).ok()?;
    let (slice, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(slice)
}

/// Collects writes into a list.
///
/// # Examples
/// ```
/// use netabase_core::driver::{WriteOp, WriteBatchBuilder, TreeId};
///
/// let mut list = WriteBatchBuilder::new();
/// list.put(TreeId(0), b"key", b"value")?.remove(TreeId(1), b"other")?;
/// assert_eq!(list.as_batch().iter().count(), 2);
/// # Ok::<(), netabase_core::driver::DriverError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct WriteBatchBuilder(Vec<u8>);

impl WriteBatchBuilder {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a put.
    ///
    /// # Errors
    /// [`LimitExceeded`](ErrorKind::LimitExceeded) if key or value is 4 GiB or larger.
    pub fn put(&mut self, tree: TreeId, key: &[u8], value: &[u8]) -> Result<&mut Self> {
        let (key_length, value_length) = (length(key)?, length(value)?);
        self.begin(PUT, tree);
        self.slice(key_length, key);
        self.slice(value_length, value);
        Ok(self)
    }

    /// Appends a removal.
    ///
    /// # Errors
    /// [`LimitExceeded`](ErrorKind::LimitExceeded) if the key is 4 GiB or larger.
    pub fn remove(&mut self, tree: TreeId, key: &[u8]) -> Result<&mut Self> {
        let key_length = length(key)?;
        self.begin(REMOVE, tree);
        self.slice(key_length, key);
        Ok(self)
    }

    /// Appends the removal of every entry of a tree.
    pub fn clear(&mut self, tree: TreeId) -> &mut Self {
        self.begin(CLEAR, tree);
        self
    }

    /// The list.
    #[must_use]
    pub fn as_batch(&self) -> WriteBatch<'_> {
        WriteBatch(&self.0)
    }

    fn begin(&mut self, kind: u8, tree: TreeId) {
        self.0.push(kind);
        self.0.extend_from_slice(&tree.0.to_le_bytes());
    }

    fn slice(&mut self, length: [u8; 4], slice: &[u8]) {
        self.0.extend_from_slice(&length);
        self.0.extend_from_slice(slice);
    }
}

fn length(slice: &[u8]) -> Result<[u8; 4]> {
    u32::try_from(slice.len())
        .map(u32::to_le_bytes)
        .map_err(|_| {
            DriverError::new(
                ErrorKind::LimitExceeded,
                "a key or value is 4 GiB or larger; split it",
            )
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_list_gives_back_what_was_put_in() {
        let mut list = WriteBatchBuilder::new();
        list.put(TreeId(3), b"k", b"")
            .unwrap()
            .remove(TreeId(1), b"gone")
            .unwrap()
            .clear(TreeId(2));
        let parsed = WriteBatch::parse(list.as_batch().as_bytes()).unwrap();
        assert_eq!(
            parsed.iter().collect::<Vec<_>>(),
            [
                WriteOp::Put {
                    tree: TreeId(3),
                    key: b"k",
                    value: b""
                },
                WriteOp::Remove {
                    tree: TreeId(1),
                    key: b"gone"
                },
                WriteOp::Clear { tree: TreeId(2) },
            ]
        );
    }

    #[test]
    fn a_list_cut_anywhere_but_between_operations_is_refused() {
        let mut list = WriteBatchBuilder::new();
        list.put(TreeId(0), b"key", b"value").unwrap();
        let bytes = list.as_batch().as_bytes().to_vec();
        for end in 1..bytes.len() {
            let error = WriteBatch::parse(&bytes[..end]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_parsed_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(list) = WriteBatch::parse(&bytes) {
                let _ = list.iter().count();
            }
        }
    }
}
