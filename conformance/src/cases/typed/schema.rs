//! What a database records of its models, and the typed store's own configuration.

use netabase_core::config::FileConfig;
use netabase_core::driver::{
    Bounds, Capabilities, Cursor, Direction, Driver, Durability, ErrorKind, OpenConfig, Read,
};
use netabase_core::error::NetabaseError;
use netabase_core::schema::tree_name;
use netabase_core::store::TypedStore;
use netabase_store::NetabaseDefinitionTrait;

use super::{collect, failed, ids, user};
use crate::case::{Case, CaseResult, Requirement, case};
use crate::cases::config::takes_a_cache_size;
use crate::cases::typed;
use crate::fixture::Fixture;
use crate::model::left::{self, LeftPair};
use crate::model::more_tasks::{self, MoreTasks};
use crate::model::other::OtherShop;
use crate::model::other_tasks::OtherTasks;
use crate::model::reindexed::ReindexedShop;
use crate::model::reindexed::{self, OrderTotalSecondaryKey};
use crate::model::right::RightPair;
use crate::model::shop::Shop;
use crate::model::shop::{
    Note, NotePrimaryKey, Order, OrderPrimaryKey, OrderSecondaryKeys, OrderStatusSecondaryKey,
    Status, User, UserPrimaryKey,
};
use crate::model::tasks::{self, Tasks};

const PERSISTENT: Requirement = Requirement::Declares(Capabilities::PERSISTENT);
const READ_ONLY: Requirement = Requirement::Declares(Capabilities::READ_ONLY);

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![
        case!(records_are_there_again, PERSISTENT),
        case!(a_file_config_is_honoured, PERSISTENT),
        case!(a_missing_database_is_not_found, PERSISTENT),
        case!(truncate_starts_an_empty_shop, PERSISTENT),
        case!(read_only_reads_and_refuses_writes, PERSISTENT, READ_ONLY),
        case!(
            a_model_of_another_shape_is_refused_and_changes_nothing,
            PERSISTENT
        ),
        case!(a_primary_key_of_another_field_is_refused, PERSISTENT),
        case!(
            a_nested_type_that_changed_is_refused_with_the_way_to_it,
            PERSISTENT
        ),
        case!(an_enum_in_a_key_may_get_further_variants, PERSISTENT),
        case!(an_enum_in_a_key_that_changed_is_refused, PERSISTENT),
        case!(an_index_that_is_new_is_built, PERSISTENT),
        case!(an_index_that_was_dropped_is_built_anew_later, PERSISTENT),
        case!(every_way_of_writing_stores_the_same_bytes, PERSISTENT),
        case!(
            writers_see_each_other_through_two_definitions_in_turn,
            PERSISTENT
        ),
    ]
}

fn open_as<M: NetabaseDefinitionTrait, D: Driver>(
    fixture: &Fixture<D>,
) -> Result<TypedStore<M, D>, NetabaseError> {
    TypedStore::open_with(fixture.driver(), &fixture.config(), Durability::None)
}

fn records_are_there_again<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    for round in 0..3u64 {
        let store = typed::open(fixture)?;
        let users = store.open_tree::<User>();
        assert_eq!(ids(collect(users.iter()?)?), (0..round).collect::<Vec<_>>());
        users.put(user(round, 30))?;
        assert_eq!(
            users.get_by_secondary_key(typed::index::by_age(30))?.len() as u64,
            round + 1
        );
        typed::assert_exact(&store)?;
    }
    Ok(())
}

fn a_file_config_is_honoured<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    for (use_fsync, durability) in [(true, Durability::Immediate), (false, Durability::None)] {
        let mut config = FileConfig::builder()
            .path(fixture.path().to_owned())
            .use_fsync(use_fsync)
            .build();
        config.cache_size_mb = takes_a_cache_size(fixture)?.then_some(8);
        let store = TypedStore::<Shop, D>::open_on(fixture.driver(), &config)?;
        assert_eq!(store.durability(), durability);
        store.open_tree::<Note>().put(Note::default())?;
        assert_eq!(store.driver_name(), fixture.manifest().name);
    }
    assert_eq!(typed::open(fixture)?.open_tree::<Note>().len()?, 1);
    Ok(())
}

