use netabase_store::netabase_definition_module;

#[netabase_definition_module(Blog, BlogKeys)]
mod blog {
    use netabase_store::{NetabaseModel, netabase};

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct User<T> {
        #[primary_key]
        pub id: T,
    }

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct Post<'a> {
        #[primary_key]
        pub id: u64,
        pub title: &'a str,
    }

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct Comment<const N: usize> {
        #[primary_key]
        pub id: [u8; N],
    }
}

fn main() {}
