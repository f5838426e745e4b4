//! Reading and writing values that may be nested: no deeper than the stack takes, and no longer than the bytes last.
//!
//! bincode decodes a type that holds itself as deep as the bytes say, and its derived code offers no count of levels. But
//! every level reads at least a byte: so the reader measures, at each read, how far the stack has grown since decoding
//! began. The writer does the same with a smaller bound, as encoding needs less of the stack, so that nothing is written
//! which could not be read.

use std::ptr;

use bincode::de::read::{BorrowReader, Reader, SliceReader};
use bincode::enc::write::Writer;
use bincode::error::{DecodeError, EncodeError};

/// How far decoding may make the stack grow, in bytes. Rust gives a thread 2 MiB by default.
const READING: usize = 512 << 10;

/// The same for encoding.
const WRITING: usize = 64 << 10;

/// Reads of nothing in a row: items without bytes, of which a list may claim any number.
const EMPTY_READS: u32 = 1 << 20;

/// A place in the stack from which it is measured.
#[derive(Debug, Clone, Copy)]
struct Stack {
    from: usize,
}

impl Stack {
    #[inline(always)]
    fn here() -> Self {
        let local = 0_u8;
        Self {
            from: ptr::from_ref(&local).addr(),
        }
    }

    /// Whether it has grown by no more than this. The address of a local tells; nothing is read from it.
    #[inline(always)]
    fn is_within(self, bytes: usize) -> bool {
        Self::here().from.abs_diff(self.from) <= bytes
    }
}

/// The bytes of a value that may be nested.
pub(super) struct NestedReader<'a> {
    bytes: SliceReader<'a>,
    stack: Stack,
    empty_reads: u32,
}

impl<'a> NestedReader<'a> {
    #[inline]
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes: SliceReader::new(bytes),
            stack: Stack::here(),
            empty_reads: 0,
        }
    }

    #[inline(always)]
    fn check(&mut self, length: usize) -> Result<(), DecodeError> {
        if !self.stack.is_within(READING) {
            return Err(DecodeError::Other(
                "the value is nested deeper than the stack takes",
            ));
        }
        if length > 0 {
            self.empty_reads = 0;
            return Ok(());
        }
        self.empty_reads += 1;
        match self.empty_reads > EMPTY_READS {
            true => Err(DecodeError::Other(
                "a list of items without bytes is longer than 1,048,576",
            )),
            false => Ok(()),
        }
    }
}

impl Reader for NestedReader<'_> {
    #[inline(always)]
    fn read(&mut self, bytes: &mut [u8]) -> Result<(), DecodeError> {
        self.check(bytes.len())?;
        self.bytes.read(bytes)
    }

    /// Without the bytes where the stack is used up: what asks for them goes on to [`read`](Self::read), and learns why.
    #[inline(always)]
    fn peek_read(&mut self, n: usize) -> Option<&[u8]> {
        match self.stack.is_within(READING) {
            true => self.bytes.peek_read(n),
            false => None,
        }
    }

    #[inline(always)]
    fn consume(&mut self, n: usize) {
        self.empty_reads = 0;
        self.bytes.consume(n);
    }
}

impl<'a> BorrowReader<'a> for NestedReader<'a> {
    #[inline(always)]
    fn take_bytes(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        self.check(length)?;
        self.bytes.take_bytes(length)
    }
}

/// Appends a value that may be nested to a buffer which its owner uses again.
pub(super) struct NestedWriter<'a> {
    buffer: &'a mut Vec<u8>,
    stack: Stack,
}

impl<'a> NestedWriter<'a> {
    #[inline]
    pub(super) fn new(buffer: &'a mut Vec<u8>) -> Self {
        Self {
            buffer,
            stack: Stack::here(),
        }
    }
}

impl Writer for NestedWriter<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        if !self.stack.is_within(WRITING) {
            return Err(EncodeError::Other(
                "the value is nested so deep that it could not be read back; store it in another form, such as a list",
            ));
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bincode::config::standard;
    use bincode::enc::EncoderImpl;
    use bincode::{Decode, Encode};

    use super::super::value::decode_plain;
    use super::*;

    #[derive(Encode, Decode, PartialEq, Debug)]
    struct Node {
        below: Option<Box<Node>>,
    }

    fn nested(levels: usize) -> Node {
        let mut node = Node { below: None };
        for _ in 0..levels {
            node = Node {
                below: Some(Box::new(node)),
            };
        }
        node
    }

    #[test]
    fn a_value_nested_without_end_is_refused() {
        let error = decode_plain::<Node>(&vec![1; 2 << 20]).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("nested deeper"), "{source}");
    }

    /// Down to some depth everything is written and read; below it, nothing is written that is not read.
    #[test]
    fn what_is_written_is_read_back() {
        let mut deepest = 0;
        for levels in (0..2_000).step_by(50) {
            let value = nested(levels);
            let mut bytes = Vec::new();
            let mut encoder = EncoderImpl::new(NestedWriter::new(&mut bytes), standard());
            if value.encode(&mut encoder).is_ok() {
                assert_eq!(decode_plain::<Node>(&bytes).unwrap(), value);
                deepest = levels;
            }
        }
        assert!(deepest >= 100, "{deepest} levels");
    }

    #[test]
    fn a_list_of_nothing_without_end_is_refused() {
        let mut bytes = vec![253];
        bytes.extend((1_u64 << 40).to_le_bytes());
        let error = decode_plain::<Vec<[u8; 0]>>(&bytes).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("without bytes"), "{source}");
        let some = vec![[0_u8; 0]; 1_000];
        let bytes = bincode::encode_to_vec(&some, standard()).unwrap();
        assert_eq!(decode_plain::<Vec<[u8; 0]>>(&bytes).unwrap(), some);
    }
}
