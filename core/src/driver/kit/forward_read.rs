//! Reading in a transaction that holds what it reads from.

/// Implements [`Read`](crate::driver::Read) for a transaction by one of its fields:
/// `forward_read!(KvWriter, view, KvCursor<'t>);` for
/// `struct KvWriter { view: View, … }`, whose cursors over the life `'t` of a borrow are `KvCursor<'t>`.
///
/// Read and write transactions of many an engine read in the same way, and only one of them writes.
#[macro_export]
macro_rules! forward_read {
    ($transaction:ty, $field:tt, $cursor:ty) => {
        impl $crate::driver::Read for $transaction {
            type Cursor<'t> = $cursor;

            #[inline]
            fn tree(&self, name: &str) -> $crate::driver::Result<$crate::driver::TreeId> {
                $crate::driver::Read::tree(&self.$field, name)
            }

            #[inline]
            fn sized_tree(
                &self,
                name: &str,
                widths: $crate::driver::EntryWidths,
            ) -> $crate::driver::Result<$crate::driver::TreeId> {
                $crate::driver::Read::sized_tree(&self.$field, name, widths)
            }

            #[inline]
            fn get<R>(
                &self,
                tree: $crate::driver::TreeId,
                key: &[u8],
                visit: impl FnOnce(&[u8]) -> R,
            ) -> $crate::driver::Result<Option<R>> {
                $crate::driver::Read::get(&self.$field, tree, key, visit)
            }

            #[inline]
            fn cursor(
                &self,
                tree: $crate::driver::TreeId,
                bounds: $crate::driver::Bounds<'_>,
                direction: $crate::driver::Direction,
            ) -> $crate::driver::Result<Self::Cursor<'_>> {
                $crate::driver::Read::cursor(&self.$field, tree, bounds, direction)
            }

            #[inline]
            fn len(&self, tree: $crate::driver::TreeId) -> $crate::driver::Result<u64> {
                $crate::driver::Read::len(&self.$field, tree)
            }
        }
    };
}
