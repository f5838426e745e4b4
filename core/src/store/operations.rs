//! The tables of operations: what one model's records offer, each call with its documentation, once.
//!
//! [`TreeView`](super::TreeView) says how each works. The macros here give the same calls to [`Tree`](super::Tree),
//! [`AsyncTree`](super::asynchronous::AsyncTree) and [`AsyncTreeView`](super::asynchronous::AsyncTreeView). A call that is
//! new takes an entry here, a method of `TreeView`, and, if it takes something new, a kind of argument.

/// The calls that read, by the name of their argument, which [`argument`] gives a type.
macro_rules! reads {
    ($expand:ident $($how:tt)*) => { $expand! { $($how)*;
        /// The record with this primary key.
        get(key) -> Option<M>;

        /// The records with these primary keys, in their order; `None` for those that are not there.
        get_many(keys) -> Vec<Option<M>>;

        /// Whether there is a record with this primary key. Nothing is decoded.
        contains(key) -> bool;

        /// The number of records.
        len() -> usize;

        /// Whether there are no records.
        is_empty() -> bool;

        /// The records with this secondary key, in the order of their primary keys. The key's type says which:
        /// `get_by::<BookAuthorSecondaryKey>("Austen")`.
        get_by[K: SecondaryKey<Model = M>](index_key) -> Vec<M>;

        /// [`get_by`](Self::get_by) with the enum of the secondary keys.
        get_by_secondary_key(secondary_key) -> Vec<M>;

        /// The records with each of these secondary keys.
        get_many_by_secondary_keys(secondary_keys) -> Vec<Vec<M>>;
    } };
}

/// The calls that write.
macro_rules! writes {
    ($expand:ident $($how:tt)*) => { $expand! { $($how)*;
        /// Stores a record, over the one with the same primary key if there is one, and keeps the indexes exact.
        put(record) -> ();

        /// Stores many records, sorted before they reach the engine.
        put_many(records) -> ();

        /// Removes the record with this primary key, with its index entries; gives it back.
        remove(key) -> Option<M>;

        /// Removes what is stored under this primary key, with its index entries, even if it cannot be decoded. Returns
        /// whether there was anything.
        discard(key) -> bool;

        /// Removes the records with these primary keys; gives them back in the same order.
        remove_many(keys) -> Vec<Option<M>>;

        /// Removes every record of this model, with all index entries.
        clear() -> ();
    } };
}

/// The calls that walk through records: the name, that of the pinned form, the argument, the order of the records, and
/// the bounds of what is walked through.
macro_rules! walks {
    ($expand:ident) => { $expand! {
        /// Every record, in the order of the primary keys.
        iter iter_pinned() in ByPrimaryKey: ALL;

        /// The records whose primary keys lie in `range`, in order. An empty or inverted range has none.
        range range_pinned(range: impl KeyRange<M::PrimaryKey>) in ByPrimaryKey: record_bounds::<M::PrimaryKey>(&range);

        /// The records whose primary keys begin with `prefix`, in order: a `&str` for a `String` key, a tuple of the first
        /// parts for a composite one.
        prefix prefix_pinned(
            prefix: impl KeyPrefix<<M::PrimaryKey as ModelKey>::Fields>
        ) in ByPrimaryKey: prefix_bounds(&prefix);

        /// The records with this secondary key, in the order of their primary keys: `by::<BookAuthorSecondaryKey>("Austen")`.
        by by_pinned[K: SecondaryKey<Model = M>](key: impl AsKey<K>) in K: key_bounds::<K>(&key);

        /// The records whose secondary keys lie in `range`, in the order of the secondary keys:
        /// `range_by::<BookAuthorSecondaryKey>("A".."C")`.
        range_by range_by_pinned[K: SecondaryKey<Model = M>](range: impl KeyRange<K>) in K: index_bounds::<K>(&range);

        /// The records whose secondary keys begin with `prefix`, in the order of the secondary keys.
        prefix_by prefix_by_pinned[K: SecondaryKey<Model = M>](
            prefix: impl KeyPrefix<K::Fields>
        ) in K: prefix_bounds(&prefix);
    } };
}

