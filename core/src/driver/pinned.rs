//! Reads pinned to their transaction: values that stay where the engine keeps them for as long as the transaction lives.

use super::{Read, Result, TreeId};

/// Reading whose values outlive the call, and the step of the cursor, that gave them.
///
/// [`Read`] lends a value to a closure, or until its cursor moves. A *guard* lends it for as long as the transaction lives:
/// any number of values may be held at once, and none is copied. An extension of the contract, for engines that can pin
/// what a snapshot shows; it does not cross the driver ABI.
///
/// # Contract
/// - A guard shows the value as the transaction's snapshot has it, whatever is written meanwhile.
/// - Giving a guard neither copies the value nor allocates.
///
/// # Examples
/// ```
/// use netabase_core::driver::{
///     Bounds, Cursor, Direction, Driver, Durability, OpenConfig, PinnedRead, Read, Database, Write,
/// };
/// use netabase_core::memory::Memory;
///
/// let store = Memory.open(&OpenConfig::new(""))?;
/// let mut writer = store.begin_write()?;
/// let people = writer.tree("people")?;
/// writer.put(people, b"ada", b"1815", |_| ())?;
/// writer.put(people, b"alan", b"1912", |_| ())?;
/// writer.commit(Durability::Immediate)?;
///
/// fn two_at_once(reader: &impl PinnedRead) -> Result<(), netabase_core::error::DriverError> {
///     let people = reader.tree("people")?;
///     let ada = reader.get_pinned(people, b"ada")?;
///     let alan = reader.get_pinned(people, b"alan")?;
///     assert_eq!(ada.as_ref().map(AsRef::as_ref), Some(&b"1815"[..]));
///     assert_eq!(alan.as_ref().map(AsRef::as_ref), Some(&b"1912"[..]));
///     Ok(())
/// }
/// two_at_once(&store.begin_read()?)?;
/// # Ok::<(), netabase_core::error::DriverError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "the reads of this engine cannot be pinned to their transaction",
    label = "gives no guards",
    note = "`get_with`, `next_ref` and `next_with` lend borrowed views on every engine",
    note = "engines that pin reads: redb, redb-zerocopy and memory, linked in; a driver loaded by name does not"
)]
pub trait PinnedRead: Read {
    /// A value, where the engine keeps it.
    type Guard<'t>: AsRef<[u8]>
    where
        Self: 't;

    /// The value stored under `key`; `None` if there is none.
    ///
    /// # Errors
    /// What [`Read::get`] reports.
    fn get_pinned(&self, tree: TreeId, key: &[u8]) -> Result<Option<Self::Guard<'_>>>;

    /// The value of a cursor's current entry, to be kept when the cursor moves on; `None` before the first entry and
    /// after the last.
    ///
    /// To be called once an entry: the guard may be the cursor's own, and [`value`](super::Cursor::value) is then empty
    /// until the cursor moves. [`key`](super::Cursor::key) stays as it is.
    fn pin_value<'t>(cursor: &mut Self::Cursor<'t>) -> Option<Self::Guard<'t>>
    where
        Self: 't;
}
