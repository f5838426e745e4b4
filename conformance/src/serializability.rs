//! Whether a history of transactions is strictly serializable: whether some order of them, one after another, explains it,
//! in which none comes before another that had ended when it began.
//!
//! Every write gives its object a version that no other write gives, and comes after a read of the version it replaces.
//! So the history itself says who wrote what a transaction read, and who replaced it. Each of these orders two
//! transactions, as does the time if one had ended before the other began, and the history is strictly serializable if
//! the orders form no cycle (Adya, *Weak Consistency*, 1999). A session's transactions follow each other as well, so
//! that nobody sees less than before.
//!
//! What is not there has the version [`ABSENT`]. Since an object is put where there was none, or removed, but not both, a
//! read of this version, too, says who came before it or after it. A scan reads every object of its range: those that it
//! shows, and of the others that they are absent. So one that misses what another transaction put, or shows what it
//! removed, orders the two (a phantom).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::ops::Range;

/// What is read and written.
pub type Object = u32;

/// What a write gives an object; no other write gives the same.
pub type Version = u64;

/// The version that every object has before the history.
pub const INITIAL: Version = 0;

/// The version of an object that is not there: not yet, or not any more.
pub const ABSENT: Version = Version::MAX;

/// A committed transaction.
#[derive(Debug, Clone, Default)]
pub struct Transaction {
    /// What it read, also right before it wrote.
    pub reads: Vec<(Object, Version)>,
    /// What it wrote; the last version of each object only.
    pub writes: Vec<(Object, Version)>,
    /// Ranges of which it read every object before it wrote any: what is not among its reads was not there.
    pub scans: Vec<Range<Object>>,
    /// An instant before it began and one after it had ended, of a clock that all sessions share, if they were noted.
    pub span: Option<(u64, u64)>,
}

/// Why a history is not serializable. Transactions are numbered session after session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Anomaly {
    /// Two transactions gave the same version.
    SameVersion(Object, Version),
    /// A transaction wrote an object that it had not read, so that the order of its versions is not known.
    BlindWrite(Object),
    /// A transaction read a version that no committed transaction gave.
    UnknownVersion(Object, Version),
    /// Two transactions replaced the same version: one of the writes is lost.
    LostUpdate(Object, Version),
    /// An object was put where there was none, and removed as well, so that a read of nothing may be before or after.
    PutAndRemoved(Object),
    /// A scan does not show an object that is always there.
    Missing(Object),
    /// Each of these transactions comes before the next one, and the last one before the first.
    Cycle(Vec<usize>),
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameVersion(object, version) => {
                write!(f, "two transactions gave object {object} version {version}")
            }
            Self::BlindWrite(object) => write!(f, "object {object} was written without a read"),
            Self::UnknownVersion(object, version) => write!(
                f,
                "version {version} of object {object} was read, and nobody committed it"
            ),
            Self::LostUpdate(object, version) => write!(
                f,
                "two transactions replaced version {version} of object {object}"
            ),
            Self::PutAndRemoved(object) => write!(f, "object {object} was put and removed"),
            Self::Missing(object) => {
                write!(
                    f,
                    "a scan does not show object {object}, which nobody removed"
                )
            }
            Self::Cycle(transactions) => {
                write!(
                    f,
                    "transactions that come before each other: {transactions:?}"
                )
            }
        }
    }
}

impl std::error::Error for Anomaly {}

