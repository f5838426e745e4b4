//! One side of the benchmark: the typed layer on IndexedDB. `web/bench/bench.js` is the other, and times both.

use std::rc::Rc;

use js_sys::futures::future_to_promise;
use js_sys::{Error, Promise};
use netabase_store::asynchronous::AsyncTypedStore;
use netabase_store::indexeddb::IndexedDB;
use netabase_store::{IndexedDBConfig, NetabaseError, netabase_definition_module};
use wasm_bindgen::prelude::*;

#[netabase_definition_module(Measured, MeasuredKeys)]
mod models {
    use netabase_store::{NetabaseModel, netabase};

    /// The record that both sides write.
    #[derive(NetabaseModel, Clone, Debug, PartialEq)]
    #[netabase(Measured)]
    pub struct Record {
        #[primary_key]
        pub id: u32,
        #[secondary_key]
        pub name: String,
        #[secondary_key]
        pub country: String,
        pub population: u32,
        pub latitude: f64,
        pub longitude: f64,
    }
}
use models::*;

/// An open database.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Bench(Rc<AsyncTypedStore<Measured, IndexedDB>>);

/// The record with this number, as `record` in `bench.js` makes it.
fn record(id: u32) -> Record {
    let letter = |shift: u32| char::from(b'A' + ((id >> shift) % 26) as u8);
    Record {
        id,
        name: format!("Place number {}", id.wrapping_mul(7919) % 10_007),
        country: [letter(0), letter(5)].iter().collect(),
        population: id.wrapping_mul(31) % 1_000_003,
        latitude: f64::from(id % 180) - 90.0 + 0.25,
        longitude: f64::from(id % 360) - 180.0 + 0.25,
    }
}

fn promise<T: Into<JsValue>>(
    work: impl Future<Output = Result<T, NetabaseError>> + 'static,
) -> Promise {
    future_to_promise(async {
        match work.await {
            Ok(value) => Ok(value.into()),
            Err(error) => Err(Error::new(&error.to_string()).into()),
        }
    })
}

#[wasm_bindgen]
impl Bench {
    /// Opens an empty database that has its object stores, as the other side has after opening.
    pub fn open(name: String) -> Promise {
        promise(async move {
            let store = AsyncTypedStore::new(IndexedDBConfig::new(name)).await?;
            let records = store.open_tree::<Record>();
            records.put(record(0)).await?;
            records.clear().await?;
            Ok(Self(Rc::new(store)))
        })
    }

    /// Writes so many records in one transaction.
    pub fn write(&self, count: u32) -> Promise {
        let store = Rc::clone(&self.0);
        promise(async move {
            store
                .open_tree::<Record>()
                .put_many((0..count).map(record))
                .await?;
            Ok(count)
        })
    }

    /// Reads every record; gives the sum of the populations.
    pub fn scan(&self) -> Promise {
        let store = Rc::clone(&self.0);
        promise(async move {
            let records = store.open_tree::<Record>().all().await?;
            Ok(sum(records.iter().map(|(_, record)| record)))
        })
    }

    /// Reads these records; gives the sum of the populations.
    pub fn gets(&self, ids: Vec<u32>) -> Promise {
        let store = Rc::clone(&self.0);
        promise(async move {
            let keys = ids.into_iter().map(RecordPrimaryKey);
            let records = store.open_tree::<Record>().get_many(keys).await?;
            Ok(sum(records.iter().flatten()))
        })
    }

    /// Writes these records again with another population, in a transaction each.
    pub fn puts(&self, ids: Vec<u32>) -> Promise {
        let store = Rc::clone(&self.0);
        promise(async move {
            let records = store.open_tree::<Record>();
            for id in &ids {
                let mut record = record(*id);
                record.population += 1;
                records.put(record).await?;
            }
            Ok(ids.len() as u32)
        })
    }

    /// Reads these records in a transaction each; gives the sum of the populations.
    pub fn single_gets(&self, ids: Vec<u32>) -> Promise {
        let store = Rc::clone(&self.0);
        promise(async move {
            let records = store.open_tree::<Record>();
            let mut found = Vec::new();
            for id in ids {
                found.push(records.get(RecordPrimaryKey(id)).await?);
            }
            Ok(sum(found.iter().flatten()))
        })
    }

    /// Closes the database.
    pub fn close(&self) {
        self.0.close();
    }
}

fn sum<'a>(records: impl Iterator<Item = &'a Record>) -> f64 {
    records.map(|record| f64::from(record.population)).sum()
}
