//! What the page does with its database.

use netabase_store::{ErrorKind, IndexedDBStore, NetabaseError, NetabaseStore};

use crate::atlas::{
    Atlas, Place, PlaceCountrySecondaryKey, PlacePrimaryKey, PlaceSecondaryKeys, Sample,
    SamplePrimaryKey,
};
use crate::sample;

/// The places that this browser keeps.
#[derive(Debug)]
pub(crate) struct Places(NetabaseStore<Atlas, IndexedDBStore<Atlas>>);

impl Places {
    /// Opens the database. A new one gets the places of the sample.
    pub(crate) async fn open() -> Result<Self, NetabaseError> {
        let places = Self(NetabaseStore::indexeddb("netabase-places").await?);
        // Checked and written in one transaction: of two tabs that open at once, one puts the sample in.
        let guard = places.0.write().await?;
        let mut samples = guard.open_tree::<Sample>();
        if !samples.contains(SamplePrimaryKey(sample::EDITION)).await? {
            let sample = sample::places();
            samples.put(record_of(&sample)).await?;
            guard.open_tree::<Place>().put_many(sample).await?;
            guard.commit().await?;
        }
        Ok(places)
    }

    pub(crate) async fn all(&self) -> Result<Vec<Place>, NetabaseError> {
        let records = self.0.open_tree::<Place>().all().await?;
        Ok(records.into_iter().map(|(_, place)| place).collect())
    }

    pub(crate) async fn in_country(&self, code: &str) -> Result<Vec<Place>, NetabaseError> {
        let key = PlaceSecondaryKeys::Country(PlaceCountrySecondaryKey(code.to_owned()));
        self.0.open_tree::<Place>().get_by_secondary_key(key).await
    }

    pub(crate) async fn get(&self, id: u32) -> Result<Option<Place>, NetabaseError> {
        self.0.open_tree::<Place>().get(PlacePrimaryKey(id)).await
    }

    /// Adds a place under an id that no other tab gives out.
    pub(crate) async fn add(
        &self,
        name: String,
        country: String,
        population: u32,
    ) -> Result<(), NetabaseError> {
        let guard = self.0.write().await?;
        let mut places = guard.open_tree::<Place>();
        let id = match places.last().await? {
            None => 1,
            Some((_, place)) => place.id.checked_add(1).ok_or_else(|| {
                NetabaseError::new(ErrorKind::InvalidInput, "there is no id left for a place")
            })?,
        };
        let place = Place {
            id,
            name,
            country,
            population,
        };
        places.put(place).await?;
        guard.commit().await
    }

    /// Changes a place; whether it was still there.
    pub(crate) async fn change(&self, place: &Place) -> Result<bool, NetabaseError> {
        let guard = self.0.write().await?;
        let mut places = guard.open_tree::<Place>();
        if !places.contains(PlacePrimaryKey(place.id)).await? {
            return Ok(false);
        }
        places.put(place).await?;
        guard.commit().await?;
        Ok(true)
    }

    pub(crate) async fn remove(&self, id: u32) -> Result<Option<Place>, NetabaseError> {
        self.0
            .open_tree::<Place>()
            .remove(PlacePrimaryKey(id))
            .await
    }

    /// Puts a place back that was removed.
    pub(crate) async fn put_back(&self, place: &Place) -> Result<(), NetabaseError> {
        self.0.open_tree::<Place>().put(place).await
    }

    /// Replaces every place by those of the sample.
    pub(crate) async fn start_again(&self) -> Result<(), NetabaseError> {
        let sample = sample::places();
        let mut batch = self.0.batch();
        batch.clear::<Place>();
        batch.put(record_of(&sample));
        batch.put_many(sample);
        batch.commit().await
    }

    /// How many bytes this origin uses and may use.
    pub(crate) async fn room(&self) -> Result<(u64, u64), NetabaseError> {
        self.0.estimate().await
    }

    /// Asks the browser to keep the places when room gets short.
    pub(crate) async fn keep(&self) -> Result<(), NetabaseError> {
        self.0.persist().await.map(drop)
    }
}

fn record_of(sample: &[Place]) -> Sample {
    Sample {
        edition: sample::EDITION,
        places: sample.len() as u32,
    }
}
