//! Buffers that operations use again instead of allocating, one set a thread.

use std::cell::Cell;

use crate::index::EncodedKeys;

/// Buffers of one operation. Each is cleared before it is filled.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) primary: Vec<u8>,
    pub(crate) value: Vec<u8>,
    pub(crate) old_value: Vec<u8>,
    pub(crate) entry: Vec<u8>,
    pub(crate) old: EncodedKeys,
    pub(crate) new: EncodedKeys,
}

impl Scratch {
    /// The size of all buffers, in bytes.
    fn capacity(&self) -> usize {
        [&self.primary, &self.value, &self.old_value, &self.entry]
            .map(Vec::capacity)
            .iter()
            .sum::<usize>()
            + self.old.capacity()
            + self.new.capacity()
    }
}

/// Largest size of buffers that are kept for the next operation, in bytes.
const KEPT: usize = 1 << 20;

thread_local! {
    static SPARE: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Runs `run` with this thread's buffers; with new ones inside of another such call.
#[inline]
pub(crate) fn with<R>(run: impl FnOnce(&mut Scratch) -> R) -> R {
    let mut scratch = SPARE
        .try_with(Cell::take)
        .ok()
        .flatten()
        .unwrap_or_default();
    let result = run(&mut scratch);
    if scratch.capacity() <= KEPT {
        let _ = SPARE.try_with(|spare| spare.set(Some(scratch)));
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> usize {
        with(|scratch| scratch.capacity())
    }

    #[test]
    fn large_buffers_are_not_kept() {
        let buffers: [fn(&mut Scratch) -> &mut Vec<u8>; 4] = [
            |scratch| &mut scratch.primary,
            |scratch| &mut scratch.value,
            |scratch| &mut scratch.old_value,
            |scratch| &mut scratch.entry,
        ];
        for buffer in buffers {
            with(|scratch| buffer(scratch).reserve(KEPT / 2));
            assert!(kept() >= KEPT / 2);
            with(|scratch| buffer(scratch).reserve(KEPT + 1));
            assert_eq!(kept(), 0);
        }
    }
}
