use netabase_store::netabase_definition_module;

#[netabase_definition_module(Blog, BlogKeys)]
mod blog {
    use netabase_store::{NetabaseModel, netabase};

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct User {
        #[primary_key]
        pub id: u64,
        #[secondary_key]
        pub post_id: u64,
    }

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct UserPost {
        #[primary_key]
        pub key: u64,
        #[secondary_key]
        pub id: u64,
    }
}

fn main() {}
