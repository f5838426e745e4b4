//! The trait of definitions.

pub use netabase_core::model::NetabaseDefinitionTrait;
