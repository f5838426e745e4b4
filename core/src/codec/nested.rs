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

/// How far the levels of a value that is decoded may make the stack grow, in bytes. Rust gives a thread 2 MiB by default.
const READING: usize = 512 << 10;

/// The same for encoding.
const WRITING: usize = 64 << 10;

/// The stack that grows by this much from one read to the next holds a large value, such as an array, and not another level.
const LARGE_VALUE: usize = 64 << 10;

/// Reads of nothing in a row: items without bytes, of which a list may claim any number.
const EMPTY_READS: u32 = 1 << 20;

/// How far the stack has grown. The address of a local tells; nothing is read from it.
#[derive(Debug, Clone, Copy)]
struct Stack {
    from: usize,
    /// The most that it has grown.
    deepest: usize,
    /// The part of that which large values take.
    values: usize,
}

impl Stack {
    #[inline(always)]
    fn here() -> usize {
        let local = 0_u8;
        ptr::from_ref(&local).addr()
    }

    #[inline(always)]
    fn new() -> Self {
        Self {
            from: Self::here(),
            deepest: 0,
            values: 0,
        }
    }

    /// Whether the levels so far take no more than this.
    #[inline(always)]
    fn is_within(&mut self, bytes: usize) -> bool {
        let grown = Self::here().abs_diff(self.from);
        if grown > self.deepest {
            self.deepen(grown);
        }
        grown.saturating_sub(self.values) <= bytes
    }

    fn deepen(&mut self, grown: usize) {
        let step = grown - self.deepest;
        if step >= LARGE_VALUE {
            self.values += step;
        }
        self.deepest = grown;
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
            stack: Stack::new(),
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
            stack: Stack::new(),
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

    /// A large array takes much of the stack, and is one level.
    #[test]
    fn large_arrays_are_read() {
        type Large = Vec<Box<[u8; 700_000]>>;
        let run = || {
            let large: Large = (0..3).map(|byte| Box::new([byte; 700_000])).collect();
            let mut bytes = Vec::new();
            let mut encoder = EncoderImpl::new(NestedWriter::new(&mut bytes), standard());
            large.encode(&mut encoder).unwrap();
            assert!(decode_plain::<Large>(&bytes).unwrap() == large);
        };
        let thread = std::thread::Builder::new().stack_size(32 << 20);
        thread.spawn(run).unwrap().join().unwrap();
    }

    #[test]
    fn a_list_of_nothing_without_end_is_refused() {
        let mut bytes = vec![253];
        bytes.extend((1_u64 << 30).to_le_bytes());
        let error = decode_plain::<Vec<[u8; 0]>>(&bytes).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("without bytes"), "{source}");
        let some = vec![[0_u8; 0]; 1_000];
        let bytes = bincode::encode_to_vec(&some, standard()).unwrap();
        assert_eq!(decode_plain::<Vec<[u8; 0]>>(&bytes).unwrap(), some);
    }
}
