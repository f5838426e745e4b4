//! What the reference architecture shows, as a user writes it, on every backend that it is meant for. Each test is named
//! after the section whose snippets it runs.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

use netabase_store::config::FileConfig;
use netabase_store::traits::backend_store::BackendStore;
use netabase_store::traits::batch::{BatchBuilder, Batchable};
use netabase_store::traits::store_ops::{BackendFor, OpenTree, StoreOps};
use netabase_store::traits::tree::{NetabaseTreeAsync, NetabaseTreeSync};
use netabase_store::{
    ErrorKind, FromIVec, MemoryStore, NetabaseDefinitionTrait, NetabaseError, NetabaseModelTrait,
    NetabaseStore, ToIVec, netabase_definition_module,
};

#[netabase_definition_module(BlogDefinition, BlogKeys)]
mod blog {
    use netabase_store::{NetabaseModel, netabase};

    #[derive(
        NetabaseModel,
        Clone,
        Debug,
        PartialEq,
        bincode::Encode,
        bincode::Decode,
        serde::Serialize,
        serde::Deserialize,
    )]
    #[netabase(BlogDefinition)]
    pub struct User {
        #[primary_key]
        pub id: u64,
        pub name: String,
        #[secondary_key]
        pub email: String,
        #[secondary_key]
        pub age: u32,
    }

    #[derive(
        NetabaseModel,
        Clone,
        Debug,
        PartialEq,
        bincode::Encode,
        bincode::Decode,
        serde::Serialize,
        serde::Deserialize,
    )]
    #[netabase(BlogDefinition)]
    pub struct Post {
        #[primary_key]
        pub id: u64,
        pub title: String,
        #[secondary_key]
        pub author_id: u64,
    }
}

use blog::*;

type Result<T = ()> = std::result::Result<T, NetabaseError>;

fn user(id: u64) -> User {
    User {
        id,
        name: format!("User {id}"),
        email: format!("user{id}@example.com"),
        age: 20 + (id % 50) as u32,
    }
}

fn alice() -> User {
    User {
        id: 1,
        name: "Alice".to_string(),
        email: "alice@example.com".to_string(),
        age: 30,
    }
}

fn post(id: u64, author_id: u64) -> Post {
    Post {
        id,
        title: format!("Post {id}"),
        author_id,
    }
}

