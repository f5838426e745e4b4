//! A read transaction has no way to write.

use netabase_store::netabase_definition_module;
use netabase_store::{MemoryStore, NetabaseStore};

#[netabase_definition_module(Blog, BlogKeys)]
mod blog {
    use netabase_store::{NetabaseModel, netabase};

    #[derive(NetabaseModel)]
    #[netabase(Blog)]
    pub struct Post {
        #[primary_key]
        pub id: u64,
    }
}
use blog::*;

fn main() {
    let store: NetabaseStore<Blog, MemoryStore<Blog>> = NetabaseStore::memory().unwrap();
    let reading = store.read();
    let mut posts = reading.open_tree::<Post>();
    posts.put(Post { id: 1 }).unwrap();
    posts.clear().unwrap();
    reading.commit().unwrap();
}
