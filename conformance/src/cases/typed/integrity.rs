//! What is returned is what was written, or an error is: checksums of records, index entries that mislead, and what a
//! database requires of those who write to it.

use netabase_core::codec::key;
use netabase_core::config::Checksums;
use netabase_core::driver::{
    Capabilities, Driver, Durability, ErrorKind, OpenConfig, Read as _, Write as _,
};
use netabase_core::error::NetabaseError;
use netabase_core::schema::{self, SCHEMA_KEY, SCHEMA_TREE, Schema, tree_name};
use netabase_core::store::StoreOptions;

use super::{ShopStore, collect, failed, user};
use crate::case::{Case, CaseResult, Requirement, case};
use crate::cases::typed;
use crate::fixture::Fixture;
use crate::model::shop::{
    User, UserAgeSecondaryKey, UserEmailSecondaryKey, UserPrimaryKey, UserSecondaryKeys,
};

const PERSISTENT: Requirement = Requirement::Declares(Capabilities::PERSISTENT);
const READ_ONLY: Requirement = Requirement::Declares(Capabilities::READ_ONLY);

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(
            a_record_that_changed_is_corrupt_and_can_be_discarded,
            PERSISTENT
        ),
        case!(a_record_under_another_key_is_corrupt, PERSISTENT),
        case!(an_entry_that_leads_to_another_record_is_corrupt, PERSISTENT),
        case!(a_database_keeps_the_checksums_it_was_made_with, PERSISTENT),
        case!(a_damaged_schema_record_is_refused, PERSISTENT),
        case!(
            what_a_program_does_not_know_of_may_be_read_and_not_written,
            PERSISTENT,
            READ_ONLY
        ),
    ]
}

/// Changes one entry, below the typed layer. `None` removes it.
fn change<D: Driver>(
    fixture: &Fixture<D>,
    tree: &str,
    key: &[u8],
    change: impl FnOnce(Option<Vec<u8>>) -> Option<Vec<u8>>,
) -> CaseResult {
    let store = fixture.open()?;
    let mut writer = store.begin_write()?;
    let tree = writer.tree(tree)?;
    let before = writer.get(tree, key, <[u8]>::to_vec)?;
    match change(before) {
        Some(value) => writer.put(tree, key, &value, |_| ()).map(drop)?,
        None => writer.remove(tree, key, |_| ()).map(drop)?,
    }
    writer.commit(Durability::None)?;
    Ok(())
}

/// The schema record.
fn recorded<D: Driver>(fixture: &Fixture<D>) -> Result<Schema, NetabaseError> {
    let store = fixture.open()?;
    Ok(schema::read(&store.begin_read()?)?.expect("a typed store records its models"))
}

/// The names of the trees of users: of the records, and of the indexes of `age` and `email`.
fn trees<D: Driver>(fixture: &Fixture<D>) -> Result<[String; 3], NetabaseError> {
    let schema = recorded(fixture)?;
    let users = &schema.models["User"];
    let index = |name: &str| {
        let mut indexes = users.indexes.iter();
        let index = indexes.find(|index| index.name == name);
        tree_name(index.expect("the model has this index").tree)
    };
    Ok([tree_name(users.tree), index("age"), index("email")])
}

fn filled<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    typed::open(fixture)?
        .open_tree::<User>()
        .put_many((1..=3).map(|id| user(id, 30)))?;
    Ok(())
}

/// Every read of the user fails so, whatever the way to it; the other two are as they were.
fn assert_only_second_fails<D: Driver>(store: &ShopStore<D>, kind: ErrorKind) -> CaseResult {
    let users = store.open_tree::<User>();
    let error = failed(users.get(UserPrimaryKey(2)));
    assert_eq!(error.kind(), kind);
    assert_eq!(error.tree(), Some("User"));
    let borrowed = failed(users.get_with(UserPrimaryKey(2), |user| user.id));
    assert_eq!(borrowed.kind(), kind);
    assert_eq!(failed(users.remove(UserPrimaryKey(2))).kind(), kind);
    assert_eq!(failed(users.put(user(2, 31))).kind(), kind);
    let by_age = UserSecondaryKeys::Age(UserAgeSecondaryKey(30));
    assert_eq!(failed(users.get_by_secondary_key(by_age)).kind(), kind);
    let results: Vec<_> = users
        .iter()?
        .map(|item| item.map(|(_, user)| user.id).map_err(|error| error.kind()))
        .collect();
    assert_eq!(results, [Ok(1), Err(kind), Ok(3)]);
    let reader = store.read();
    let by_email: Vec<_> = reader
        .open_tree::<User>()
        .range_by::<UserEmailSecondaryKey>(..)?
        .map(|item| item.map(|(_, user)| user.id).map_err(|error| error.kind()))
        .collect();
    assert_eq!(by_email, [Ok(1), Err(kind), Ok(3)]);
    Ok(())
}

fn a_record_that_changed_is_corrupt_and_can_be_discarded<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    filled(fixture)?;
    let [records, ..] = trees(fixture)?;
    let length = {
        let store = fixture.open()?;
        let reader = store.begin_read()?;
        let tree = reader.tree(&records)?;
        let length = reader.get(tree, &key::encode(&2u64), <[u8]>::len)?;
        length.expect("the record is there")
    };
    for place in [0, length / 2, length - 1] {
        change(fixture, &records, &key::encode(&2u64), |value| {
            value.map(|mut value| {
                value[place] ^= 0x10;
                value
            })
        })?;
        assert_only_second_fails(&typed::open(fixture)?, ErrorKind::Corrupt)?;
        change(fixture, &records, &key::encode(&2u64), |value| {
            value.map(|mut value| {
                value[place] ^= 0x10;
                value
            })
        })?;
        typed::assert_exact(&typed::open(fixture)?)?;
    }
    change(fixture, &records, &key::encode(&2u64), |_| Some(vec![1, 2]))?;
    let store = typed::open(fixture)?;
    assert_only_second_fails(&store, ErrorKind::Corrupt)?;
    assert!(store.open_tree::<User>().discard(UserPrimaryKey(2))?);
    typed::assert_exact(&store)
}

