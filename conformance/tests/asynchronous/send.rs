//! Every future of the typed layer can be sent to another thread, where the driver's can.

use netabase_core::config::FileConfig;
use netabase_core::driver::Durability;
use netabase_core::driver::asynchronous::SyncAsAsync;
use netabase_core::error::NetabaseError;
use netabase_core::memory::{AsyncMemory, Memory};
use netabase_core::store::TransactOptions;
use netabase_core::store::asynchronous::AsyncTypedStore;

use conformance::model::shop::{
    Shop, User, UserAgeSecondaryKey, UserEmailSecondaryKey, UserPrimaryKey, UserSecondaryKeys,
};

fn send<T: Send>(_: T) {}

fn share<T: Send + Sync>(value: T) -> T {
    value
}

fn records() -> Vec<User> {
    Vec::new()
}

fn key() -> UserPrimaryKey {
    UserPrimaryKey(1)
}

fn age() -> UserSecondaryKeys {
    UserSecondaryKeys::Age(UserAgeSecondaryKey(1))
}

macro_rules! every_future_of {
    ($name:ident, $driver:ty) => {
        #[test]
        fn $name() {
            // Never called: the compiler checks it.
            #[allow(clippy::unused_async, unreachable_code, reason = "only compiled")]
            async fn check(driver: &$driver) -> Result<(), NetabaseError> {
                type Store = AsyncTypedStore<Shop, $driver>;
                let config = FileConfig::new("");
                send(Store::open_on(driver, &config));
                send(Store::open_with(driver, &config, Durability::None));
                send(Store::new(config.clone()));
                send(Store::open(config.clone()));
                let store = share(Store::open_on(driver, &config).await?);
                send(store.read());
                send(store.write());
                send(store.try_write());
                send(store.run(netabase_core::driver::command::TreeNames));
                send(store.tree_names());

                let tree = share(store.open_tree::<User>());
                send(tree.put(User::default()));
                send(tree.put(&User::default()));
                send(tree.put_many(records()));
                send(tree.remove(key()));
                send(tree.remove_many([key()]));
                send(tree.discard(key()));
                send(tree.clear());
                send(tree.get(key()));
                send(tree.get_many([key()]));
                send(tree.contains(key()));
                send(tree.get_by_secondary_key(age()));
                send(tree.get_many_by_secondary_keys([age()]));
                send(tree.all());
                send(tree.len());
                send(tree.is_empty());

                let reader = share(store.read().await?);
                let view = share(reader.open_tree::<User>());
                send(view.get(key()));
                send(view.get_many([key()]));
                send(view.contains(key()));
                send(view.len());
                send(view.is_empty());
                send(view.get_by_secondary_key(age()));
                send(view.get_many_by_secondary_keys([age()]));
                send(view.first());
                send(view.last());
                let mut records = view.iter();
                send(records.next());
                send(records.next_back());
                send(view.range(key()..).to_vec());
                send(view.prefix_by::<UserEmailSecondaryKey>("a").to_vec());
                let mut by_age = view.by(UserAgeSecondaryKey(1));
                send(by_age.next());
                send(by_age.next_back());
                send(view.range_by::<UserAgeSecondaryKey>(..).to_vec());

                let writer = share(store.write().await?);
                let mut view = share(writer.open_tree::<User>());
                send(view.put(User::default()));
                send(view.put_many(self::records()));
                send(view.remove(key()));
                send(view.remove_many([key()]));
                send(view.discard(key()));
                send(view.clear());
                send(view.iter().to_vec());
                send(writer.commit());
                send(store.write().await?.commit_with(Durability::None));

                let mut batch = store.batch();
                batch.put(User::default()).remove::<User>(key());
                send(share(batch).commit());
                send(store.batch().commit_with(Durability::None));

                send(store.transact(async |txn| {
                    let mut users = txn.open_tree::<User>();
                    let user = users.get(key()).await?;
                    users.put(user.unwrap_or_default()).await
                }));
                send(
                    store.transact_with(&TransactOptions::default(), async |txn| {
                        txn.open_tree::<User>().len().await
                    }),
                );
                Ok(())
            }
            fn is_sent(driver: &$driver) {
                send(check(driver));
            }
            let _ = is_sent;
        }
    };
}

every_future_of!(
    a_synchronous_drivers_futures_can_be_sent,
    SyncAsAsync<Memory>
);
every_future_of!(an_asynchronous_drivers_futures_can_be_sent, AsyncMemory);
