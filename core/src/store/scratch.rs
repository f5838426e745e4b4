//! Buffers that operations use again instead of allocating, one set a thread.

use std::cell::Cell;

use crate::index::EncodedKeys;

/// Buffers of one operation. Each is cleared by whoever fills it.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) primary: Vec<u8>,
    pub(crate) value: Vec<u8>,
    pub(crate) old_value: Vec<u8>,
    pub(crate) entry: Vec<u8>,
    pub(crate) old: EncodedKeys,
    pub(crate) new: EncodedKeys,
}

/// Largest buffer that is kept for the next operation, in bytes.
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
    if scratch.value.capacity().max(scratch.old_value.capacity()) <= KEPT {
        let _ = SPARE.try_with(|spare| spare.set(Some(scratch)));
    }
    result
}