fn a_record_under_another_key_is_corrupt<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    filled(fixture)?;
    let [records, ..] = trees(fixture)?;
    let mut other = None;
    change(fixture, &records, &key::encode(&3u64), |value| {
        other = value.clone();
        value
    })?;
    change(fixture, &records, &key::encode(&2u64), |_| other)?;
    assert_only_second_fails(&typed::open(fixture)?, ErrorKind::Corrupt)
}

fn an_entry_that_leads_to_another_record_is_corrupt<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    filled(fixture)?;
    let [_, by_age, by_email] = trees(fixture)?;
    // The entry of an age that nobody has, and one email that leads to somebody else.
    let entry = key::encode(&(99i32, 2u64));
    change(fixture, &by_age, &entry, |_| Some(Vec::new()))?;
    let email = key::encode(&user(1, 30).email);
    change(fixture, &by_email, &email, |_| Some(key::encode(&3u64)))?;
    let store = typed::open(fixture)?;
    let users = store.open_tree::<User>();
    for key in [
        UserSecondaryKeys::Age(UserAgeSecondaryKey(99)),
        UserSecondaryKeys::Email(UserEmailSecondaryKey(user(1, 30).email)),
    ] {
        let error = failed(users.get_by_secondary_key(key));
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    }
    let reader = store.read();
    let view = reader.open_tree::<User>();
    let results: Vec<_> = view
        .by::<UserAgeSecondaryKey>(99)?
        .map(|item| item.map(drop).map_err(|error| error.kind()))
        .collect();
    assert_eq!(results, [Err(ErrorKind::Corrupt)]);
    let right = view.by::<UserAgeSecondaryKey>(30)?;
    assert_eq!(collect(right)?.len(), 3);
    Ok(())
}

fn a_database_keeps_the_checksums_it_was_made_with<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let mut lengths = Vec::new();
    for checksums in [Checksums::Off, Checksums::Records] {
        let other = match checksums {
            Checksums::Off => Checksums::Records,
            _ => Checksums::Off,
        };
        for (id, asked) in [(1, checksums), (2, other), (3, other)] {
            let mut options = StoreOptions::from(Durability::None);
            options.checksums = asked;
            let config = OpenConfig {
                truncate: id == 1,
                ..fixture.config()
            };
            let store = ShopStore::<D>::open_with(fixture.driver(), &config, options)?;
            store.open_tree::<User>().put(user(id, 30))?;
            typed::assert_exact(&store)?;
            drop(store);
            assert_eq!(recorded(fixture)?.checksums(), checksums);
        }
        let [records, ..] = trees(fixture)?;
        let store = fixture.open()?;
        let reader = store.begin_read()?;
        let tree = reader.tree(&records)?;
        lengths.push(reader.get(tree, &key::encode(&3u64), <[u8]>::len)?);
    }
    let [Some(plain), Some(checked)] = lengths[..] else {
        panic!("a record is missing: {lengths:?}");
    };
    assert_eq!(checked, plain + 4);
    Ok(())
}

fn a_damaged_schema_record_is_refused<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    filled(fixture)?;
    let mut record = None;
    change(fixture, SCHEMA_TREE, SCHEMA_KEY, |value| {
        record = value.clone();
        value
    })?;
    let record = record.expect("a typed store records its models");
    for place in [0, 9, record.len() / 2, record.len() - 2] {
        let mut damaged = record.clone();
        damaged[place] ^= 1;
        change(fixture, SCHEMA_TREE, SCHEMA_KEY, |_| Some(damaged))?;
        let error = failed(typed::open(fixture));
        assert!(
            matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::SchemaMismatch),
            "{error}"
        );
    }
    // Without it, nobody can tell what the trees hold.
    change(fixture, SCHEMA_TREE, SCHEMA_KEY, |_| None)?;
    assert_eq!(
        failed(typed::open(fixture)).kind(),
        ErrorKind::SchemaMismatch
    );
    change(fixture, SCHEMA_TREE, SCHEMA_KEY, |_| Some(record))?;
    typed::assert_exact(&typed::open(fixture)?)
}

fn what_a_program_does_not_know_of_may_be_read_and_not_written<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    filled(fixture)?;
    let mut schema = recorded(fixture)?;
    schema.requires.insert("what-comes-later".to_owned());
    change(fixture, SCHEMA_TREE, SCHEMA_KEY, |_| {
        Some(schema.to_string().into_bytes())
    })?;
    let error = failed(typed::open(fixture));
    assert_eq!(error.kind(), ErrorKind::SchemaMismatch);
    assert!(error.message().contains("what-comes-later"), "{error}");
    let config = OpenConfig {
        read_only: true,
        ..fixture.config()
    };
    let store = ShopStore::<D>::open_with(fixture.driver(), &config, Durability::None)?;
    typed::assert_exact(&store)?;
    drop(store);
    assert_eq!(recorded(fixture)?, schema);
    Ok(())
}