fn a_missing_database_is_not_found<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let config = FileConfig::builder()
        .path(fixture.path().to_owned())
        .create_if_missing(false)
        .build();
    let error = failed(TypedStore::<Shop, D>::open_on(fixture.driver(), &config));
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.operation(), Some("open"));
    assert!(!fixture.path().exists());
    Ok(())
}

fn truncate_starts_an_empty_shop<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    typed::open(fixture)?.open_tree::<User>().put(user(1, 30))?;
    let config = FileConfig::builder()
        .path(fixture.path().to_owned())
        .truncate(true)
        .build();
    let store = TypedStore::<Shop, D>::open_on(fixture.driver(), &config)?;
    assert!(store.open_tree::<User>().is_empty()?);
    store.open_tree::<User>().put(user(2, 30))?;
    typed::assert_exact(&store)
}

fn read_only_reads_and_refuses_writes<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    typed::open(fixture)?.open_tree::<User>().put(user(1, 30))?;
    let store = TypedStore::<Shop, D>::open_with(
        fixture.driver(),
        &OpenConfig {
            read_only: true,
            ..fixture.config()
        },
        Durability::Immediate,
    )?;
    let users = store.open_tree::<User>();
    assert_eq!(users.get(UserPrimaryKey(1))?, Some(user(1, 30)));
    assert_eq!(failed(users.put(user(2, 1))).kind(), ErrorKind::ReadOnly);
    assert_eq!(failed(users.clear()).kind(), ErrorKind::ReadOnly);
    assert_eq!(failed(store.write()).kind(), ErrorKind::ReadOnly);
    typed::assert_exact(&store)
}

fn a_model_of_another_shape_is_refused_and_changes_nothing<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    let note = Note {
        title: "kept".to_owned(),
        text: b"as it is".to_vec(),
    };
    typed::open(fixture)?.open_tree::<Note>().put(&note)?;
    let error = failed(open_as::<OtherShop, D>(fixture));
    assert_eq!(error.kind(), ErrorKind::SchemaMismatch);
    assert!(error.to_string().contains("Note"), "{error}");
    let store = typed::open(fixture)?;
    let found = store
        .open_tree::<Note>()
        .get(NotePrimaryKey("kept".to_owned()))?;
    assert_eq!(found, Some(note));
    Ok(())
}

fn a_nested_type_that_changed_is_refused_with_the_way_to_it<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    use crate::model::profiles::{Profile, ProfilePrimaryKey, Profiles, Settings, Theme};
    use crate::model::{appended, inserted, renamed, swapped};

    let profile = Profile {
        id: 1,
        settings: vec![Settings {
            width: 800,
            height: 600,
            theme: Theme::Dark(3),
        }],
    };
    open_as::<Profiles, D>(fixture)?
        .open_tree::<Profile>()
        .put(&profile)?;
    let refused = [
        (
            failed(open_as::<swapped::SwappedProfiles, D>(fixture)),
            "`Profile.settings[]`, field `width` is stored, and the model has field `height`",
        ),
        (
            failed(open_as::<inserted::InsertedProfiles, D>(fixture)),
            "`Profile.settings[].theme`, variant `Dark` is stored, and the model has variant `Sepia`",
        ),
        (
            failed(open_as::<appended::AppendedProfiles, D>(fixture)),
            "`Profile.settings[]`, no field is stored, and the model has field `size`",
        ),
    ];
    for (error, told) in refused {
        assert_eq!(error.kind(), ErrorKind::SchemaMismatch);
        assert!(error.message().contains(told), "{error}");
    }
    // Other names of types change nothing.
    let store = open_as::<renamed::RenamedProfiles, D>(fixture)?;
    let found = store
        .open_tree::<renamed::Profile>()
        .get(renamed::ProfilePrimaryKey(1))?
        .expect("the profile is there");
    assert_eq!(
        (found.settings[0].width, found.settings[0].height),
        (800, 600)
    );
    assert_eq!(*found.settings[0].theme, renamed::Colours::Dark(3));
    drop(store);
    let store = open_as::<Profiles, D>(fixture)?;
    let found = store.open_tree::<Profile>().get(ProfilePrimaryKey(1))?;
    assert_eq!(found, Some(profile));
    Ok(())
}

