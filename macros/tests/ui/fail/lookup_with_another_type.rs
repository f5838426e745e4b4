//! A key is looked up with itself, its field, or what the field is borrowed as.

use netabase_store::{NetabaseStore, netabase_definition_module};

#[netabase_definition_module(Library, LibraryKeys)]
mod library {
    use netabase_store::{NetabaseModel, netabase};

    #[derive(NetabaseModel)]
    #[netabase(Library)]
    pub struct Book {
        #[primary_key]
        pub id: u64,
        #[secondary_key]
        pub author: String,
        #[secondary_key]
        pub title: String,
    }
}

use library::*;

fn main() {
    let store = NetabaseStore::<Library, _>::memory().unwrap();
    let books = store.open_tree::<Book>();
    let _ = books.get("Emma");
    let _ = books.get_by::<BookAuthorSecondaryKey>(7u32);
    let _ = books.get_by::<BookAuthorSecondaryKey>(BookTitleSecondaryKey("Emma".into()));
}
