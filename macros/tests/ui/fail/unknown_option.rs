use netabase_store::netabase_definition_module;

#[netabase_definition_module(Blog, BlogKeys)]
mod blog {
    use netabase_store::{NetabaseModel, netabase};

    #[derive(NetabaseModel)]
    #[netabase(Blog, table = "users")]
    pub struct User {
        #[primary_key]
        pub id: u64,
    }

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct Post {
        #[primary_key(auto)]
        pub id: u64,
        #[secondary_key(uniqe)]
        pub slug: String,
        #[secondary_key(ordered)]
        pub date: u32,
        #[secondary_key(unique, unique)]
        pub title: String,
        #[secondary_key = "unique"]
        pub author: u64,
        #[secondary_key("unique")]
        pub tag: String,
        #[netabase(skip)]
        pub likes: u64,
    }
}

fn main() {}