/// The type of an argument of this name.
macro_rules! argument {
    (key) => { impl AsKey<M::PrimaryKey> };
    (keys) => { impl IntoIterator<Item = impl AsKey<M::PrimaryKey>> };
    (index_key) => { impl AsKey<K> };
    (record) => { impl Borrow<M> };
    (records) => { impl IntoIterator<Item = impl Borrow<M>> };
    (secondary_key) => { impl Borrow<M::SecondaryKeys> };
    (secondary_keys) => { impl IntoIterator<Item = impl Borrow<M::SecondaryKeys>> };
}

/// The calls of a tree that read, each in a transaction of its own, which `$run` runs.
macro_rules! blocking_calls {
    ($run:ident, $on_error:literal; $(
        $(#[$doc:meta])*
        $name:ident $([$($generics:tt)*])? ($($argument:ident)?) -> $result:ty;
    )*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        #[doc = concat!("As [`TreeView::", stringify!($name), "`]", $on_error)]
        pub fn $name $(<$($generics)*>)? (
            &self
            $(, $argument: argument!($argument))?
        ) -> Result<$result, NetabaseError> {
            self.$run(|view| view.$name($($argument)?))
        }
    )*};
}

/// The calls of a tree that write, each a transaction of its own. It runs once where writers wait for each other, and again
/// after a conflict where they do not.
macro_rules! blocking_writes {
    (; $(
        $(#[$doc:meta])*
        $name:ident ($($argument:ident)?) -> $result:ty;
    )*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        #[doc = concat!("As [`TreeView::", stringify!($name), "`]; nothing is changed then.")]
        pub fn $name(&self $(, $argument: argument!($argument))?) -> Result<$result, NetabaseError> {
            if self.store.store.has_turns() {
                return self.write(|view| view.$name($($argument)?));
            }
            $(let $argument = hold!($argument $argument);)?
            self.store.transact(|txn| txn.open_tree::<M>().$name($(lend!($argument $argument))?))
        }
    )*};
}

/// The calls of an asynchronous tree or view, which `$run` runs, as often as it takes.
macro_rules! awaited_calls {
    ($run:ident, $this:ident: $receiver:ty, $on_error:literal; $(
        $(#[$doc:meta])*
        $name:ident $([$($generics:tt)*])? ($($argument:ident)?) -> $result:ty;
    )*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        #[doc = concat!("As [`TreeView::", stringify!($name), "`](crate::store::TreeView::", stringify!($name), ")", $on_error)]
        pub async fn $name $(<$($generics)*>)? (
            $this: $receiver
            $(, $argument: argument!($argument))?
        ) -> Result<$result, NetabaseError> {
            $(let $argument = hold!($argument $argument);)?
            $this.$run(stringify!($name), |tree| tree.$name($(lend!($argument $argument))?)).await
        }
    )*};
}

/// An argument, kept so that it can be lent more than once.
macro_rules! hold {
    (keys $held:ident) => {
        $held.into_iter().collect::<Vec<_>>()
    };
    (records $held:ident) => {
        $held.into_iter().collect::<Vec<_>>()
    };
    (secondary_keys $held:ident) => {
        $held.into_iter().collect::<Vec<_>>()
    };
    ($kind:ident $held:ident) => {
        $held
    };
}

/// What [`hold`] keeps, lent to one run.
macro_rules! lend {
    (keys $held:ident) => {
        $held.iter().map(Borrow::borrow)
    };
    (records $held:ident) => {
        $held.iter().map(Borrow::borrow)
    };
    (secondary_keys $held:ident) => {
        $held.iter().map(Borrow::borrow)
    };
    ($kind:ident $held:ident) => {
        $held.borrow()
    };
}

pub(super) use {
    argument, awaited_calls, blocking_calls, blocking_writes, hold, lend, reads, walks, writes,
};
