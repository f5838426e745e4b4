//! A borrowed read allocates nothing: counted by an allocator of this executable's own.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use netabase_store::databases::redb_zerocopy::{RedbStoreZeroCopy, bulk_insert};
use netabase_store::netabase_definition_module;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, which counts the allocations of each thread.
struct Counting;

// SAFETY: every call goes on to the system's allocator, unchanged; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are those that `System` asks for, and `System` gave the pointer.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are those that `System` asks for, and `System` gave the pointer.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count() {
    // While a thread ends its counter may be gone, and so is its test.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

/// The number of allocations that `run` makes on this thread.
fn allocations(run: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    run();
    ALLOCATIONS.get() - before
}

#[netabase_definition_module(People, PeopleKeys)]
mod people {
    use netabase_store::{NetabaseModel, netabase};

    #[derive(NetabaseModel, Debug)]
    #[netabase(People)]
    pub struct User {
        #[primary_key]
        pub id: u64,
        pub name: String,
        #[secondary_key(unique)]
        pub email: String,
        #[secondary_key]
        pub age: u32,
        pub photo: Vec<u8>,
    }

    #[derive(NetabaseModel, Debug)]
    #[netabase(People)]
    pub struct Country {
        #[primary_key]
        pub code: String,
        #[primary_key]
        pub year: u16,
        pub name: String,
    }
}

use people::*;

const USERS: u64 = 5_000;

fn store() -> RedbStoreZeroCopy<People> {
    let store = RedbStoreZeroCopy::temp().unwrap();
    bulk_insert(
        &store,
        (0..USERS).map(|id| User {
            id,
            name: format!("User number {id}"),
            email: format!("user{id}@example.com"),
            age: (id % 100) as u32,
            photo: vec![id as u8; 100],
        }),
    )
    .unwrap();
    store
}

/// Keys all over the tree.
fn scattered() -> impl Iterator<Item = UserPrimaryKey> {
    (0..USERS).map(|number| UserPrimaryKey(number * 7919 % USERS))
}

#[test]
fn the_counter_counts() {
    assert_eq!(
        allocations(|| drop(black_box(vec![1_u8]))),
        1,
        "the other tests of this file show nothing"
    );
}

#[test]
fn a_borrowed_get_allocates_nothing() {
    let store = store();
    let transaction = store.begin_read().unwrap();
    let users = transaction.open_tree::<User>().unwrap();
    let read_all = || {
        for key in scattered() {
            let guard = users.get_pinned(&key).unwrap().unwrap();
            let user = guard.view().unwrap();
            assert_eq!(user.id, key.0);
            black_box((user.name, user.email, user.photo));
        }
    };
    read_all();
    assert_eq!(allocations(read_all), 0);
    let owned = allocations(|| drop(users.get(UserPrimaryKey(1)).unwrap()));
    assert_eq!(owned, 3, "the owned read makes two strings and the bytes");
}

#[test]
fn a_read_of_what_is_not_there_allocates_nothing() {
    let store = store();
    let transaction = store.begin_read().unwrap();
    let users = transaction.open_tree::<User>().unwrap();
    let read = || assert!(users.get_pinned(UserPrimaryKey(USERS)).unwrap().is_none());
    read();
    assert_eq!(allocations(read), 0);
}

#[test]
fn a_borrowed_read_through_a_closure_allocates_nothing() {
    let store = store();
    let transaction = store.read();
    let users = transaction.open_tree::<User>();
    let read_all = || {
        for key in scattered() {
            let name = users.get_with(&key, |user| user.name.len()).unwrap();
            assert!(name.is_some());
        }
    };
    read_all();
    assert_eq!(allocations(read_all), 0);
}

#[test]
fn a_step_of_a_borrowed_iteration_allocates_nothing() {
    let store = store();
    let transaction = store.begin_read().unwrap();
    let users = transaction.open_tree::<User>().unwrap();
    let forward = || {
        let mut all = users.iter_pinned().unwrap();
        black_box(all.next().unwrap().unwrap().view().unwrap().name);
        let steps = allocations(|| {
            for guard in &mut all {
                black_box(guard.unwrap().view().unwrap().name);
            }
        });
        assert!(all.next().is_none());
        steps
    };
    let backward = || {
        let mut all = users.range_pinned(UserPrimaryKey(10)..).unwrap().rev();
        black_box(all.next().unwrap().unwrap().view().unwrap().name);
        allocations(|| {
            for guard in &mut all {
                black_box(guard.unwrap().view().unwrap().name);
            }
        })
    };
    let lending = || {
        let mut all = users.iter_pinned().unwrap();
        black_box(all.next_ref().unwrap().unwrap().name);
        allocations(|| {
            while let Some(user) = all.next_ref() {
                black_box(user.unwrap().name);
            }
        })
    };
    for _warm_up in 0..2 {
        forward();
        backward();
        lending();
    }
    assert_eq!([forward(), backward(), lending()], [0, 0, 0]);
}

#[test]
fn a_step_of_a_borrowed_secondary_query_allocates_nothing() {
    let store = store();
    let transaction = store.begin_read().unwrap();
    let users = transaction.open_tree::<User>().unwrap();
    let guards = || {
        let mut grown = users.range_by_pinned(UserAgeSecondaryKey(18)..).unwrap();
        black_box(grown.next().unwrap().unwrap().view().unwrap().name);
        allocations(|| {
            for guard in &mut grown {
                black_box(guard.unwrap().view().unwrap().name);
            }
        })
    };
    let lending = || {
        let mut same_age = users.by_pinned(UserAgeSecondaryKey(18)).unwrap();
        black_box(same_age.next_ref().unwrap().unwrap().name);
        allocations(|| {
            while let Some(user) = same_age.next_ref() {
                assert_eq!(user.unwrap().age, 18);
            }
        })
    };
    for _warm_up in 0..2 {
        guards();
        lending();
    }
    assert_eq!([guards(), lending()], [0, 0]);
}

#[test]
fn a_key_that_is_borrowed_allocates_nothing() {
    let store = store();
    store
        .open_tree::<Country>()
        .put(Country {
            code: "fr".into(),
            year: 1958,
            name: "France".into(),
        })
        .unwrap();
    let transaction = store.begin_read().unwrap();
    let users = transaction.open_tree::<User>().unwrap();
    let countries = transaction.open_tree::<Country>().unwrap();
    let direct = || {
        let found = countries.get_pinned(("fr", 1958)).unwrap().unwrap();
        assert_eq!(found.view().unwrap().name, "France");
        assert!(!countries.contains(("de", 1958)).unwrap());
        let nobody = users.get_by::<UserEmailSecondaryKey>("nobody@example.com");
        assert!(nobody.unwrap().is_empty());
    };
    let key = UserEmailSecondaryKey("user7@example.com".into());
    let with_key = || assert_eq!(users.by_pinned(&key).unwrap().count(), 1);
    let with_text = || {
        let found = users.by_pinned::<UserEmailSecondaryKey>("user7@example.com");
        assert_eq!(found.unwrap().count(), 1);
    };
    for _warm_up in 0..2 {
        direct();
        with_key();
        with_text();
    }
    assert_eq!(allocations(direct), 0);
    assert_eq!(
        allocations(with_text),
        allocations(with_key),
        "an iterator keeps its bounds, and nothing of the text"
    );
}