/// Runs a test on an empty store of every backend, as `backend::name`.
macro_rules! on_every_backend {
    ($($(#[$attribute:meta])* fn $name:ident($store:ident) $body:block)*) => {
        on_every_backend!(@backend memory, MemoryStore; $(fn $name($store) $body)*);
        #[cfg(feature = "redb")]
        on_every_backend!(@backend redb, netabase_store::RedbStore; $(fn $name($store) $body)*);
        #[cfg(feature = "redb-zerocopy")]
        on_every_backend!(@backend redb_zerocopy, netabase_store::RedbStoreZeroCopy; $(fn $name($store) $body)*);
        #[cfg(feature = "sled")]
        on_every_backend!(@backend sled, netabase_store::SledStore; $(fn $name($store) $body)*);
    };
    (@backend $backend:ident, $store_type:path; $(fn $name:ident($store:ident) $body:block)*) => {
        mod $backend {
            use super::*;

            use $store_type as Store;

            $(
                #[test]
                fn $name() -> Result {
                    let $store = NetabaseStore::<BlogDefinition, _>::from_backend(Store::<BlogDefinition>::temp()?);
                    $body
                    Ok(())
                }
            )*
        }
    };
}

#[test]
fn netabase_model_trait_implementation() {
    let user = alice();
    assert_eq!(User::DISCRIMINANT, BlogDefinitionDiscriminant::User);
    assert_eq!(User::discriminant_name(), "User");
    assert_eq!(user.primary_key(), UserPrimaryKey(1));
    let keys = user.secondary_keys();
    assert!(
        matches!(&keys[0], UserSecondaryKeys::Email(UserEmailSecondaryKey(email)) if email == "alice@example.com")
    );
    assert!(matches!(
        &keys[1],
        UserSecondaryKeys::Age(UserAgeSecondaryKey(30))
    ));
    assert_eq!(keys.len(), 2);
}

#[test]
fn netabase_definition_trait_implementation() -> Result {
    let definition = BlogDefinition::User(alice());
    assert_eq!(definition.discriminant_name(), "User");
    assert!(matches!(
        definition.to_key()?,
        BlogKeys::User(UserKey::Primary(UserPrimaryKey(1)))
    ));
    Ok(())
}

#[test]
fn conversion_traits() -> Result {
    let definition = BlogDefinition::Post(post(7, 1));
    let bytes = definition.to_ivec()?;
    assert_eq!(BlogDefinition::from_ivec(&bytes)?, definition);
    let key = definition.to_key()?;
    assert!(matches!(
        BlogKeys::from_ivec(&key.to_ivec()?)?,
        BlogKeys::Post(PostKey::Primary(PostPrimaryKey(7)))
    ));
    let key = UserKey::Secondary(UserSecondaryKeys::Age(UserAgeSecondaryKey(3)));
    assert!(matches!(
        UserKey::from_ivec(&key.to_ivec()?)?,
        UserKey::Secondary(UserSecondaryKeys::Age(UserAgeSecondaryKey(3)))
    ));
    Ok(())
}

on_every_backend! {
    fn tree_based_access_pattern(db) {
        let user_tree = db.open_tree::<User>();
        let user = alice();
        user_tree.put(user.clone())?;
        let retrieved = user_tree.get(UserPrimaryKey(1))?;
        assert_eq!(retrieved, Some(user.clone()));
        let users_by_email = user_tree.get_by_secondary_key(
            UserSecondaryKeys::Email(UserEmailSecondaryKey("alice@example.com".to_string()))
        )?;
        assert_eq!(users_by_email, [user]);
        user_tree.remove(UserPrimaryKey(1))?;
        assert_eq!(user_tree.get(UserPrimaryKey(1))?, None);
    }

    fn multiple_model_types(db) {
        let user_tree = db.open_tree::<User>();
        user_tree.put(alice())?;
        let post_tree = db.open_tree::<Post>();
        post_tree.put(post(1, 1))?;
        let posts = post_tree.get_by_secondary_key(
            PostSecondaryKeys::AuthorId(PostAuthorIdSecondaryKey(1))
        )?;
        assert_eq!(posts, [post(1, 1)]);
        assert_eq!(user_tree.get(UserPrimaryKey(1))?, Some(alice()));
    }

    fn reusable_transactions_with_type_state(store) {
        let txn = store.write()?;
        let mut tree = txn.open_tree::<User>();
        tree.put(user(1))?;
        tree.put(user(2))?;
        tree.put(user(3))?;
        txn.commit()?;
        assert_eq!(store.open_tree::<User>().len()?, 3);
    }

    fn read_only_transactions(store) {
        store.open_tree::<User>().put(user(1))?;
        store.open_tree::<Post>().put(post(5, 1))?;
        let txn = store.read();
        let user_tree = txn.open_tree::<User>();
        let post_tree = txn.open_tree::<Post>();
        let other = store.read();
        assert_eq!(user_tree.get(UserPrimaryKey(1))?, Some(user(1)));
        let posts = post_tree.get_by_secondary_key(
            PostSecondaryKeys::AuthorId(PostAuthorIdSecondaryKey(1))
        )?;
        assert_eq!(posts.len(), 1);
        assert_eq!(other.open_tree::<Post>().len()?, 1);
    }

    fn read_write_transactions(store) {
        let txn = store.write()?;
        let mut tree = txn.open_tree::<User>();
        for i in 0..1000 {
            tree.put(user(i))?;
        }
        tree.commit()?;
        assert_eq!(store.open_tree::<User>().len()?, 1000);
        let error = txn.open_tree::<User>().put(user(1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed);
        drop(txn);

        let txn = store.write()?;
        txn.open_tree::<User>().clear()?;
        drop(txn);
        let txn = store.write()?;
        txn.open_tree::<User>().remove(UserPrimaryKey(1))?;
        txn.rollback()?;
        assert_eq!(store.open_tree::<User>().len()?, 1000);
    }

    fn bulk_operation_helpers(store) {
        let users: Vec<User> = (0..10).map(user).collect();
        let txn = store.write()?;
        let mut tree = txn.open_tree::<User>();
        tree.put_many(users.clone())?;
        let keys: Vec<_> = (0..12).map(UserPrimaryKey).collect();
        let results = tree.get_many(keys.clone())?;
        assert_eq!(results[..10], users.iter().cloned().map(Some).collect::<Vec<_>>());
        assert_eq!(results[10..], [None, None]);
        tree.remove_many(keys[..5].to_vec())?;
        txn.commit()?;
        let tree = store.open_tree::<User>();
        assert_eq!(tree.len()?, 5);
        let by_age = |age| UserSecondaryKeys::Age(UserAgeSecondaryKey(age));
        let found = tree.get_many_by_secondary_keys([by_age(20), by_age(25), by_age(26)])?;
        assert_eq!(found, [vec![], vec![user(5)], vec![user(6)]]);
    }

    fn batches_over_one_tree_and_over_many(store) {
        let tree = store.open_tree::<User>();
        let mut batch = tree.create_batch()?;
        batch.put(user(1))?;
        batch.put(user(2))?;
        batch.remove(UserPrimaryKey(1))?;
        assert_eq!(tree.len()?, 0);
        batch.commit()?;
        assert_eq!(tree.iter()?.collect::<Result<Vec<_>>>()?, [(UserPrimaryKey(2), user(2))]);

        let mut batch = store.batch();
        batch.put(user(3)).put(post(1, 3)).remove::<User>(UserPrimaryKey(2));
        batch.commit()?;
        assert_eq!((tree.len()?, store.open_tree::<Post>().len()?), (1, 1));
        assert!(!tree.is_empty()?);
        tree.clear()?;
        assert!(tree.is_empty()?);
    }

    fn tree_names_are_those_of_models_and_indexes(store) {
        store.open_tree::<Post>().put(post(1, 1))?;
        assert_eq!(store.tree_names()?, ["$netabase", "Post", "Post.author_id"]);
    }

    fn one_generic_function_runs_on_every_backend(store) {
        generic(&store)?;
        generic(store.backend())?;
        block_on(generic_async(&store))?;
        with_store_ops(&store)?;
        with_store_ops(store.backend())?;
    }
}

/// Application code that knows nothing of the backend.
fn generic<S>(store: &S) -> Result
where
    S: OpenTree<BlogDefinition, User>,
    for<'db> S::Tree<'db>: NetabaseTreeSync<
            BlogDefinition,
            User,
            PrimaryKey = UserPrimaryKey,
            SecondaryKeys = UserSecondaryKeys,
        >,
{
    let users = store.open_tree();
    users.put(alice())?;
    assert_eq!(users.get(UserPrimaryKey(1))?, Some(alice()));
    assert_eq!(
        users.get_by_secondary_key(UserSecondaryKeys::Age(UserAgeSecondaryKey(30)))?,
        [alice()]
    );
    assert_eq!(users.len()?, 1);
    assert_eq!(users.remove(UserPrimaryKey(1))?, Some(alice()));
    assert!(users.is_empty()?);
    users.clear()
}

async fn generic_async<S>(store: &S) -> Result
where
    S: OpenTree<BlogDefinition, User>,
    for<'db> S::Tree<'db>: NetabaseTreeAsync<
            BlogDefinition,
            User,
            PrimaryKey = UserPrimaryKey,
            SecondaryKeys = UserSecondaryKeys,
        >,
{
    let users = store.open_tree();
    users.put(alice()).await?;
    assert_eq!(users.get(UserPrimaryKey(1)).await?, Some(alice()));
    assert_eq!(
        users
            .get_by_secondary_key(UserSecondaryKeys::Age(UserAgeSecondaryKey(30)))
            .await?,
        [alice()]
    );
    assert_eq!(users.len().await?, 1);
    assert_eq!(users.remove(UserPrimaryKey(1)).await?, Some(alice()));
    assert!(users.is_empty().await?);
    users.clear().await
}

fn with_store_ops<S: StoreOps<BlogDefinition>>(store: &S) -> Result {
    store.put(post(9, 9))?;
    assert_eq!(store.get::<Post>(PostPrimaryKey(9))?, Some(post(9, 9)));
    assert_eq!(
        store.get_by_secondary_key::<Post>(PostSecondaryKeys::AuthorId(
            PostAuthorIdSecondaryKey(9)
        ))?,
        [post(9, 9)]
    );
    assert_eq!(store.remove::<Post>(PostPrimaryKey(9))?, Some(post(9, 9)));
    Ok(())
}

/// A native engine's futures are ready when they are first polled.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => unreachable!("a native engine's future is ready at once"),
    }
}

fn is_backend<B: BackendFor<BlogDefinition>>() {}

#[cfg(feature = "redb")]
mod redb_only {
    use super::*;
    use netabase_store::databases::redb_store::RedbStore;

    #[test]
    fn creating_a_store() -> Result {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("my_database.redb");
        is_backend::<RedbStore<BlogDefinition>>();
        let store = NetabaseStore::<BlogDefinition, _>::redb(&path)?;
        store.open_tree::<User>().put(alice())?;
        drop(store);
        let store = NetabaseStore::<BlogDefinition, _>::open(&path)?;
        assert_eq!(
            store.open_tree::<User>().get(UserPrimaryKey(1))?,
            Some(alice())
        );
        drop(store);
        let store = NetabaseStore::<BlogDefinition, _>::new(&path)?;
        assert_eq!(store.open_tree::<User>().len()?, 1);
        drop(store);
        let error =
            NetabaseStore::<BlogDefinition, _>::open(folder.path().join("missing")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let store = NetabaseStore::<BlogDefinition, _>::temp()?;
        assert!(store.open_tree::<User>().is_empty()?);
        Ok(())
    }

    #[test]
    fn configuration_api() -> Result {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("my_app.db");
        let config = FileConfig::builder()
            .path(path.clone())
            .cache_size_mb(1024)
            .truncate(true)
            .build();
        let store =
            <RedbStore<BlogDefinition> as BackendStore<BlogDefinition>>::new(config.clone())?;
        store.open_tree::<User>().put(alice())?;
        drop(store);
        let store = <RedbStore<BlogDefinition> as BackendStore<BlogDefinition>>::open(
            FileConfig::new(&path),
        )?;
        assert_eq!(store.open_tree::<User>().len()?, 1);
        drop(store);
        let store = <RedbStore<BlogDefinition> as BackendStore<BlogDefinition>>::new(config)?;
        assert_eq!(store.open_tree::<User>().len()?, 0);
        drop(store);
        let store = <RedbStore<BlogDefinition> as BackendStore<BlogDefinition>>::temp()?;
        assert_eq!(store.open_tree::<User>().len()?, 0);
        Ok(())
    }

    #[test]
    fn backend_specific_features() -> Result {
        let store = NetabaseStore::<BlogDefinition, _>::temp()?;
        store.open_tree::<User>().put_many((0..1000).map(user))?;
        assert!(store.check_integrity()?);
        store.open_tree::<User>().clear()?;
        store.compact()?;
        assert!(store.size_on_disk()? > 0);
        assert!(store.stats()?.contains('='));
        Ok(())
    }
}

#[cfg(feature = "sled")]
mod sled_only {
    use super::*;
    use netabase_store::databases::sled_store::{SledStore, SledTree};

    #[test]
    fn creating_a_store() -> Result {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("my_database");
        is_backend::<SledStore<BlogDefinition>>();
        let store = NetabaseStore::<BlogDefinition, _>::sled(&path)?;
        let tree: SledTree<'_, BlogDefinition, User> = store.open_tree::<User>();
        tree.put(alice())?;
        drop(store);
        let db = SledStore::<BlogDefinition>::new(&path)?;
        let user_tree = db.open_tree::<User>();
        assert_eq!(user_tree.get(UserPrimaryKey(1))?, Some(alice()));
        let error = SledStore::<BlogDefinition>::open(folder.path().join("missing")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(
            SledStore::<BlogDefinition>::temp()?
                .open_tree::<User>()
                .is_empty()?
        );
        Ok(())
    }

    #[test]
    fn configuration_api() -> Result {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("my_app.db");
        let config = FileConfig::builder()
            .path(path.clone())
            .cache_size_mb(1024)
            .truncate(true)
            .build();
        let store =
            <SledStore<BlogDefinition> as BackendStore<BlogDefinition>>::new(config.clone())?;
        store.open_tree::<User>().put(alice())?;
        drop(store);
        let store = <SledStore<BlogDefinition> as BackendStore<BlogDefinition>>::open(
            FileConfig::new(&path),
        )?;
        assert_eq!(store.open_tree::<User>().len()?, 1);
        let locked = <SledStore<BlogDefinition> as BackendStore<BlogDefinition>>::open(
            FileConfig::new(&path),
        )
        .unwrap_err();
        assert_eq!(locked.kind(), ErrorKind::Locked);
        drop(store);
        let store = <SledStore<BlogDefinition> as BackendStore<BlogDefinition>>::new(config)?;
        assert_eq!(store.open_tree::<User>().len()?, 0);
        drop(store);
        let read_only = FileConfig::builder().path(path).read_only(true).build();
        let store = <SledStore<BlogDefinition> as BackendStore<BlogDefinition>>::new(read_only)?;
        let error = store.open_tree::<User>().put(alice()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ReadOnly);
        drop(store);
        let store = <SledStore<BlogDefinition> as BackendStore<BlogDefinition>>::temp()?;
        assert_eq!(store.open_tree::<User>().len()?, 0);
        Ok(())
    }

    #[test]
    fn backend_specific_features() -> Result {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let config = FileConfig::builder().path(path).use_fsync(false).build();
        let store = NetabaseStore::<BlogDefinition, _>::sled(config.clone())?;
        assert!(!store.was_recovered()?);
        store.flush()?;
        store.open_tree::<User>().put(alice())?;
        assert!(store.flush()? > 0);
        let id = store.generate_id()?;
        assert!(store.generate_id()? > id);
        assert!(store.size_on_disk()? > 0);
        assert!(store.check_integrity()?);
        drop(store);
        let store = NetabaseStore::<BlogDefinition, _>::sled(config)?;
        assert!(store.was_recovered()?);
        assert!(store.generate_id()? > id);
        store.close();
        assert_eq!(store.flush().unwrap_err().kind(), ErrorKind::Closed);
        Ok(())
    }
}
