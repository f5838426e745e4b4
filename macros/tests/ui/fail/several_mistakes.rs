use netabase_store::netabase_definition_module;

#[netabase_definition_module(Blog, BlogKeys)]
mod blog {
    use netabase_store::{NetabaseModel, netabase};

    #[derive(NetabaseModel)]
    #[netabase(Shop)]
    pub struct User<T> {
        pub id: T,
        #[secondary_key(uniqe)]
        pub email: String,
        #[secondary_key(unique)]
        pub e_mail: String,
        #[secondary_key]
        pub e__mail: String,
    }

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct Post {
        #[primary_key]
        #[secondary_key]
        pub id: u64,
        #[netabase]
        pub title: String,
    }
}

fn main() {}
