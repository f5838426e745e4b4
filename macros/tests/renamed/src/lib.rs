//! A definition in a package that has `netabase_store` under another name, and nothing else.

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
