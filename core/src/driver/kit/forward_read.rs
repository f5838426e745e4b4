//! Reading in a transaction that holds what it reads from.

/// Implements [`Read`](crate::driver::Read) for a transaction by one of its fields:
/// `forward_read!(KvWriter, view, KvCursor<'t>);` for
/// `struct KvWriter { view: View, … }`, whose cursors over the life `'t` of a borrow are `KvCursor<'t>`.
///
/// Read and write transactions of many an engine read in the same way, and only one of them writes.
///
/// What it reads from may also be an expression, with `?` for an error, and the transaction generic in one reader:
/// `forward_read!(<R> KvWriter<R>, |writer| writer.alive()?, KvCursor<R::Cursor<'t>>);`.
#[macro_export]
macro_rules! forward_read {
    (<$reader:ident> $transaction:ty, |$it:ident| $from:expr, $cursor:ty) => {
        $crate::forward_read!(
            @impl [<$reader: $crate::driver::Read>] $transaction, [where $reader: 't], |$it| $from, $cursor
        );
    };
    (@impl [$($generics:tt)*] $transaction:ty, [$($bound:tt)*], |$it:ident| $from:expr, $cursor:ty) => {
        impl $($generics)* $crate::driver::Read for $transaction {
            type Cursor<'t> = $cursor $($bound)*;

            #[inline]
            fn tree(&self, name: &str) -> $crate::driver::Result<$crate::driver::TreeId> {
                let $it = self;
                $crate::driver::Read::tree($from, name)
            }

            #[inline]
            fn sized_tree(
                &self,
                name: &str,
                widths: $crate::driver::EntryWidths,
            ) -> $crate::driver::Result<$crate::driver::TreeId> {
                let $it = self;
                $crate::driver::Read::sized_tree($from, name, widths)
            }

            #[inline]
            fn get<Visited>(
                &self,
                tree: $crate::driver::TreeId,
                key: &[u8],
                visit: impl FnOnce(&[u8]) -> Visited,
            ) -> $crate::driver::Result<Option<Visited>> {
                let $it = self;
                $crate::driver::Read::get($from, tree, key, visit)
            }

            #[inline]
            fn cursor(
                &self,
                tree: $crate::driver::TreeId,
                bounds: $crate::driver::Bounds<'_>,
                direction: $crate::driver::Direction,
            ) -> $crate::driver::Result<Self::Cursor<'_>> {
                let $it = self;
                $crate::driver::Read::cursor($from, tree, bounds, direction)
            }

            #[inline]
            fn len(&self, tree: $crate::driver::TreeId) -> $crate::driver::Result<u64> {
                let $it = self;
                $crate::driver::Read::len($from, tree)
            }
        }
    };
    ($transaction:ty, $field:tt, $cursor:ty) => {
        $crate::forward_read!(@impl [] $transaction, [], |it| &it.$field, $cursor);
    };
}
