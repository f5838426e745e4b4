//! The store on redb whose reads are pinned to their transaction, and its explicit transactions.
//!
//! The records of a read transaction are lent from redb's own pages, without a copy and without decoding into owned
//! fields. Files are those of [`redb_store`](super::redb_store): each store opens what the other wrote.
//!
//! # Lifetimes
//! ```text
//! RedbStoreZeroCopy<D>               the program owns it
//!  └ begin_read()                    RedbReadTransactionZC<'db, D>   borrows the store
//!     └ open_tree::<User>()          RedbTree<'txn, D, User>         borrows the transaction
//!        ├ get_pinned(key)           BorrowedGuard<'txn, User>       borrows the transaction, not the tree
//!        │  └ view()                 UserRef<'_>                     borrows the guard
//!        └ iter_pinned()             BorrowedIter<'txn, D, User>     borrows the transaction, not the tree
//!           ├ next()                 BorrowedGuard<'txn, User>       outlives the step and the iterator
//!           └ next_ref()             UserRef<'_>                     until the iterator moves
//! ```
//! A guard holds the page that its record is in. redb keeps the pages of a snapshot for as long as a transaction shows
//! it, so that a program that never drops one lets the file grow.
//!
//! # Examples
//! ```
//! # #[netabase_store::netabase_definition_module(People, PeopleKeys)]
//! # mod people {
//! #     use netabase_store::{NetabaseModel, netabase};
//! #     #[derive(NetabaseModel, Clone, Debug, PartialEq)]
//! #     #[netabase(People)]
//! #     pub struct User { #[primary_key] pub id: u64, pub name: String, #[secondary_key] pub age: u32 }
//! # }
//! # use people::*;
//! use netabase_store::databases::redb_zerocopy::RedbStoreZeroCopy;
//!
//! let store = RedbStoreZeroCopy::<People>::temp()?;
//!
//! let txn = store.begin_write()?;
//! let mut users = txn.open_tree::<User>()?;
//! users.put(User { id: 1, name: "Ada".into(), age: 36 })?;
//! users.put(User { id: 2, name: "Alan".into(), age: 41 })?;
//! drop(users);
//! txn.commit()?;
//!
//! let txn = store.begin_read()?;
//! let users = txn.open_tree::<User>()?;
//! let (Some(ada), Some(alan)) = (users.get_pinned(UserPrimaryKey(1))?, users.get_pinned(UserPrimaryKey(2))?) else {
//!     panic!("both were stored");
//! };
//! let user: UserRef<'_> = ada.view()?;
//! assert_eq!((user.name, alan.view()?.name), ("Ada", "Alan"));
//!
//! // Guards outlive the iterator that gave them; `next_ref` lends views one at a time.
//! let grown: Vec<_> = users.range_by_pinned(UserAgeSecondaryKey(40)..)?.collect::<Result<_, _>>()?;
//! assert_eq!(grown[0].view()?.name, "Alan");
//! let mut all = users.iter_pinned()?;
//! let mut letters = 0;
//! while let Some(user) = all.next_ref() {
//!     letters += user?.name.len();
//! }
//! assert_eq!(letters, 7);
//! # Ok::<(), netabase_store::NetabaseError>(())
//! ```
//!
//! What borrows from a transaction cannot outlive it:
//! ```compile_fail,E0505
//! # #[netabase_store::netabase_definition_module(People, PeopleKeys)]
//! # mod people {
//! #     use netabase_store::{NetabaseModel, netabase};
//! #     #[derive(NetabaseModel)]
//! #     #[netabase(People)]
//! #     pub struct User { #[primary_key] pub id: u64, pub name: String }
//! # }
//! # use people::*;
//! # use netabase_store::databases::redb_zerocopy::RedbStoreZeroCopy;
//! # let store = RedbStoreZeroCopy::<People>::temp()?;
//! let txn = store.begin_read()?;
//! let ada = txn.open_tree::<User>()?.get_pinned(UserPrimaryKey(1))?;
//! drop(txn);
//! assert!(ada.is_none());
//! # Ok::<(), netabase_store::NetabaseError>(())
//! ```

use netabase_core::store::{ByPrimaryKey, ReadOnly, ReadWrite, TreeView};
pub use netabase_driver_redb_zerocopy::RedbZeroCopy;

use crate::store::Store;
use crate::{
    FileConfig, NetabaseDefinitionTrait, NetabaseError, NetabaseModelTrait, NetabaseStore,
};

/// A store on redb, in one file, whose reads are pinned to their transaction.
pub type RedbStoreZeroCopy<D> = Store<D, RedbZeroCopy>;

/// A read transaction: one snapshot for as long as it lives.
pub type RedbReadTransactionZC<'db, D> =
    netabase_core::store::ReadTransaction<'db, D, RedbZeroCopy>;

/// A write transaction; dropping it rolls it back.
pub type RedbWriteTransactionZC<'db, D> =
    netabase_core::store::WriteTransaction<'db, D, RedbZeroCopy>;

/// One model's records in a read transaction.
pub type RedbTree<'txn, D, M> = TreeView<'txn, D, M, ReadOnly, RedbZeroCopy>;

/// One model's records in a write transaction.
pub type RedbTreeMut<'txn, D, M> = TreeView<'txn, D, M, ReadWrite, RedbZeroCopy>;

