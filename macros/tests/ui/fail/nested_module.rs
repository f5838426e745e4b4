use netabase_store::netabase_definition_module;

#[netabase_definition_module(Blog, BlogKeys)]
mod blog {
    use netabase_store::{NetabaseModel, netabase};

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct User {
        #[primary_key]
        pub id: u64,
    }

    pub mod posts {
        use netabase_store::NetabaseModel;

        #[derive(NetabaseModel)]
        #[netabase(Blog)]
        pub struct Post {
            #[primary_key]
            pub id: u64,
        }
    }
}

fn main() {}
