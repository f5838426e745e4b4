//! One application on every backend: what differs is the line that opens the store.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

use netabase_store::driver::Driver;
use netabase_store::{ErrorKind, NetabaseError, NetabaseStore, Store, netabase_definition_module};

#[netabase_definition_module(Shop, ShopKeys)]
mod shop {
    use netabase_store::{NetabaseModel, netabase};

    #[derive(NetabaseModel, Clone, Debug, PartialEq)]
    #[netabase(Shop)]
    pub struct Customer {
        #[primary_key]
        pub id: u64,
        #[secondary_key(unique)]
        pub email: String,
        #[secondary_key]
        pub city: String,
    }

    #[derive(NetabaseModel, Clone, Debug, PartialEq)]
    #[netabase(Shop)]
    pub struct Order {
        #[primary_key]
        pub customer: u64,
        #[primary_key]
        pub number: i32,
        pub goods: Vec<String>,
    }
}

use shop::*;

type Result<T = ()> = std::result::Result<T, NetabaseError>;

fn customer(id: u64, city: &str) -> Customer {
    Customer {
        id,
        email: format!("{id}@example.com"),
        city: city.into(),
    }
}

fn order(customer: u64, number: i32) -> Order {
    Order {
        customer,
        number,
        goods: vec!["tea".into(); 3],
    }
}

/// The application: it knows its models, and nothing of the engine. Gives all that it saw on its way.
fn application<E: Driver>(store: NetabaseStore<Shop, Store<Shop, E>>) -> Result<Vec<String>> {
    let mut seen = Vec::new();

    // A transaction over both models, in bulk and one by one.
    let txn = store.write()?;
    let mut customers = txn.open_tree::<Customer>();
    customers.put_many(
        (0..500)
            .rev()
            .map(|id| customer(id, ["Bath", "York"][id as usize % 2])),
    )?;
    let mut orders = txn.open_tree::<Order>();
    for number in [-1, 300, 2, 0] {
        orders.put(order(7, number))?;
    }
    customers.put(customer(7, "Hull"))?;
    seen.push(format!("{:?}", customers.first()?));
    seen.push(format!(
        "{:?}",
        customers.get_by_secondary_key(CustomerSecondaryKeys::City(CustomerCitySecondaryKey(
            "Hull".into()
        )))?
    ));
    txn.commit()?;

    // A snapshot, beside a transaction that goes back and one that stays.
    let before = store.read();
    let (old_customers, old_orders) = (before.open_tree::<Customer>(), before.open_tree::<Order>());
    let txn = store.write()?;
    txn.open_tree::<Customer>().clear()?;
    drop(txn);
    let txn = store.write()?;
    txn.open_tree::<Customer>().remove(CustomerPrimaryKey(3))?;
    txn.open_tree::<Order>().put(order(8, 1))?;
    txn.commit()?;
    seen.push(format!("{} {}", old_customers.len()?, old_orders.len()?));
    seen.push(format!("{:?}", old_customers.get(CustomerPrimaryKey(3))?));
    for entry in old_orders.iter()? {
        seen.push(format!("{:?}", entry?));
    }
    drop((old_customers, old_orders));
    drop(before);

    // Each call on its own, lookups and ranges, and an error that is the same everywhere.
    let customers = store.open_tree::<Customer>();
    seen.push(format!(
        "{} {:?}",
        customers.len()?,
        customers.get(CustomerPrimaryKey(3))?
    ));
    let mut twin = customer(1000, "York");
    twin.email = customer(4, "").email;
    let refused = customers.put(twin).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    seen.push(format!("{:?}", refused.kind()));
    let by_city = |city: &str| CustomerSecondaryKeys::City(CustomerCitySecondaryKey(city.into()));
    for found in customers.get_many_by_secondary_keys([by_city("York"), by_city("Bath")])? {
        seen.push(format!("{} {:?}", found.len(), found.first()));
    }
    let read = store.read();
    let orders = read.open_tree::<Order>();
    for entry in orders.prefix((7_u64,))?.rev() {
        seen.push(format!("{:?}", entry?.0));
    }
    let found = orders.get_with(OrderPrimaryKey(7, -1), |order: OrderRef<'_>| {
        order.goods.len()
    })?;
    seen.push(format!("{found:?}"));
    seen.push(format!("{:?}", store.tree_names()?));
    drop(orders);
    drop(read);

    // A batch over both models.
    let mut batch = store.batch();
    batch
        .remove::<Customer>(CustomerPrimaryKey(7))
        .put(order(9, 9));
    batch.commit()?;
    store.open_tree::<Order>().clear()?;
    seen.push(format!(
        "{} {}",
        customers.len()?,
        store.open_tree::<Order>().is_empty()?
    ));
    Ok(seen)
}

