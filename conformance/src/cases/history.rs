//! Histories of concurrent transactions, recorded and checked: they look as if one had followed another, in the order of
//! time.

use std::ops::Range;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread;

use fastrand::Rng;
use netabase_core::driver::{Capabilities, Driver, Durability};
use netabase_core::error::{ErrorKind, NetabaseError};
use netabase_core::store::{Mode, ReadWrite, TreeView, TypedStore};

use self::bank::{
    Account, AccountHolderSecondaryKey, AccountPrimaryKey, AccountSecondaryKeys, Bank, Visit,
    VisitGuestSecondaryKey, VisitPrimaryKey, VisitSecondaryKeys,
};
use super::typed;
use crate::case::{Case, CaseResult, Failure, Requirement, case};
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

    /// A guest's visit, put once or removed once.
    #[derive(NetabaseModel, Debug, Clone, PartialEq)]
    #[netabase(Bank)]
    pub struct Visit {
        /// Which visit it is; a guest's visits have neighbouring numbers.
        #[primary_key]
        pub id: u32,
        /// Whose visit it is.
        #[secondary_key]
        pub guest: u32,
        /// Who put it.
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

/// Guests, whose visits are put and removed.
const GUESTS: u32 = 10;

/// How many visits of each guest are there in the beginning. These may be removed, and no others.
const VISITS: u32 = 16;

/// The numbers of a guest's visits. The accounts' are below those of the first one.
fn visits_of(guest: u32) -> Range<u32> {
    const NUMBERS: u32 = 1 << 20;
    (guest + 1) * NUMBERS..(guest + 2) * NUMBERS
}

/// What the threads of a history share.
struct Clocks {
    /// The next version.
    versions: AtomicU64,
    /// The next instant.
    instants: AtomicU64,
    /// How many visits there ever were, of each guest.
    visits: [AtomicU32; GUESTS as usize],
}

impl Clocks {
    fn new() -> Self {
        Self {
            versions: AtomicU64::new(serializability::INITIAL + 1),
            instants: AtomicU64::new(0),
            visits: std::array::from_fn(|_| AtomicU32::new(VISITS)),
        }
    }

    fn version(&self) -> Version {
        self.versions.fetch_add(1, Ordering::Relaxed)
    }

    /// An instant after all that happened before in this thread, and in those that it has heard of.
    fn instant(&self) -> u64 {
        self.instants.fetch_add(1, Ordering::SeqCst)
    }

    /// The number of a visit that nobody ever had.
    fn visit(&self, guest: u32) -> u32 {
        visits_of(guest).start + self.visits[guest as usize].fetch_add(1, Ordering::Relaxed)
    }
}

/// A transaction's view of the accounts and visits, and a record of what it reads and writes.
struct Recorded<'t, Md: Mode, D: Driver> {
    accounts: TreeView<'t, Bank, Account, Md, D>,
    visits: TreeView<'t, Bank, Visit, Md, D>,
    transaction: Transaction,
}

