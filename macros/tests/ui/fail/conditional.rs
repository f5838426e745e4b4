use netabase_store::netabase_definition_module;

#[netabase_definition_module(Blog, BlogKeys)]
mod blog {
    use netabase_store::{NetabaseModel, netabase};

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    #[cfg(all())]
    pub struct User {
        #[primary_key]
        pub id: u64,
        #[cfg(all())]
        pub name: String,
        #[cfg_attr(all(), secondary_key)]
        pub age: u8,
    }

    #[cfg_attr(all(), derive(NetabaseModel))]
    #[netabase(Blog)]
    pub struct Post {
        #[primary_key]
        pub id: u64,
    }
}

fn main() {}
