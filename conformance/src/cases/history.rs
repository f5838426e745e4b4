//! Histories of concurrent transactions, recorded and checked: they look as if one had followed another.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use fastrand::Rng;
use netabase_core::driver::{Driver, Durability};
use netabase_core::error::NetabaseError;
use netabase_core::store::{Mode, ReadWrite, TreeView, TypedStore};

use self::bank::{
    Account, AccountHolderSecondaryKey, AccountPrimaryKey, AccountSecondaryKeys, Bank,
};
use super::typed;
use crate::catalog::{Case, Failure, Outcome, Requirement, case};
use crate::fixture::Fixture;
use crate::serializability::{self, Transaction, Version};
use crate::settings;

/// Accounts.
#[netabase_store::netabase_definition_module(Bank, BankKeys)]
pub mod bank {
    use netabase_store::{NetabaseModel, netabase};

    /// An account, with the version that its last write gave it.
    #[derive(NetabaseModel, Debug, Clone, PartialEq)]
    #[netabase(Bank)]
    pub struct Account {
        /// Which account it is.
        #[primary_key]
        pub id: u32,
        /// Each holder has two accounts.
        #[secondary_key]
        pub holder: u32,
        /// How much is in it.
        pub balance: i64,
        /// Who wrote it last.
        pub version: u64,
    }
}

pub(crate) fn cases<D: Driver>() -> Vec<Case<D>> {
    vec![case!(
        transactions_of_many_threads_are_serializable,
        Requirement::Threads
    )]
}

const THREADS: u32 = 8;

/// Money moves between these accounts, so that their sum stays.
const TRANSFERRED: u32 = 12;

/// Money is taken from the accounts beyond those, as long as a holder's two accounts together have some.
const ACCOUNTS: u32 = 20;

const BALANCE: i64 = 1_000;

/// A transaction's view of the accounts, and a record of what it reads and writes.
struct Recorded<'t, Md: Mode, D: Driver> {
    accounts: TreeView<'t, Bank, Account, Md, D>,
    transaction: Transaction,
}

impl<'t, Md: Mode, D: Driver> Recorded<'t, Md, D> {
    fn new(accounts: TreeView<'t, Bank, Account, Md, D>) -> Self {
        Self {
            accounts,
            transaction: Transaction::default(),
        }
    }

    fn note(&mut self, account: &Account) {
        self.transaction.reads.push((account.id, account.version));
    }

    fn get(&mut self, id: u32) -> Result<Account, Failure> {
        let account = self.accounts.get(AccountPrimaryKey(id))?;
        let account = account.ok_or("the account is there")?;
        self.note(&account);
        Ok(account)
    }

    fn all(&mut self) -> Result<Vec<Account>, Failure> {
        let accounts = typed::collect(self.accounts.iter()?)?;
        accounts.iter().for_each(|account| self.note(account));
        Ok(accounts)
    }

    fn of_holder(&mut self, holder: u32) -> Result<Vec<Account>, Failure> {
        let key = AccountSecondaryKeys::Holder(AccountHolderSecondaryKey(holder));
        let accounts = self.accounts.get_by_secondary_key(key)?;
        accounts.iter().for_each(|account| self.note(account));
        Ok(accounts)
    }
}

impl<D: Driver> Recorded<'_, ReadWrite, D> {
    fn put(&mut self, account: &mut Account, versions: &AtomicU64) -> Result<(), NetabaseError> {
        account.version = versions.fetch_add(1, Ordering::Relaxed);
        self.transaction.writes.push((account.id, account.version));
        self.accounts.put(&*account)
    }
}

/// Runs transactions of one thread; gives those that were committed.
fn run<D: Driver>(
    store: &TypedStore<Bank, D>,
    versions: &AtomicU64,
    mut random: Rng,
) -> Result<Vec<Transaction>, Failure> {
    let mut session = Vec::new();
    for _ in 0..settings::history_transactions() {
        let kind = random.u32(..10);
        if kind < 4 {
            let guard = store.read();
            let mut recorded = Recorded::new(guard.open_tree());
            sum(&mut recorded, &mut random)?;
            session.push(recorded.transaction);
            continue;
        }
        let guard = store.write()?;
        let mut recorded = Recorded::new(guard.open_tree());
        if kind < 7 {
            transfer(&mut recorded, versions, &mut random)?;
        } else {
            withdraw(&mut recorded, versions, &mut random)?;
        }
        let transaction = recorded.transaction;
        if random.u32(..10) == 0 {
            guard.rollback()?;
        } else {
            guard.commit_with(Durability::None)?;
            session.push(transaction);
        }
    }
    Ok(session)
}