fn a_primary_key_of_another_field_is_refused<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    let pair = left::Pair { left: 1, right: 2 };
    open_as::<LeftPair, D>(fixture)?
        .open_tree::<left::Pair>()
        .put(&pair)?;
    let error = failed(open_as::<RightPair, D>(fixture));
    assert_eq!(error.kind(), ErrorKind::SchemaMismatch);
    assert!(error.to_string().contains("right"), "{error}");
    let store = open_as::<LeftPair, D>(fixture)?;
    let found = store
        .open_tree::<left::Pair>()
        .get(left::PairPrimaryKey(1))?;
    assert_eq!(found, Some(pair));
    Ok(())
}

fn an_enum_in_a_key_may_get_further_variants<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    open_as::<Tasks, D>(fixture)?
        .open_tree::<tasks::Task>()
        .put(tasks::Task {
            level: tasks::Level::High,
            number: 1,
            next: Some(tasks::Level::Low),
        })?;
    use more_tasks::{Level, Task, TaskNextSecondaryKey};
    let store = open_as::<MoreTasks, D>(fixture)?;
    let high = Task {
        level: Level::High,
        number: 1,
        next: Some(Level::Low),
    };
    let top = Task {
        level: Level::Top,
        number: 0,
        next: Some(Level::Top),
    };
    store.open_tree::<Task>().put(&top)?;
    let guard = store.read();
    let view = guard.open_tree::<Task>();
    assert_eq!(collect(view.iter()?)?, [high.clone(), top.clone()]);
    assert_eq!(
        collect(view.range_by::<TaskNextSecondaryKey>(..)?)?,
        [high, top]
    );
    drop(view);
    drop(guard);
    drop(store);
    // The new variants are recorded: what does not know them must not read such keys.
    let error = failed(open_as::<Tasks, D>(fixture));
    assert_eq!(error.kind(), ErrorKind::SchemaMismatch);
    assert_eq!(
        open_as::<MoreTasks, D>(fixture)?
            .open_tree::<Task>()
            .len()?,
        2
    );
    Ok(())
}

fn an_enum_in_a_key_that_changed_is_refused<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    drop(open_as::<Tasks, D>(fixture)?);
    let error = failed(open_as::<OtherTasks, D>(fixture));
    assert_eq!(error.kind(), ErrorKind::SchemaMismatch);
    assert!(error.to_string().contains("Middle"), "{error}");
    drop(open_as::<Tasks, D>(fixture)?);
    Ok(())
}

fn put_orders<D: Driver>(store: &typed::ShopStore<D>) -> Result<(), NetabaseError> {
    store
        .open_tree::<Order>()
        .put_many((0..50).map(|number| Order {
            customer: "ann".to_owned(),
            number,
            status: if number % 2 == 0 {
                Status::Open
            } else {
                Status::Sent
            },
            total: i64::from(number % 5) - 2,
        }))
}

fn an_index_that_is_new_is_built<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    put_orders(&typed::open(fixture)?)?;
    let store = open_as::<ReindexedShop, D>(fixture)?;
    let guard = store.read();
    let view = guard.open_tree::<reindexed::Order>();
    assert_eq!(view.len()?, 50);
    let all = collect(view.range_by::<OrderTotalSecondaryKey>(..)?)?;
    assert!(all.is_sorted_by_key(|order| (order.total, order.number)));
    assert_eq!(all.len(), 50);
    let found = collect(view.by(OrderTotalSecondaryKey(-2))?)?;
    let numbers: Vec<_> = found.into_iter().map(|order| order.number).collect();
    assert_eq!(numbers, (0..50).step_by(5).collect::<Vec<_>>());
    Ok(())
}

