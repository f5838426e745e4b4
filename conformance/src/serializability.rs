//! Whether a history of transactions is serializable: whether some order of them, one after another, explains it.
//!
//! Every write gives its object a version that no other write gives, and comes after a read of the version it replaces.
//! So the history itself says who wrote what a transaction read, and who replaced it. Each of these orders two
//! transactions, and the history is serializable if the orders form no cycle (Adya, *Weak Consistency*, 1999). A
//! session's transactions follow each other as well, so that nobody sees less than before.

use std::collections::HashMap;
use std::fmt;

/// What is read and written.
pub type Object = u32;

/// What a write gives an object; no other write gives the same.
pub type Version = u64;

/// The version that every object has before the history.
pub const INITIAL: Version = 0;

/// A committed transaction.
#[derive(Debug, Clone, Default)]
pub struct Transaction {
    /// What it read, also right before it wrote.
    pub reads: Vec<(Object, Version)>,
    /// What it wrote; the last version of each object only.
    pub writes: Vec<(Object, Version)>,
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

/// Shows that a history is serializable. Each session is one thread's transactions, in their order.
///
/// Takes time in proportion to the number of reads and writes.
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

    let mut successors = vec![Vec::new(); transactions.len()];
    for (number, transaction) in transactions.iter().enumerate() {
        for &(object, version) in &transaction.reads {
            if version != INITIAL {
                let &writer = writers
                    .get(&(object, version))
                    .ok_or(Anomaly::UnknownVersion(object, version))?;
                // Orders writes as well: who replaces a version has read it.
                successors[writer].push(number);
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
    for (number, successors) in successors.iter_mut().enumerate() {
        successors.retain(|successor| *successor != number);
    }
    match cycle(&successors) {
        Some(transactions) => Err(Anomaly::Cycle(transactions)),
        None => Ok(()),
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
    loop {
        let last = *path.last()?;
        let previous = *predecessors[last]
            .iter()
            .find(|&&number| left[number] > 0)?;
        if let Some(start) = path.iter().position(|&number| number == previous) {
            let mut cycle = path.split_off(start);
            cycle.reverse();
            return Some(cycle);
        }
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
        }
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
