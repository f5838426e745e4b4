use netabase_store::netabase_definition_module;

#[netabase_definition_module(Blog, BlogKeys)]
mod blog {
    use netabase_store::{NetabaseKey, NetabaseModel, netabase};

    #[derive(Clone, Debug)]
    pub struct Picture(pub Vec<u8>);

    #[derive(NetabaseKey, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub struct Slug(pub String);

    #[derive(NetabaseModel, Clone, Debug)]
    #[netabase(Blog)]
    pub struct Post {
        #[primary_key]
        pub slug: Slug,
        pub picture: Picture,
    }
}

fn main() {}
