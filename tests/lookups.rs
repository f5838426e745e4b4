//! Look-ups by what a key is borrowed as: every form finds what the key itself finds.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

use std::ops::Bound;
use std::slice::from_ref;

use netabase_store::{NetabaseError, NetabaseStore, netabase_definition_module};

#[netabase_definition_module(Library, LibraryKeys)]
mod library {
    use netabase_store::{NetabaseKey, NetabaseModel, netabase};

    #[derive(
        NetabaseKey,
        Clone,
        Copy,
        Debug,
        PartialEq,
        Eq,
        PartialOrd,
        Ord,
        bincode::Encode,
        bincode::Decode,
    )]
    pub enum Genre {
        Novel,
        Play,
    }

    #[derive(NetabaseModel, Clone, Debug, PartialEq)]
    #[netabase(Library)]
    pub struct Book {
        #[primary_key]
        pub isbn: String,
        #[secondary_key]
        pub author: String,
        #[secondary_key(unique)]
        pub hash: Vec<u8>,
        #[secondary_key]
        pub shelf: (String, u16),
        #[secondary_key]
        pub genre: Genre,
        #[secondary_key]
        pub series: Option<String>,
        #[secondary_key]
        pub stamp: [u8; 2],
    }

    #[derive(NetabaseModel, Clone, Debug, PartialEq)]
    #[netabase(Library)]
    pub struct Loan {
        #[primary_key]
        pub reader: String,
        #[primary_key]
        pub number: u32,
        #[secondary_key]
        pub days: i64,
    }
}
use library::*;

fn book(isbn: &str, author: &str, number: u8) -> Book {
    Book {
        isbn: isbn.into(),
        author: author.into(),
        hash: vec![0, number],
        shelf: (author.into(), number.into()),
        genre: if number.is_multiple_of(2) {
            Genre::Novel
        } else {
            Genre::Play
        },
        series: (number > 1).then(|| author.into()),
        stamp: [0, number],
    }
}

fn books() -> [Book; 3] {
    [
        book("a", "Austen", 1),
        book("b", "Austen", 2),
        book("c", "Eliot", 3),
    ]
}

#[test]
fn a_record_is_found_by_what_its_primary_key_is_borrowed_as() -> Result<(), NetabaseError> {
    let store = NetabaseStore::<Library, _>::memory()?;
    let [a, b, c] = books();
    let tree = store.open_tree::<Book>();
    tree.put_many([&a, &b, &c])?;

    let owned = String::from("b");
    let key = BookPrimaryKey("b".into());
    for found in [
        tree.get("b")?,
        tree.get([&"b"][0])?,
        tree.get(owned.as_str())?,
        tree.get(&owned)?,
        tree.get(owned.clone())?,
        tree.get(&key)?,
        tree.get(key)?,
    ] {
        assert_eq!(found.as_ref(), Some(&b));
    }
    assert!(tree.contains("c")? && !tree.contains("d")?);
    assert_eq!(tree.get_with("a", |book| book.author.len())?, Some(6));
    assert_eq!(
        tree.get_many(["c", "d", "a"])?,
        [Some(c.clone()), None, Some(a)]
    );
    assert_eq!(tree.remove("b")?, Some(b));
    assert!(!tree.discard("b")?);
    assert_eq!(tree.remove_many(["b", "c"])?, [None, Some(c)]);
    assert_eq!(tree.len()?, 1);
    Ok(())
}

#[test]
fn a_key_of_several_fields_is_looked_up_with_a_tuple() -> Result<(), NetabaseError> {
    let store = NetabaseStore::<Library, _>::memory()?;
    let tree = store.open_tree::<Loan>();
    let loan = |number, days| Loan {
        reader: "Ann".into(),
        number,
        days,
    };
    tree.put_many([loan(1, -1), loan(300, 14)])?;
    assert_eq!(tree.get(("Ann", 300))?, Some(loan(300, 14)));
    assert_eq!(
        tree.get(LoanPrimaryKey("Ann".into(), 1))?,
        Some(loan(1, -1))
    );
    assert_eq!(tree.get_by::<LoanDaysSecondaryKey>(-1)?, [loan(1, -1)]);

    let txn = store.read();
    let view = txn.open_tree::<Loan>();
    assert_eq!(view.prefix(("Ann",))?.count(), 2);
    assert_eq!(view.range(("Ann", 2)..)?.count(), 1);
    assert_eq!(view.range_by::<LoanDaysSecondaryKey>(-1..=13)?.count(), 1);
    Ok(())
}