/// Shows that a history is strictly serializable. Each session is one thread's transactions, in their order.
///
/// Takes time in proportion to the number of reads and writes, and of all objects in the ranges of scans.
///
/// # Errors
/// The first anomaly that is found.
pub fn check(sessions: &[Vec<Transaction>]) -> Result<(), Anomaly> {
    let transactions: Vec<_> = sessions.iter().flatten().collect();
    let mut writers = HashMap::new();
    let mut replacers = HashMap::new();
    for (number, transaction) in transactions.iter().enumerate() {
        for &(object, version) in &transaction.writes {
            if version == INITIAL || writers.insert((object, version), number).is_some() {
                return Err(Anomaly::SameVersion(object, version));
            }
            let read = transaction.reads.iter().find(|(read, _)| *read == object);
            let &replaced = read.ok_or(Anomaly::BlindWrite(object))?;
            if replacers.insert(replaced, number).is_some() {
                return Err(Anomaly::LostUpdate(object, replaced.1));
            }
        }
    }

    let mut always = objects(&transactions);
    for (object, may_be_absent) in &mut always {
        let (put, removed) = (
            replacers.contains_key(&(*object, ABSENT)),
            writers.contains_key(&(*object, ABSENT)),
        );
        if put && removed {
            return Err(Anomaly::PutAndRemoved(*object));
        }
        *may_be_absent = put || removed;
    }

    let mut successors = vec![Vec::new(); transactions.len()];
    for (number, transaction) in transactions.iter().enumerate() {
        let missed = missed(transaction, &always)?;
        for &(object, version) in transaction.reads.iter().chain(&missed) {
            match writers.get(&(object, version)) {
                // Orders writes as well: who replaces a version has read it.
                Some(&writer) => successors[writer].push(number),
                None if version == INITIAL || version == ABSENT => {}
                None => return Err(Anomaly::UnknownVersion(object, version)),
            }
            if let Some(&replacer) = replacers.get(&(object, version)) {
                successors[number].push(replacer);
            }
        }
    }
    let mut number = 0;
    for session in sessions {
        for _ in 1..session.len() {
            successors[number].push(number + 1);
            number += 1;
        }
        number += usize::from(!session.is_empty());
    }
    add_time(&transactions, &mut successors);
    for (number, successors) in successors.iter_mut().enumerate() {
        successors.retain(|successor| *successor != number);
    }
    match cycle(&successors) {
        Some(mut cycle) => {
            cycle.retain(|number| *number < transactions.len());
            Err(Anomaly::Cycle(cycle))
        }
        None => Ok(()),
    }
}

/// Every object that occurs in a history.
fn objects(transactions: &[&Transaction]) -> BTreeMap<Object, bool> {
    transactions
        .iter()
        .flat_map(|transaction| transaction.reads.iter().chain(&transaction.writes))
        .map(|(object, _)| (*object, false))
        .collect()
}

/// What a transaction's scans say of objects that they do not show. `objects` tells of each whether it may be absent.
fn missed(
    transaction: &Transaction,
    objects: &BTreeMap<Object, bool>,
) -> Result<Vec<(Object, Version)>, Anomaly> {
    let mut missed = Vec::new();
    if transaction.scans.is_empty() {
        return Ok(missed);
    }
    let shown: HashSet<_> = transaction.reads.iter().map(|(object, _)| object).collect();
    for scan in &transaction.scans {
        for (object, may_be_absent) in objects.range(scan.clone()) {
            if shown.contains(object) {
                continue;
            }
            if !may_be_absent {
                return Err(Anomaly::Missing(*object));
            }
            missed.push((*object, ABSENT));
        }
    }
    Ok(missed)
}

/// Puts every transaction that had ended before those that began afterwards.
///
/// The instants follow each other as vertices of their own: the end of a transaction leads to its instant, and the
/// instant of a beginning to its transaction.
fn add_time(transactions: &[&Transaction], successors: &mut Vec<Vec<usize>>) {
    let mut instants: Vec<_> = transactions
        .iter()
        .enumerate()
        .filter_map(|(number, transaction)| Some((number, transaction.span?)))
        .flat_map(|(number, (began, ended))| [(began, false, number), (ended, true, number)])
        .collect();
    instants.sort_unstable();
    for (_, is_end, number) in instants {
        let instant = successors.len();
        let mut next = Vec::new();
        if is_end {
            successors[number].push(instant);
        } else {
            next.push(number);
        }
        if instant > transactions.len() {
            successors[instant - 1].push(instant);
        }
        successors.push(next);
    }
}

