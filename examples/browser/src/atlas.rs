//! The models.

use netabase_store::netabase_definition_module;

#[netabase_definition_module(Atlas, AtlasKeys)]
mod models {
    use netabase_store::{NetabaseModel, netabase};

    /// A populated place.
    #[derive(NetabaseModel, Clone, Debug, PartialEq, Eq)]
    #[netabase(Atlas)]
    pub struct Place {
        #[primary_key]
        pub id: u32,
        pub name: String,
        /// ISO 3166-1 alpha-2.
        #[secondary_key]
        pub country: String,
        pub population: u32,
    }

    /// Says that the places of the sample were put in, so that those which a person deletes stay away.
    #[derive(NetabaseModel, Clone, Debug, PartialEq, Eq)]
    #[netabase(Atlas)]
    pub struct Sample {
        #[primary_key]
        pub edition: u32,
        /// How many places it had.
        pub places: u32,
    }
}
pub use models::*;