impl<'t, Md: Mode, D: Driver> Recorded<'t, Md, D> {
    fn new(
        accounts: TreeView<'t, Bank, Account, Md, D>,
        visits: TreeView<'t, Bank, Visit, Md, D>,
    ) -> Self {
        Self {
            accounts,
            visits,
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

    /// Reads all visits of a guest: by the index, or in the order of their numbers.
    fn scan(&mut self, guest: u32, by_index: bool) -> CaseResult {
        let numbers = visits_of(guest);
        let visits = if by_index {
            let key = VisitSecondaryKeys::Guest(VisitGuestSecondaryKey(guest));
            self.visits.get_by_secondary_key(key)?
        } else {
            let keys = VisitPrimaryKey(numbers.start)..VisitPrimaryKey(numbers.end);
            typed::collect(self.visits.range(keys)?)?
        };
        for visit in visits {
            assert_eq!(visit.guest, guest);
            self.transaction.reads.push((visit.id, visit.version));
        }
        self.transaction.scans.push(numbers);
        Ok(())
    }
}

impl<D: Driver> Recorded<'_, ReadWrite, D> {
    /// Puts a visit that nobody ever had.
    fn put_visit(&mut self, guest: u32, clocks: &Clocks) -> Result<(), NetabaseError> {
        let (id, version) = (clocks.visit(guest), clocks.version());
        self.transaction.reads.push((id, serializability::ABSENT));
        self.transaction.writes.push((id, version));
        self.visits.put(Visit { id, guest, version })
    }

    /// Removes a visit that was there in the beginning, unless somebody has.
    fn remove_visit(&mut self, id: u32) -> Result<(), NetabaseError> {
        let removed = self.visits.remove(VisitPrimaryKey(id))?;
        let version = removed.map(|visit| visit.version);
        let read = (id, version.unwrap_or(serializability::ABSENT));
        if !self.transaction.reads.contains(&read) {
            self.transaction.reads.push(read);
        }
        if version.is_some() {
            self.transaction.writes.push((id, serializability::ABSENT));
        }
        Ok(())
    }

    fn put(&mut self, account: &mut Account, clocks: &Clocks) -> Result<(), NetabaseError> {
        account.version = clocks.version();
        self.transaction.writes.push((account.id, account.version));
        self.accounts.put(&*account)
    }
}

/// Runs transactions of one thread; gives those that were committed.
fn run<D: Driver>(
    store: &TypedStore<Bank, D>,
    clocks: &Clocks,
    mut random: Rng,
    is_optimistic: bool,
) -> Result<Vec<Transaction>, Failure> {
    let mut session = Vec::new();
    for _ in 0..settings::history_transactions() {
        let kind = random.u32(..13);
        let began = clocks.instant();
        if kind < 5 {
            let guard = store.read();
            let mut recorded = Recorded::new(guard.open_tree(), guard.open_tree());
            match kind {
                0..3 => sum(&mut recorded, &mut random)?,
                _ => scan_some(&mut recorded, &mut random)?,
            }
            let mut transaction = recorded.transaction;
            drop(guard);
            transaction.span = Some((began, clocks.instant()));
            session.push(transaction);
            continue;
        }
        let guard = store.write()?;
        let mut recorded = Recorded::new(guard.open_tree(), guard.open_tree());
        match kind {
            5..8 => transfer(&mut recorded, clocks, &mut random)?,
            8..11 => withdraw(&mut recorded, clocks, &mut random)?,
            _ => come_and_go(&mut recorded, clocks, &mut random)?,
        }
        let mut transaction = recorded.transaction;
        if random.u32(..10) == 0 {
            guard.rollback()?;
            continue;
        }
        match guard.commit_with(Durability::None) {
            Ok(()) => {
                transaction.span = Some((began, clocks.instant()));
                session.push(transaction);
            }
            // Another thread was first. A driver with one writer at a time has no reason for it.
            Err(error) if error.kind() == ErrorKind::Conflict && is_optimistic => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(session)
}

/// Adds up every account, or reads some of them one after another.
fn sum<Md: Mode, D: Driver>(recorded: &mut Recorded<'_, Md, D>, random: &mut Rng) -> CaseResult {
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

/// Reads the visits of two guests.
fn scan_some<Md: Mode, D: Driver>(
    recorded: &mut Recorded<'_, Md, D>,
    random: &mut Rng,
) -> CaseResult {
    let guest = random.u32(..GUESTS);
    recorded.scan(guest, random.bool())?;
    recorded.scan((guest + 1) % GUESTS, random.bool())
}

/// Puts or removes visits of some guests after it has read those of another one.
///
/// Two of these at a time, each of which changes what the other one has read, would be write skew by phantoms.
fn come_and_go<D: Driver>(
    recorded: &mut Recorded<'_, ReadWrite, D>,
    clocks: &Clocks,
    random: &mut Rng,
) -> CaseResult {
    recorded.scan(random.u32(..GUESTS), random.bool())?;
    if random.u32(..4) == 0 {
        recorded.put_visit(random.u32(..GUESTS), clocks)?;
    }
    if random.bool() {
        let first = visits_of(random.u32(..GUESTS)).start;
        recorded.remove_visit(first + random.u32(..VISITS))?;
    }
    Ok(())
}

/// Moves money from one account to another.
fn transfer<D: Driver>(
    recorded: &mut Recorded<'_, ReadWrite, D>,
    clocks: &Clocks,
    random: &mut Rng,
) -> CaseResult {
    let from = random.u32(..TRANSFERRED);
    let to = (from + random.u32(1..TRANSFERRED)) % TRANSFERRED;
    let (mut from, mut to) = (recorded.get(from)?, recorded.get(to)?);
    let amount = random.i64(1..100);
    from.balance -= amount;
    to.balance += amount;
    recorded.put(&mut from, clocks)?;
    recorded.put(&mut to, clocks)?;
    Ok(())
}

/// Takes money from one account if the holder's two accounts together have it, else fills both.
///
/// Two of these at a time, on different accounts of a holder, would be write skew.
fn withdraw<D: Driver>(
    recorded: &mut Recorded<'_, ReadWrite, D>,
    clocks: &Clocks,
    random: &mut Rng,
) -> CaseResult {
    let holder = random.u32(TRANSFERRED / 2..ACCOUNTS / 2);
    let mut accounts = recorded.of_holder(holder)?;
    let sum: i64 = accounts.iter().map(|account| account.balance).sum();
    assert_eq!(accounts.len(), 2);
    assert!(sum >= 0, "the holder {holder} has {sum}");
    let amount = random.i64(1..400);
    if amount <= sum {
        let account = &mut accounts[random.usize(..2)];
        account.balance -= amount;
        recorded.put(account, clocks)?;
    } else {
        for account in &mut accounts {
            account.balance = BALANCE;
            recorded.put(account, clocks)?;
        }
    }
    Ok(())
}

fn transactions_of_many_threads_are_serializable<D: Driver>(fixture: &Fixture<D>) -> CaseResult {
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
        let first_visits = (0..GUESTS).flat_map(|guest| {
            let first = visits_of(guest).start;
            (first..first + VISITS).map(move |id| Visit {
                id,
                guest,
                version: serializability::INITIAL,
            })
        });
        store.open_tree::<Visit>().put_many(first_visits)?;
        let clocks = Clocks::new();
        let is_optimistic = fixture.declares(Capabilities::OPTIMISTIC);
        let start = Barrier::new(THREADS as usize);
        let sessions: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|_| {
                    let random = random.fork();
                    let (store, clocks, start) = (&store, &clocks, &start);
                    scope.spawn(move || {
                        start.wait();
                        run(store, clocks, random, is_optimistic)
                            .map_err(|failure| failure.to_string())
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
    let wrote = |session: &[Transaction],
                 version: &(serializability::Object, serializability::Version)| {
        let mut writes = session.iter().flat_map(|transaction| &transaction.writes);
        version.1 != serializability::ABSENT && writes.any(|write| write == version)
    };
    let [first, others @ ..] = sessions else {
        panic!("there are no sessions");
    };
    let mut reads = first
        .iter()
        .rev()
        .flat_map(|transaction| &transaction.reads);
    assert!(
        reads.any(|read| others.iter().any(|session| wrote(session, read))),
        "the threads ran one after another"
    );
}
