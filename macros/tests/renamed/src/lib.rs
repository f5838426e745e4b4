//! A definition in a package that has `netabase_store` under another name, and nothing else.

#![deny(
    warnings,
    clippy::pedantic,
    missing_debug_implementations,
    missing_docs,
    single_use_lifetimes,
    unused_lifetimes,
    unused_qualifications
)]

use storage::netabase_definition_module;

/// What a library lends.
#[netabase_definition_module(Library, LibraryKeys)]
pub mod library {
    use storage::{NetabaseKey, NetabaseModel, netabase};

    /// A book.
    #[derive(NetabaseModel, Debug, Clone, PartialEq)]
    #[netabase(Library)]
    pub struct Book {
        /// What it is bought by.
        #[primary_key]
        pub isbn: u64,
        /// What it is called.
        #[secondary_key]
        pub title: String,
    }

    /// That a book is lent.
    #[derive(NetabaseModel, Debug, Clone, Copy, PartialEq, Eq)]
    #[netabase(Library)]
    pub struct Loan {
        /// The book, and for how often it is lent.
        #[primary_key]
        pub id: (u64, u32),
    }

    /// Where a book stands.
    #[derive(NetabaseKey, Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
    pub struct Shelf(pub u8);
}

#[cfg(test)]
mod tests {
    use super::library::{Book, BookPrimaryKey, Library, LibraryKeys};

    #[test]
    fn generated_code_finds_the_renamed_crate() {
        let book = Book {
            isbn: 1,
            title: "Sophie".to_owned(),
        };
        let any = Library::from(book.clone());
        assert_eq!(any, Library::Book(book));
        let key = LibraryKeys::Book(BookPrimaryKey(1).into());
        assert_eq!(<&str>::from(&key), "Book");
    }
}
