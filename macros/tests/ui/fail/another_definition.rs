use netabase_store::netabase_definition_module;

#[netabase_definition_module(Blog, BlogKeys)]
mod blog {
    use netabase_store::{NetabaseModel, netabase};

    #[derive(NetabaseModel)]
    #[netabase(Shop)]
    pub struct User {
        #[primary_key]
        pub id: u64,
    }

    #[derive(NetabaseModel)]
    #[netabase(super::Blog)]
    pub struct Post {
        #[primary_key]
        pub id: u64,
    }

    #[derive(NetabaseModel)]
    #[netabase(blog::Blog)]
    pub struct Comment {
        #[primary_key]
        pub id: u64,
    }
}

fn main() {}