fn an_index_that_was_dropped_is_built_anew_later<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    put_orders(&typed::open(fixture)?)?;
    let store = open_as::<ReindexedShop, D>(fixture)?;
    // What is written without the index must not be missing from it later, nor what is removed be in it.
    let orders = store.open_tree::<reindexed::Order>();
    orders.remove(reindexed::OrderPrimaryKey("ann".to_owned(), 0))?;
    orders.put(reindexed::Order {
        customer: "bob".to_owned(),
        number: 7,
        status: Status::Open,
        total: 0,
    })?;
    drop(store);
    let store = typed::open(fixture)?;
    typed::assert_exact(&store)?;
    let open = OrderSecondaryKeys::Status(OrderStatusSecondaryKey(Status::Open));
    assert_eq!(
        store.open_tree::<Order>().get_by_secondary_key(open)?.len(),
        25
    );
    Ok(())
}

/// Every tree of a model with what is in it, as the driver holds it.
fn stored<D: Driver>(
    fixture: &Fixture<D>,
    path: &std::path::Path,
) -> netabase_core::driver::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let store = fixture.open_with(&OpenConfig::new(path))?;
    let reader = store.begin_read()?;
    let mut stored = Vec::new();
    // Records and three indexes of the first model.
    for number in 1..=4 {
        let tree = reader.tree(&tree_name(number))?;
        let mut cursor = reader.cursor(tree, Bounds::ALL, Direction::Forward)?;
        while cursor.advance()? {
            stored.push((cursor.key().to_vec(), cursor.value().to_vec()));
        }
    }
    Ok(stored)
}

fn every_way_of_writing_stores_the_same_bytes<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
    type Write<D> = fn(&typed::ShopStore<D>, User) -> Result<(), NetabaseError>;
    let ways: [Write<D>; 5] = [
        |store, user| store.open_tree::<User>().put(user),
        |store, user| store.open_tree::<User>().put_many([user]),
        |store, user| {
            let mut batch = store.batch();
            batch.put(user);
            batch.commit()
        },
        |store, user| {
            let mut batch = store.batch();
            batch.put_many(vec![user]);
            batch.commit()
        },
        |store, user| {
            let guard = store.write()?;
            guard.open_tree::<User>().put(user)?;
            guard.commit()
        },
    ];
    let mut found = Vec::new();
    for write in ways {
        let path = fixture.other_path();
        let store = TypedStore::<Shop, D>::open_with(
            fixture.driver(),
            &OpenConfig::new(&path),
            Durability::None,
        )?;
        for id in 0..5 {
            write(&store, user(id, -(id as i32)))?;
        }
        drop(store);
        found.push(stored(fixture, &path)?);
    }
    assert_eq!(
        found[0].len(),
        20,
        "five records, each with three index entries"
    );
    assert!(found.iter().all(|stored| *stored == found[0]));
    Ok(())
}

fn writers_see_each_other_through_two_definitions_in_turn<D: Driver>(
    fixture: &Fixture<D>,
) -> CaseResult {
    for round in 0..3 {
        let store = typed::open(fixture)?;
        let orders = store.open_tree::<Order>();
        assert_eq!(orders.len()?, 2 * round);
        orders.put(Order {
            customer: "shop".to_owned(),
            number: round as i32,
            ..Order::default()
        })?;
        typed::assert_exact(&store)?;
        drop(store);
        let store = open_as::<ReindexedShop, D>(fixture)?;
        let orders = store.open_tree::<reindexed::Order>();
        assert_eq!(orders.len()?, 2 * round + 1);
        orders.put(reindexed::Order {
            customer: "reindexed".to_owned(),
            number: round as i32,
            status: Status::Sent,
            total: round as i64,
        })?;
    }
    let store = typed::open(fixture)?;
    let key = OrderPrimaryKey("reindexed".to_owned(), 2);
    assert!(store.open_tree::<Order>().contains(key)?);
    typed::assert_exact(&store)
}