/// A test for each backend: the application sees on it what it sees in memory.
macro_rules! backends {
    ($($name:ident($folder:ident): $store:expr;)*) => {
        $(
            #[test]
            fn $name() -> Result {
                let directory = tempfile::tempdir().unwrap();
                let $folder = directory.path();
                assert_eq!(application($store)?, application(NetabaseStore::memory()?)?);
                Ok(())
            }
        )*
    };
}

backends! {
    default(_folder): NetabaseStore::temp()?;
    connected_memory(_folder): NetabaseStore::connect("memory:")?;
    redb(folder): NetabaseStore::redb(folder.join("db"))?;
    connected_redb(folder): NetabaseStore::connect(&format!("redb:{}/db?use_fsync=false", folder.display()))?;
    redb_zerocopy(folder): NetabaseStore::redb_zerocopy(folder.join("db"))?;
    sled(folder): NetabaseStore::sled(folder.join("db"))?;
    connected_sled(folder): NetabaseStore::connect(&format!("sled:{}/db?mode=high_throughput", folder.display()))?;
    loaded_redb(folder): load("redb", folder)?;
    loaded_redb_zerocopy(folder): load("redb-zerocopy", folder)?;
    loaded_sled(folder): load("sled", folder)?;
}

/// Loads a driver by name. Cargo builds the drivers' libraries together with this test, and puts them beside it; what is
/// installed on this machine is left alone.
fn load(
    driver: &str,
    folder: &std::path::Path,
) -> Result<NetabaseStore<Shop, netabase_store::DynamicStore<Shop>>> {
    let beside = netabase_store::loader::SearchPath::default()
        .without_environment()
        .without_user_data()
        .without_system();
    NetabaseStore::load_from(&beside, driver, folder.join("db"))
}

#[test]
fn an_unknown_driver_in_a_string_is_refused_with_the_known_ones() {
    let error = NetabaseStore::<Shop, _>::connect("rocks:./db").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DriverNotFound);
    let text = error.to_string();
    let names = |heading: &str| {
        let (_, names) = text.split_once(heading).unwrap();
        let (names, _) = names.split_once(". ").unwrap();
        names.split(", ").map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(
        names("Linked in: ").contains(&"memory".to_owned()),
        "{text}"
    );
    // Where Cargo puts the libraries that it builds with a test, and wherever else drivers are on this machine.
    assert!(names("Loadable: ").contains(&"redb".to_owned()), "{text}");
}

#[test]
fn what_sled_does_not_know_in_a_string_is_refused_with_what_it_knows() {
    let folder = tempfile::tempdir().unwrap();
    for (query, known) in [
        (
            "compression=on",
            "`flush_every_ms`, `mode`, `accept_lost_commits`",
        ),
        ("mode=fast", "`low_space` or `high_throughput`"),
        ("cache_size_mb=some", "whole number"),
    ] {
        let url = format!("sled:{}/db?{query}", folder.path().display());
        let error = NetabaseStore::<Shop, _>::connect(&url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(known), "{error}");
    }
    assert!(!folder.path().join("db").exists());
}