/// A cycle of the graph, if there is one.
fn cycle(successors: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut predecessors = vec![Vec::new(); successors.len()];
    for (number, successors) in successors.iter().enumerate() {
        for &successor in successors {
            predecessors[successor].push(number);
        }
    }
    // What has no predecessor is in no cycle, and may go; then others have none.
    let mut left: Vec<_> = predecessors.iter().map(Vec::len).collect();
    let mut free: Vec<_> = (0..left.len())
        .filter(|&number| left[number] == 0)
        .collect();
    while let Some(number) = free.pop() {
        for &successor in &successors[number] {
            left[successor] -= 1;
            if left[successor] == 0 {
                free.push(successor);
            }
        }
    }
    // What stays has a predecessor that stays: going back leads into a cycle.
    let mut path = vec![left.iter().position(|&count| count > 0)?];
    let mut places = HashMap::from([(path[0], 0)]);
    loop {
        let last = *path.last()?;
        let previous = *predecessors[last]
            .iter()
            .find(|&&number| left[number] > 0)?;
        if let Some(&start) = places.get(&previous) {
            let mut cycle = path.split_off(start);
            cycle.reverse();
            return Some(cycle);
        }
        places.insert(previous, path.len());
        path.push(previous);
    }
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;

    fn transaction(reads: &[(Object, Version)], writes: &[(Object, Version)]) -> Transaction {
        Transaction {
            reads: reads.to_vec(),
            writes: writes.to_vec(),
            ..Transaction::default()
        }
    }

    /// A transaction that read every object below 100, and found these.
    fn scan(reads: &[(Object, Version)], writes: &[(Object, Version)]) -> Transaction {
        Transaction {
            scans: std::iter::once(0..100).collect(),
            ..transaction(reads, writes)
        }
    }

    fn during(transaction: Transaction, began: u64, ended: u64) -> Transaction {
        Transaction {
            span: Some((began, ended)),
            ..transaction
        }
    }

    fn assert_cycle(history: &[Vec<Transaction>], length: usize) {
        let found = check(history);
        assert!(
            matches!(&found, Err(Anomaly::Cycle(cycle)) if cycle.len() == length),
            "{found:?}"
        );
    }

    /// What sessions record that take turns on a store in which one transaction follows another.
    fn serial(sessions: usize, transactions: u64) -> Vec<Vec<Transaction>> {
        let mut random = Rng::with_seed(7);
        let mut current = [INITIAL; 10];
        let mut history = vec![Vec::new(); sessions];
        for number in 1..=transactions {
            let mut transaction = Transaction::default();
            for object in random.choose_multiple(0..current.len(), 4) {
                transaction.reads.push((object as Object, current[object]));
                if random.bool() {
                    current[object] = number;
                    transaction.writes.push((object as Object, number));
                }
            }
            history[random.usize(..sessions)].push(transaction);
        }
        history
    }

    #[test]
    fn what_ran_one_after_another_is_serializable() {
        check(&[]).unwrap();
        check(&[vec![], vec![Transaction::default()]]).unwrap();
        check(&serial(8, 16_000)).unwrap();
    }

    #[test]
    fn any_two_reads_swapped_are_noticed() {
        let history = serial(4, 400);
        let mut random = Rng::with_seed(1);
        for _ in 0..200 {
            let mut broken = history.clone();
            let mut picked: Vec<(usize, usize, usize, (Object, Version))> = Vec::new();
            // Two reads of one object, of different versions, neither of which is the read before a write.
            while picked.len() < 2 {
                let session = random.usize(..broken.len());
                let number = random.usize(..broken[session].len());
                let transaction = &broken[session][number];
                let read = random.usize(..transaction.reads.len());
                let (object, version) = transaction.reads[read];
                let writes = transaction.writes.iter().any(|write| write.0 == object);
                let fits = picked
                    .iter()
                    .all(|&(.., (other, read))| other == object && read != version);
                if !writes && fits {
                    picked.push((session, number, read, (object, version)));
                }
            }
            let [one, other] = [picked[0], picked[1]];
            broken[one.0][one.1].reads[one.2] = other.3;
            broken[other.0][other.1].reads[other.2] = one.3;
            check(&broken).unwrap_err();
        }
    }

    #[test]
    fn a_lost_update_is_no_serial_history() {
        let one = transaction(&[(1, INITIAL)], &[(1, 1)]);
        let other = transaction(&[(1, INITIAL)], &[(1, 2)]);
        assert_eq!(
            check(&[vec![one], vec![other]]),
            Err(Anomaly::LostUpdate(1, INITIAL))
        );
    }

    #[test]
    fn write_skew_is_a_cycle() {
        let both = [(1, INITIAL), (2, INITIAL)];
        let one = transaction(&both, &[(1, 1)]);
        let other = transaction(&both, &[(2, 2)]);
        assert!(matches!(
            check(&[vec![one.clone()], vec![other]]),
            Err(Anomaly::Cycle(transactions)) if transactions.len() == 2
        ));
        let after = transaction(&[(1, 1), (2, INITIAL)], &[(2, 2)]);
        check(&[vec![one], vec![after]]).unwrap();
    }

    #[test]
    fn a_torn_read_is_a_cycle() {
        let writer = transaction(&[(1, INITIAL), (2, INITIAL)], &[(1, 1), (2, 1)]);
        let torn = transaction(&[(1, INITIAL), (2, 1)], &[]);
        assert!(matches!(
            check(&[vec![writer], vec![torn]]),
            Err(Anomaly::Cycle(_))
        ));
    }

    #[test]
    fn readers_that_see_two_writers_in_different_orders_are_a_cycle() {
        let history = [
            vec![transaction(&[(1, INITIAL)], &[(1, 1)])],
            vec![transaction(&[(2, INITIAL)], &[(2, 2)])],
            vec![transaction(&[(1, 1), (2, INITIAL)], &[])],
            vec![transaction(&[(1, INITIAL), (2, 2)], &[])],
        ];
        assert!(matches!(
            check(&history),
            Err(Anomaly::Cycle(transactions)) if transactions.len() == 4
        ));
        check(&history[..3]).unwrap();
    }

    #[test]
    fn a_read_that_changes_within_a_transaction_is_a_cycle() {
        let writer = transaction(&[(1, INITIAL)], &[(1, 1)]);
        let reader = transaction(&[(1, INITIAL), (1, 1)], &[]);
        assert!(matches!(
            check(&[vec![writer], vec![reader]]),
            Err(Anomaly::Cycle(_))
        ));
    }

    #[test]
    fn a_version_that_was_rolled_back_or_overwritten_before_the_commit_is_unknown() {
        // Its version 9 is from a transaction that was rolled back, or from this writer, before its version 10.
        let writer = transaction(&[(1, INITIAL)], &[(1, 10)]);
        let reader = transaction(&[(1, 9)], &[]);
        assert_eq!(
            check(&[vec![writer], vec![reader]]),
            Err(Anomaly::UnknownVersion(1, 9))
        );
    }

    #[test]
    fn a_session_does_not_go_back() {
        let write = transaction(&[(1, INITIAL)], &[(1, 1)]);
        let stale = transaction(&[(1, INITIAL)], &[]);
        assert!(matches!(
            check(&[vec![], vec![write.clone(), stale.clone()]]),
            Err(Anomaly::Cycle(_))
        ));
        check(&[vec![write], vec![], vec![stale]]).unwrap();
    }

    #[test]
    fn a_stale_read_in_another_session_is_a_cycle_by_the_time_alone() {
        let write = transaction(&[(1, INITIAL)], &[(1, 1)]);
        let stale = transaction(&[(1, INITIAL)], &[]);
        let history = |began| {
            [
                vec![during(write.clone(), 1, 4)],
                vec![during(stale.clone(), began, 9)],
            ]
        };
        check(&[vec![write.clone()], vec![stale.clone()]]).unwrap();
        check(&history(3)).unwrap();
        assert_cycle(&history(5), 2);
        // By way of a third one, which has nothing to do with the object.
        let between = during(Transaction::default(), 5, 6);
        let [first, last] = history(7);
        assert_cycle(&[first, vec![between], last], 3);
    }

    #[test]
    fn what_ran_at_the_same_time_may_be_in_any_order() {
        let history = [
            vec![during(transaction(&[(1, INITIAL)], &[(1, 1)]), 1, 9)],
            vec![
                during(transaction(&[(1, INITIAL)], &[]), 2, 3),
                during(transaction(&[(1, 1)], &[]), 4, 5),
            ],
        ];
        check(&history).unwrap();
        let back = history[1].iter().rev().cloned().collect();
        assert_cycle(&[history[0].clone(), back], 3);
    }

    /// Of a serial history with its times, every read of another version than the newest one is noticed.
    #[test]
    fn any_stale_read_is_noticed_by_the_time() {
        let mut random = Rng::with_seed(3);
        let mut current = [INITIAL; 5];
        let mut older = Vec::new();
        let mut history = vec![Vec::new(); 4];
        for number in 1..=400 {
            let object = random.usize(..current.len());
            let read = (object as Object, current[object]);
            let written = random.bool().then_some((object as Object, number));
            let transaction = transaction(&[read], written.as_slice());
            let session = random.usize(..4);
            if let Some((_, version)) = written {
                current[object] = version;
            } else if read.1 != INITIAL {
                older.push((session, history[session].len(), object));
            }
            history[session].push(during(transaction, 2 * number, 2 * number + 1));
        }
        check(&history).unwrap();
        assert!(older.len() > 100);
        for (session, number, object) in older {
            let mut broken = history.clone();
            broken[session][number].reads[0] = (object as Object, INITIAL);
            check(&broken).unwrap_err();
        }
    }

    #[test]
    fn a_scan_that_misses_what_was_put_is_before_it() {
        let put = transaction(&[(7, ABSENT), (200, INITIAL)], &[(7, 1), (200, 1)]);
        let saw_the_rest = |scan: Transaction| Transaction {
            reads: [scan.reads, vec![(200, 1)]].concat(),
            ..scan
        };
        let blind = scan(&[], &[]);
        check(&[vec![put.clone()], vec![blind.clone()]]).unwrap();
        assert_cycle(&[vec![put.clone()], vec![saw_the_rest(blind)]], 2);
        let seeing = scan(&[(7, 1)], &[]);
        check(&[vec![put], vec![saw_the_rest(seeing)]]).unwrap();
    }

    #[test]
    fn a_scan_that_shows_what_was_removed_is_before_it() {
        let removal = transaction(&[(7, INITIAL), (200, INITIAL)], &[(7, ABSENT), (200, 1)]);
        let history = |reads: &[(Object, Version)]| [vec![removal.clone()], vec![scan(reads, &[])]];
        check(&history(&[(7, INITIAL), (200, INITIAL)])).unwrap();
        check(&history(&[(200, 1)])).unwrap();
        assert_cycle(&history(&[(7, INITIAL), (200, 1)]), 2);
        assert_cycle(&history(&[(200, INITIAL)]), 2);
    }

    #[test]
    fn two_scans_that_each_put_what_the_other_one_missed_are_a_cycle() {
        let one = scan(&[], &[]);
        let put = |mut transaction: Transaction, object| {
            transaction.reads.push((object, ABSENT));
            transaction.writes.push((object, 1));
            transaction
        };
        let skew = [vec![put(one.clone(), 1)], vec![put(one.clone(), 2)]];
        assert_cycle(&skew, 2);
        let after = scan(&[(1, 1)], &[]);
        check(&[vec![put(one, 1)], vec![put(after, 2)]]).unwrap();
    }

    #[test]
    fn a_scan_that_shows_half_of_a_transaction_is_a_cycle() {
        let both = transaction(&[(1, ABSENT), (2, ABSENT)], &[(1, 1), (2, 1)]);
        check(&[vec![both.clone()], vec![scan(&[(1, 1), (2, 1)], &[])]]).unwrap();
        assert_cycle(&[vec![both], vec![scan(&[(2, 1)], &[])]], 2);
    }

    #[test]
    fn a_scan_that_misses_what_is_always_there_is_refused() {
        let reads = transaction(&[(5, INITIAL)], &[]);
        assert_eq!(
            check(&[vec![reads], vec![scan(&[], &[])]]),
            Err(Anomaly::Missing(5))
        );
    }

    #[test]
    fn nothing_that_was_read_before_a_removal_and_after_it_is_in_one_place_only() {
        let removal = transaction(&[(1, INITIAL)], &[(1, ABSENT)]);
        let gone = transaction(&[(1, ABSENT)], &[]);
        let there = transaction(&[(1, INITIAL)], &[]);
        check(&[vec![removal.clone()], vec![there.clone(), gone.clone()]]).unwrap();
        assert_cycle(&[vec![removal.clone()], vec![gone, there]], 3);
        let again = transaction(&[(1, ABSENT)], &[(1, 9)]);
        assert_eq!(
            check(&[vec![removal.clone(), again]]),
            Err(Anomaly::PutAndRemoved(1))
        );
        assert_eq!(
            check(&[vec![removal.clone()], vec![removal]]),
            Err(Anomaly::SameVersion(1, ABSENT))
        );
    }

    #[test]
    fn versions_without_an_order_are_refused() {
        let write = |version| transaction(&[(1, INITIAL)], &[(1, version)]);
        assert_eq!(
            check(&[vec![write(INITIAL)]]),
            Err(Anomaly::SameVersion(1, INITIAL))
        );
        let again = transaction(&[(1, 1)], &[(1, 1)]);
        assert_eq!(
            check(&[vec![write(1), again]]),
            Err(Anomaly::SameVersion(1, 1))
        );
        let blind = transaction(&[], &[(1, 1)]);
        assert_eq!(check(&[vec![blind]]), Err(Anomaly::BlindWrite(1)));
    }
}
