//! The typed store that an application opens: created, found again, temporary, with what IndexedDB alone offers.
#![cfg(target_arch = "wasm32")]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use conformance::model::shop::{
    Note, Shop, User, UserAgeSecondaryKey, UserPrimaryKey, UserSecondaryKeys,
};
use js_sys::futures::JsFuture;
use js_sys::{Array, Function, Promise, Reflect};
use netabase_store::prelude::*;
use netabase_store::traits::tree::NetabaseTreeAsync;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

fn user(id: u64, age: i32) -> User {
    User {
        id,
        email: format!("{id}@example.org"),
        age,
        ..User::default()
    }
}

/// The names of all databases of this origin.
async fn databases() -> Vec<String> {
    let list = Function::new_no_args("return indexedDB.databases()");
    let promise: Promise = list.call0(&JsValue::UNDEFINED).unwrap().unchecked_into();
    let found: Array = JsFuture::from(promise).await.unwrap().unchecked_into();
    found
        .iter()
        .map(|database| Reflect::get(&database, &"name".into()).unwrap())
        .map(|name| name.as_string().unwrap())
        .collect()
}

#[wasm_bindgen_test]
async fn what_one_store_keeps_the_next_one_finds() {
    let config = IndexedDBConfig::builder()
        .database_name("kept".into())
        .version(2)
        .build();
    let store = NetabaseStore::<Shop, _>::indexeddb(config.clone())
        .await
        .unwrap();
    let users = store.open_tree::<User>();
    users
        .put_many((0..100).map(|id| user(id, 30)))
        .await
        .unwrap();
    let mut batch = store.batch();
    batch.put(user(7, 31)).put(Note::default());
    batch.commit().await.unwrap();
    let guard = store.write().await.unwrap();
    guard
        .open_tree::<User>()
        .remove(UserPrimaryKey(8))
        .await
        .unwrap();
    guard.commit().await.unwrap();
    drop(store.write().await.unwrap());
    store.close();
    let error = store.open_tree::<User>().len().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);

    let store = IndexedDBStore::<Shop>::open(config).await.unwrap();
    let guard = store.read().await.unwrap();
    let users = guard.open_tree::<User>();
    let ids: Vec<_> = users
        .range(UserPrimaryKey(5)..UserPrimaryKey(11))
        .to_vec()
        .await
        .unwrap()
        .into_iter()
        .map(|(key, _)| key.0)
        .collect();
    assert_eq!(ids, [5, 6, 7, 9, 10]);
    let older = users.by(UserAgeSecondaryKey(31)).to_vec().await.unwrap();
    assert_eq!(older, [(UserPrimaryKey(7), user(7, 31))]);
}

#[wasm_bindgen_test]
async fn a_missing_database_is_not_created_by_opening() {
    let error = IndexedDBStore::<Shop>::open("missing").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(!databases().await.contains(&"missing".to_owned()));
}

#[wasm_bindgen_test]
async fn a_temporary_database_is_of_its_own_and_goes_with_its_store() {
    let before = databases().await.len();
    let stores = [
        IndexedDBStore::<Shop>::temp().await.unwrap(),
        IndexedDBStore::<Shop>::temp().await.unwrap(),
    ];
    stores[0]
        .open_tree::<User>()
        .put(user(1, 30))
        .await
        .unwrap();
    assert!(stores[1].open_tree::<User>().is_empty().await.unwrap());
    assert_eq!(databases().await.len(), before + 2);
    drop(stores);
    // The browser deletes in its own time, before it opens anything under the same name.
    let mut left = databases().await;
    for _ in 0..200 {
        if left.len() == before {
            break;
        }
        left = databases().await;
    }
    assert_eq!(left.len(), before, "{left:?}");
}

#[wasm_bindgen_test]
async fn what_indexeddb_offers_beside_the_rest() {
    let store = NetabaseStore::<Shop, _>::indexeddb("offers").await.unwrap();
    store.open_tree::<User>().put(user(1, 30)).await.unwrap();
    store.open_tree::<User>().clear().await.unwrap();
    let names = store.store_names().await.unwrap();
    // Those of the engine, which knows trees by their numbers.
    assert!(names.contains(&"1".to_owned()), "{names:?}");
    assert!(names.is_sorted());
    let trees = store.tree_names().await.unwrap();
    assert!(!trees.contains(&"User".to_owned()), "{trees:?}");
    let (used, most) = store.estimate().await.unwrap();
    assert!(used < most && most > 1 << 20, "{used} of {most}");
    // A browser without a window to ask in decides by itself.
    store.persist().await.unwrap();
    assert_eq!(store.driver_name(), "indexeddb");
}

/// As it may be written once for every backend.
async fn count_after_two<T>(users: T) -> Result<usize, NetabaseError>
where
    T: NetabaseTreeAsync<
            Shop,
            User,
            PrimaryKey = UserPrimaryKey,
            SecondaryKeys = UserSecondaryKeys,
        >,
{
    users.put(user(1, 30)).await?;
    users.put(user(2, 31)).await?;
    users.len().await
}

#[wasm_bindgen_test]
async fn a_generic_function_serves_the_browser_as_well() {
    let store = IndexedDBStore::<Shop>::temp().await.unwrap();
    assert_eq!(count_after_two(store.open_tree::<User>()).await.unwrap(), 2);
    let memory = MemoryStore::<Shop>::temp().unwrap();
    assert_eq!(
        count_after_two(memory.open_tree::<User>()).await.unwrap(),
        2
    );
}
