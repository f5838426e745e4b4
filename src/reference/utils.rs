//! Types of other crates under names of this one.

#[cfg(feature = "chrono")]
pub mod datetime {
    //! Points in time.

    pub use chrono;

    /// A point in time, to the nanosecond, in UTC: a field of a model, and a key whose order is that of time.
    ///
    /// It has serde's traits and not bincode's, so a field of it needs the feature `serde` and `#[bincode(with_serde)]`.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(feature = "serde")] {
    /// use netabase_store::prelude::*;
    /// use netabase_store::NetabaseDateTime;
    ///
    /// #[netabase_definition_module(Blog, BlogKeys)]
    /// mod blog {
    ///     use netabase_store::{NetabaseDateTime, NetabaseModel, netabase};
    ///
    ///     #[derive(NetabaseModel, Clone, Debug, PartialEq)]
    ///     #[netabase(Blog)]
    ///     pub struct Post {
    ///         #[primary_key]
    ///         pub id: u64,
    ///         #[secondary_key]
    ///         #[bincode(with_serde)]
    ///         pub created_at: NetabaseDateTime,
    ///     }
    /// }
    /// use blog::*;
    ///
    /// let store = NetabaseStore::<Blog, _>::memory()?;
    /// let posts = store.open_tree::<Post>();
    /// let before: NetabaseDateTime = chrono::Utc::now();
    /// posts.put(Post { id: 1, created_at: before })?;
    /// let found = posts.get_by_secondary_key(PostSecondaryKeys::CreatedAt(PostCreatedAtSecondaryKey(before)))?;
    /// assert_eq!(found, [Post { id: 1, created_at: before }]);
    /// # }
    /// # Ok::<(), netabase_store::NetabaseError>(())
    /// ```
    pub type NetabaseDateTime = chrono::DateTime<chrono::Utc>;
}
