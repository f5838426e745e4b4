//! The engines, each under the path of its own that the reference gives it.

use netabase_core::memory::Memory;

use crate::store::Store;

/// A store in memory: ordered, with snapshots, gone when its last handle is dropped.
pub type MemoryStore<D> = Store<D, Memory>;

/// A store on a driver that was loaded from a dynamic library.
#[cfg(all(feature = "dynamic", not(target_arch = "wasm32")))]
pub type DynamicStore<D> = Store<D, netabase_core::abi::DynamicDriver>;

/// An engine's own commands, as methods of its store.
#[cfg(any(feature = "redb", feature = "redb-zerocopy", feature = "sled"))]
macro_rules! commands {
    ($store:ident: $(
        $(#[$doc:meta])*
        $name:ident runs $command:ident -> $output:ty;
    )*) => {
        impl<D: crate::NetabaseDefinitionTrait> $store<D> {$(
            $(#[$doc])*
            pub fn $name(&self) -> Result<$output, crate::NetabaseError> {
                self.run(netabase_core::driver::command::$command)
            }
        )*}
    };
}

/// What a store on redb offers, however it reads.
#[cfg(any(feature = "redb", feature = "redb-zerocopy"))]
macro_rules! redb_commands {
    ($store:ident) => {
        commands! { $store:
            /// Checks every page of the database; repairs what can be. `true` if it was sound.
            ///
            /// # Errors
            /// [`Conflict`](crate::ErrorKind::Conflict) while a transaction is open, or an error of the engine.
            check_integrity runs CheckIntegrity -> bool;

            /// Makes the file smaller. `true` if it is.
            ///
            /// # Errors
            /// [`Conflict`](crate::ErrorKind::Conflict) while a transaction is open, or an error of the engine.
            compact runs Compact -> bool;

            /// The engine's figures, a line `name=value` for each.
            ///
            /// # Errors
            /// An error of the engine.
            stats runs Stats -> String;

            /// Space that the database takes on disk, in bytes.
            ///
            /// # Errors
            /// An error of the engine.
            size_on_disk runs SizeOnDisk -> u64;
        }
    };
}

#[cfg(feature = "redb-zerocopy")]
pub mod redb_zerocopy;

/// The store on redb.
#[cfg(feature = "redb")]
pub mod redb_store {
    use netabase_core::store::Tree;
    pub use netabase_driver_redb::Redb;

    use crate::store::Store;

    /// A store on redb, in one file.
    pub type RedbStore<D> = Store<D, Redb>;

    /// One model's records in a store on redb.
    pub type RedbTree<'db, D, M> = Tree<'db, D, M, Redb>;

    redb_commands!(RedbStore);
}

/// The store on IndexedDB.
#[cfg(all(feature = "indexeddb", target_arch = "wasm32"))]
pub mod indexeddb_store {
    use netabase_core::store::asynchronous::AsyncTree;
    pub use netabase_driver_indexeddb::IndexedDB;

    use crate::store::AsyncStore;
    use crate::{NetabaseDefinitionTrait, NetabaseError};

    /// A store on IndexedDB, in the browser: [`new`](AsyncStore::new), [`open`](AsyncStore::open) and
    /// [`temp`](AsyncStore::temp) are awaited, as all of its operations are.
    pub type IndexedDBStore<D> = AsyncStore<D, IndexedDB>;

    /// One model's records in a store on IndexedDB.
    pub type IndexedDBTree<'db, D, M> = AsyncTree<'db, D, M, IndexedDB>;

    impl<D: NetabaseDefinitionTrait> IndexedDBStore<D> {
        /// The names of all object stores, those of empty trees included, in order: the engine's own, which are the numbers of trees.
        ///
        /// # Errors
        /// An error of the engine.
        pub async fn store_names(&self) -> Result<Vec<String>, NetabaseError> {
            let mut names = self.run(crate::indexeddb::StoreNames).await?;
            names.sort_unstable();
            Ok(names)
        }

        /// Asks the browser to keep this origin's data when room gets short. Whether it does. A worker may not ask; there
        /// this only says whether a window has asked.
        ///
        /// # Errors
        /// An error of the engine.
        pub async fn persist(&self) -> Result<bool, NetabaseError> {
            self.run(crate::indexeddb::Persist).await
        }

        /// What this origin uses, and may use at most, in bytes, as the browser estimates it.
        ///
        /// # Errors
        /// An error of the engine.
        pub async fn estimate(&self) -> Result<(u64, u64), NetabaseError> {
            self.run(crate::indexeddb::Estimate).await
        }
    }
}

/// The store on sled.
#[cfg(feature = "sled")]
pub mod sled_store {
    use netabase_core::store::Tree;
    pub use netabase_driver_sled::Sled;

    use crate::store::Store;
    use crate::{NetabaseDefinitionTrait, NetabaseError};

    /// A store on sled, in one folder.
    pub type SledStore<D> = Store<D, Sled>;

    /// One model's records in a store on sled.
    pub type SledTree<'db, D, M> = Tree<'db, D, M, Sled>;

    commands! { SledStore:
        /// A number that this database never gave before and will never give again. The numbers ascend and have gaps.
        ///
        /// # Errors
        /// An error of the engine.
        generate_id runs GenerateId -> u64;

        /// Whether the database was there when it was opened, not created then.
        ///
        /// # Errors
        /// [`Closed`](crate::ErrorKind::Closed) after [`close`](netabase_core::store::TypedStore::close).
        was_recovered runs WasRecovered -> bool;

        /// Reads every entry in both directions and compares their order and number. `true`: all is well.
        ///
        /// # Errors
        /// [`Corrupt`](crate::ErrorKind::Corrupt) for what is damaged, or another error of the engine.
        check_integrity runs CheckIntegrity -> bool;

        /// Space that the database takes on disk, in bytes.
        ///
        /// # Errors
        /// An error of the engine.
        size_on_disk runs SizeOnDisk -> u64;
    }

    impl<D: NetabaseDefinitionTrait> SledStore<D> {
        /// Puts everything that was committed on disk, even what was committed without durability. Returns the number of
        /// bytes that were written for it.
        ///
        /// # Errors
        /// An error of the engine.
        pub fn flush(&self) -> Result<usize, NetabaseError> {
            let bytes = self.run(netabase_core::driver::command::Flush)?;
            Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
        }
    }
}