/// Adds up every account, or reads some of them one after another.
fn sum<Md: Mode, D: Driver>(recorded: &mut Recorded<'_, Md, D>, random: &mut Rng) -> Outcome {
    if random.bool() {
        for _ in 0..4 {
            recorded.get(random.u32(..ACCOUNTS))?;
        }
        return Ok(());
    }
    let accounts = recorded.all()?;
    assert_eq!(accounts.len(), ACCOUNTS as usize);
    let balances = accounts.iter().map(|account| account.balance);
    let sum: i64 = balances.take(TRANSFERRED as usize).sum();
    assert_eq!(sum, i64::from(TRANSFERRED) * BALANCE, "money is lost");
    Ok(())
}

/// Moves money from one account to another.
fn transfer<D: Driver>(
    recorded: &mut Recorded<'_, ReadWrite, D>,
    versions: &AtomicU64,
    random: &mut Rng,
) -> Outcome {
    let from = random.u32(..TRANSFERRED);
    let to = (from + random.u32(1..TRANSFERRED)) % TRANSFERRED;
    let (mut from, mut to) = (recorded.get(from)?, recorded.get(to)?);
    let amount = random.i64(1..100);
    from.balance -= amount;
    to.balance += amount;
    recorded.put(&mut from, versions)?;
    recorded.put(&mut to, versions)?;
    Ok(())
}

/// Takes money from one account if the holder's two accounts together have it, else fills both.
///
/// Two of these at a time, on different accounts of a holder, would be write skew.
fn withdraw<D: Driver>(
    recorded: &mut Recorded<'_, ReadWrite, D>,
    versions: &AtomicU64,
    random: &mut Rng,
) -> Outcome {
    let holder = random.u32(TRANSFERRED / 2..ACCOUNTS / 2);
    let mut accounts = recorded.of_holder(holder)?;
    let sum: i64 = accounts.iter().map(|account| account.balance).sum();
    assert_eq!(accounts.len(), 2);
    assert!(sum >= 0, "the holder {holder} has {sum}");
    let amount = random.i64(1..400);
    if amount <= sum {
        let account = &mut accounts[random.usize(..2)];
        account.balance -= amount;
        recorded.put(account, versions)?;
    } else {
        for account in &mut accounts {
            account.balance = BALANCE;
            recorded.put(account, versions)?;
        }
    }
    Ok(())
}

fn transactions_of_many_threads_are_serializable<D: Driver>(fixture: &Fixture<D>) -> Outcome {
    settings::seeded(|mut random| {
        let store: TypedStore<Bank, D> =
            TypedStore::open_with(fixture.driver(), &fixture.config(), Durability::None)?;
        store
            .open_tree::<Account>()
            .put_many((0..ACCOUNTS).map(|id| Account {
                id,
                holder: id / 2,
                balance: BALANCE,
                version: serializability::INITIAL,
            }))?;
        let versions = AtomicU64::new(serializability::INITIAL + 1);
        let start = Barrier::new(THREADS as usize);
        let sessions: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|_| {
                    let random = random.fork();
                    let (store, versions, start) = (&store, &versions, &start);
                    scope.spawn(move || {
                        start.wait();
                        run(store, versions, random).map_err(|failure| failure.to_string())
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect::<Result<_, _>>()
        })?;
        serializability::check(&sessions)?;
        assert_concurrent(&sessions);
        Ok(())
    })
}

/// Shows that the threads met: some transaction replaced or read what another thread had written.
fn assert_concurrent(sessions: &[Vec<Transaction>]) {
    let wrote = |session: &[Transaction], version: Version| {
        let mut writes = session.iter().flat_map(|transaction| &transaction.writes);
        writes.any(|write| write.1 == version)
    };
    let [first, others @ ..] = sessions else {
        panic!("there are no sessions");
    };
    let mut reads = first
        .iter()
        .rev()
        .flat_map(|transaction| &transaction.reads);
    assert!(
        reads.any(|read| others.iter().any(|session| wrote(session, read.1))),
        "the threads ran one after another"
    );
}
