//! The trait of models.

pub use netabase_core::model::NetabaseModelTrait;