#[test]
fn records_are_found_by_what_a_secondary_key_is_borrowed_as() -> Result<(), NetabaseError> {
    let store = NetabaseStore::<Library, _>::memory()?;
    let all = books();
    store.open_tree::<Book>().put_many(&all)?;
    let tree = store.open_tree::<Book>();
    let [a, b, c] = all;

    assert_eq!(
        tree.get_by::<BookAuthorSecondaryKey>("Austen")?,
        [a.clone(), b.clone()]
    );
    let key = BookAuthorSecondaryKey("Eliot".into());
    assert_eq!(tree.get_by(&key)?, from_ref(&c));
    assert_eq!(tree.get_by(key.clone())?, from_ref(&c));
    assert_eq!(
        tree.get_by_secondary_key(BookSecondaryKeys::Author(key))?,
        from_ref(&c)
    );
    assert_eq!(tree.get_by::<BookHashSecondaryKey>(&[0, 2])?, from_ref(&b));
    assert_eq!(
        tree.get_by::<BookHashSecondaryKey>(&b.hash[..])?,
        from_ref(&b)
    );
    assert_eq!(tree.get_by::<BookStampSecondaryKey>([0, 2])?, from_ref(&b));
    assert_eq!(
        tree.get_by::<BookShelfSecondaryKey>(("Austen", 2))?,
        from_ref(&b)
    );
    assert_eq!(
        tree.get_by::<BookGenreSecondaryKey>(Genre::Play)?,
        [a.clone(), c.clone()]
    );
    assert_eq!(
        tree.get_by::<BookSeriesSecondaryKey>(Some("Austen"))?,
        from_ref(&b)
    );
    assert_eq!(
        tree.get_by::<BookSeriesSecondaryKey>(None::<&str>)?,
        from_ref(&a)
    );

    let txn = store.read();
    let view = txn.open_tree::<Book>();
    let isbns = |found: &mut dyn Iterator<Item = Result<(BookPrimaryKey, Book), NetabaseError>>| {
        found
            .map(|item| item.map(|(key, _)| key.0))
            .collect::<Result<Vec<_>, _>>()
    };
    assert_eq!(
        isbns(&mut view.by::<BookAuthorSecondaryKey>("Austen")?)?,
        ["a", "b"]
    );
    assert_eq!(
        isbns(&mut view.by(BookAuthorSecondaryKey("Austen".into()))?)?,
        ["a", "b"]
    );
    assert_eq!(
        isbns(&mut view.range_by::<BookAuthorSecondaryKey>("Austen\0".."F")?)?,
        ["c"]
    );
    let after = (Bound::Excluded("Austen"), Bound::Unbounded);
    assert_eq!(
        isbns(&mut view.range_by::<BookAuthorSecondaryKey>(after)?)?,
        ["c"]
    );
    assert_eq!(
        isbns(&mut view.range_by(..=BookAuthorSecondaryKey("Austen".into()))?)?,
        ["a", "b"]
    );
    assert_eq!(
        isbns(&mut view.prefix_by::<BookAuthorSecondaryKey>("Au")?.rev())?,
        ["b", "a"]
    );
    assert_eq!(
        isbns(&mut view.prefix_by::<BookShelfSecondaryKey>(("Austen",))?)?,
        ["a", "b"]
    );
    assert_eq!(isbns(&mut view.range("b"..)?)?, ["b", "c"]);
    assert_eq!(
        view.by_pinned::<BookAuthorSecondaryKey>("Eliot")?
            .map(|found| found?.decode())
            .collect::<Result<Vec<_>, _>>()?,
        [c]
    );
    Ok(())
}

#[test]
fn handles_share_one_database_and_closing_one_closes_all() -> Result<(), NetabaseError> {
    let store = NetabaseStore::<Library, _>::memory()?;
    let (other, handle) = (store.clone(), store.backend().clone());
    other.open_tree::<Book>().put(book("a", "Austen", 1))?;
    drop(other);
    std::thread::spawn(move || handle.open_tree::<Book>().put(book("b", "Eliot", 2)))
        .join()
        .unwrap()?;
    assert_eq!(store.open_tree::<Book>().len()?, 2);

    let other = store.clone();
    other.close();
    let error = store.open_tree::<Book>().len().unwrap_err();
    assert_eq!(error.kind(), netabase_store::ErrorKind::Closed);
    Ok(())
}
