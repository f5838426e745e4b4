#[netabase_definition_module(Blog, BlogKeys)]
pub mod blog {
    use netabase_store::{NetabaseModel, netabase};

    /// Who writes.
    #[derive(NetabaseModel, Clone, Debug)]
    #[netabase(Blog)]
    pub struct User {
        /// Number.
        #[primary_key]
        pub id: u64,
        #[secondary_key(unique)]
        pub email: String,
        #[secondary_key]
        pub r#type: Option<u8>,
        #[bincode(with_serde)]
        picture: image::Picture,
    }

    #[derive(NetabaseModel, Clone, Debug, PartialEq)]
    #[netabase(Blog)]
    pub struct Like {
        #[primary_key]
        pub post: u64,
        #[primary_key]
        pub number: u32,
    }
}