/// A stored record, in redb's own page for as long as the transaction lives.
pub type BorrowedGuard<'txn, M> = netabase_core::store::Pinned<'txn, M, RedbZeroCopy>;

/// Records, where redb keeps them, in the order of their primary keys or of the secondary key `O`.
pub type BorrowedIter<'txn, D, M, O = ByPrimaryKey> =
    netabase_core::store::PinnedIter<'txn, D, M, RedbZeroCopy, O>;

impl<D: NetabaseDefinitionTrait> NetabaseStore<D, RedbStoreZeroCopy<D>> {
    /// Opens a redb database at a path, or as a [`FileConfig`] says; creates it if there is none.
    ///
    /// # Errors
    /// As [`Store::new`].
    pub fn redb_zerocopy(config: impl Into<FileConfig>) -> Result<Self, NetabaseError> {
        Store::new(config).map(Self::from_backend)
    }
}

redb_commands!(RedbStoreZeroCopy);

/// Runs `run` in a read transaction.
///
/// # Errors
/// As [`begin_read`](netabase_core::store::TypedStore::begin_read), or the error of `run`.
///
/// # Examples
/// ```
/// # #[netabase_store::netabase_definition_module(People, PeopleKeys)]
/// # mod people {
/// #     use netabase_store::{NetabaseModel, netabase};
/// #     #[derive(NetabaseModel)]
/// #     #[netabase(People)]
/// #     pub struct User { #[primary_key] pub id: u64, pub name: String }
/// # }
/// # use people::*;
/// use netabase_store::databases::redb_zerocopy::{RedbStoreZeroCopy, with_read_transaction};
///
/// let store = RedbStoreZeroCopy::<People>::temp()?;
/// store.quick_put(User { id: 1, name: "Ada".into() })?;
/// let letters = with_read_transaction(&store, |txn| {
///     let ada = txn.open_tree::<User>()?.get_pinned(UserPrimaryKey(1))?;
///     Ok(match &ada {
///         Some(ada) => ada.view()?.name.len(),
///         None => 0,
///     })
/// })?;
/// assert_eq!(letters, 3);
/// # Ok::<(), netabase_store::NetabaseError>(())
/// ```
pub fn with_read_transaction<D: NetabaseDefinitionTrait, R>(
    store: &RedbStoreZeroCopy<D>,
    run: impl FnOnce(&RedbReadTransactionZC<'_, D>) -> Result<R, NetabaseError>,
) -> Result<R, NetabaseError> {
    run(&store.begin_read()?)
}

/// Runs `run` in a write transaction, which is committed if it returns `Ok` and rolled back if not.
///
/// # Errors
/// As [`begin_write`](netabase_core::store::TypedStore::begin_write) and [`commit`](RedbWriteTransactionZC::commit), or what `run` answers; nothing is changed
/// then.
///
/// # Examples
/// ```
/// # #[netabase_store::netabase_definition_module(People, PeopleKeys)]
/// # mod people {
/// #     use netabase_store::{NetabaseModel, netabase};
/// #     #[derive(NetabaseModel)]
/// #     #[netabase(People)]
/// #     pub struct User { #[primary_key] pub id: u64, pub name: String }
/// # }
/// # use people::*;
/// use netabase_store::databases::redb_zerocopy::{RedbStoreZeroCopy, with_write_transaction};
///
/// let store = RedbStoreZeroCopy::<People>::temp()?;
/// let users = with_write_transaction(&store, |txn| {
///     let mut users = txn.open_tree::<User>()?;
///     users.put(User { id: 1, name: "Ada".into() })?;
///     users.len()
/// })?;
/// assert_eq!(users, 1);
/// # Ok::<(), netabase_store::NetabaseError>(())
/// ```
pub fn with_write_transaction<D: NetabaseDefinitionTrait, R>(
    store: &RedbStoreZeroCopy<D>,
    run: impl FnOnce(&mut RedbWriteTransactionZC<'_, D>) -> Result<R, NetabaseError>,
) -> Result<R, NetabaseError> {
    let mut transaction = store.begin_write()?;
    let result = run(&mut transaction)?;
    transaction.commit()?;
    Ok(result)
}

/// Stores many records in one transaction, sorted before they reach redb.
///
/// # Errors
/// As [`Tree::put_many`](netabase_core::store::Tree::put_many); nothing is changed then.
pub fn bulk_insert<D: NetabaseDefinitionTrait, M: NetabaseModelTrait<D>>(
    store: &RedbStoreZeroCopy<D>,
    records: impl IntoIterator<Item = M>,
) -> Result<(), NetabaseError> {
    store.open_tree::<M>().put_many(records)
}

/// Removes the records with these primary keys in one transaction; gives them back in the same order.
///
/// # Errors
/// As [`Tree::remove_many`](netabase_core::store::Tree::remove_many); nothing is changed then.
pub fn bulk_remove<D: NetabaseDefinitionTrait, M: NetabaseModelTrait<D>>(
    store: &RedbStoreZeroCopy<D>,
    keys: impl IntoIterator<Item = M::PrimaryKey>,
) -> Result<Vec<Option<M>>, NetabaseError> {
    store.open_tree::<M>().remove_many(keys)
}
