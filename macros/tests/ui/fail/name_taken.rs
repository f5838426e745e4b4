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
        pub email: String,
    }

    pub struct UserKey;
    use std::string::String as UserEmailSecondaryKey;
    pub fn email() -> UserEmailSecondaryKey {
        UserEmailSecondaryKey::new()
    }
    pub const BlogKeysDiscriminant: u8 = 0;
}

fn main() {}
