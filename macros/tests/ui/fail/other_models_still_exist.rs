use netabase_store::netabase_definition_module;

#[netabase_definition_module(Blog, BlogKeys)]
mod blog {
    use netabase_store::{NetabaseModel, netabase};

    #[derive(NetabaseModel, Clone)]
    #[netabase(Blog)]
    pub struct User {
        #[primary_key]
        pub id: u64,
    }

    #[derive(NetabaseModel, Clone)]
    #[netabase(Blog)]
    pub struct Post {
        pub id: u64,
    }

    pub fn key(user: &User, post: Post) -> (UserPrimaryKey, Blog, u64) {
        (UserPrimaryKey(user.id), Blog::User(user.clone()), post.clone().id)
    }
}

fn main() {}
