//! Secondary indexes: which entries a write adds and drops. Pure functions, shared by the synchronous and the
//! asynchronous store.
//!
//! Each index has a tree of its own. The entry of a record is `secondary key ++ primary key -> nothing`, or
//! `secondary key -> primary key` where the key is unique: one descent then both checks and writes.

use crate::codec::key::KeyDecodeError;
use crate::model::{IndexInfo, ModelInfo, Record};

/// The encoded secondary keys of one record, in one buffer that is used again.
#[derive(Debug, Default)]
pub(crate) struct EncodedKeys {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl EncodedKeys {
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// The size of its buffers, in bytes.
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * size_of::<usize>()
    }

    /// Takes the keys of a record.
    pub(crate) fn encode_record<M: Record>(&mut self, record: &M) {
        self.clear();
        for index in 0..M::INFO.indexes.len() {
            record.encode_secondary_key(index, &mut self.bytes);
            self.ends.push(self.bytes.len());
        }
    }

    /// Takes the keys of a borrowed view.
    pub(crate) fn encode_ref<M: Record>(&mut self, view: &M::Ref<'_>) {
        self.clear();
        for index in 0..M::INFO.indexes.len() {
            M::encode_secondary_key_of(view, index, &mut self.bytes);
            self.ends.push(self.bytes.len());
        }
    }

    /// The encoded key of this index.
    pub(crate) fn get(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start..self.ends[index]]
    }
}

/// What changes in one index when a record is written over another, or removed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change<'a> {
    pub(crate) index: usize,
    pub(crate) removed: Option<&'a [u8]>,
    pub(crate) added: Option<&'a [u8]>,
}

/// The indexes in which `old` and `new` differ.
pub(crate) fn changes<'a>(
    info: &ModelInfo,
    old: Option<&'a EncodedKeys>,
    new: Option<&'a EncodedKeys>,
) -> impl Iterator<Item = Change<'a>> {
    (0..info.indexes.len()).filter_map(move |index| {
        let removed = old.map(|keys| keys.get(index));
        let added = new.map(|keys| keys.get(index));
        (removed != added).then_some(Change {
            index,
            removed,
            added,
        })
    })
}

/// The key of the entry for this secondary key and record, in `buffer` where it has to be put together.
pub(crate) fn entry_key<'a>(
    index: &IndexInfo,
    secondary: &'a [u8],
    primary: &[u8],
    buffer: &'a mut Vec<u8>,
) -> &'a [u8] {
    if index.unique {
        return secondary;
    }
    buffer.clear();
    buffer.extend_from_slice(secondary);
    buffer.extend_from_slice(primary);
    buffer
}

/// The value of the entry for this record.
pub(crate) fn entry_value<'a>(index: &IndexInfo, primary: &'a [u8]) -> &'a [u8] {
    if index.unique { primary } else { &[] }
}

/// The encoded secondary and primary key of an index entry. `skip` drops the secondary key off the front.
pub(crate) fn entry_keys<'a>(
    unique: bool,
    key: &'a [u8],
    value: &'a [u8],
    skip: impl FnOnce(&mut &[u8]) -> Result<(), KeyDecodeError>,
) -> Result<(&'a [u8], &'a [u8]), KeyDecodeError> {
    if unique {
        return Ok((key, value));
    }
    let mut primary = key;
    skip(&mut primary)?;
    Ok((&key[..key.len() - primary.len()], primary))
}

/// The index changes of many writes, gathered so that each tree is written once, in key order.
#[derive(Debug)]
pub(crate) struct Pending {
    indexes: Vec<PendingIndex>,
}

#[derive(Debug, Default)]
struct PendingIndex {
    bytes: Vec<u8>,
    events: Vec<Event>,
}

/// An entry that a write adds or drops.
#[derive(Debug, Clone, Copy)]
struct Event {
    /// The first bytes of the key as a number, which decides most comparisons.
    head: u64,
    start: usize,
    secondary: u32,
    primary: u32,
    /// Orders the events of one entry: the write's number, dropping before adding.
    sequence: u64,
}

impl Event {
    fn adds(&self) -> bool {
        self.sequence & 1 == 1
    }
}

/// The first eight bytes as a number that sorts as they do.
pub(crate) fn head(key: &[u8]) -> u64 {
    let mut first = [0; 8];
    let length = key.len().min(8);
    first[..length].copy_from_slice(&key[..length]);
    u64::from_be_bytes(first)
}

/// What is to be done to one entry in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryChange<'a> {
    /// Add the entry; a unique key is free unless somebody outside the gathered writes holds it.
    Add {
        secondary: &'a [u8],
        primary: &'a [u8],
    },
    /// Drop the entry.
    Drop {
        secondary: &'a [u8],
        primary: &'a [u8],
    },
    /// Two records of the gathered writes have the same unique key.
    Collision { secondary: &'a [u8] },
}

impl Pending {
    pub(crate) fn new(info: &ModelInfo) -> Self {
        Self {
            indexes: info
                .indexes
                .iter()
                .map(|_| PendingIndex::default())
                .collect(),
        }
    }

    /// The write of this number gives the record this secondary key.
    pub(crate) fn add(
        &mut self,
        index: usize,
        write: u64,
        primary: &[u8],
        secondary: impl FnOnce(&mut Vec<u8>),
    ) {
        self.push(index, write * 2 + 1, primary, secondary);
    }

    /// The write of this number takes this secondary key from the record.
    pub(crate) fn drop_keys(&mut self, write: u64, primary: &[u8], keys: &EncodedKeys) {
        for index in 0..self.indexes.len() {
            self.push(index, write * 2, primary, |out| {
                out.extend_from_slice(keys.get(index))
            });
        }
    }

    fn push(
        &mut self,
        index: usize,
        sequence: u64,
        primary: &[u8],
        secondary: impl FnOnce(&mut Vec<u8>),
    ) {
        let PendingIndex { bytes, events } = &mut self.indexes[index];
        let start = bytes.len();
        secondary(bytes);
        let split = bytes.len();
        bytes.extend_from_slice(primary);
        events.push(Event {
            head: head(&bytes[start..]),
            start,
            secondary: (split - start) as u32,
            primary: (bytes.len() - split) as u32,
            sequence,
        });
    }

    /// Hands what is to be done in this index to `visit`, in key order. Unique keys that are dropped come before those
    /// that are added, so that a key can pass from one record to another.
    pub(crate) fn outcomes<E>(
        &mut self,
        index: usize,
        unique: bool,
        mut visit: impl FnMut(EntryChange<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let PendingIndex { bytes, events } = &mut self.indexes[index];
        let secondary = |event: &Event| &bytes[event.start..event.start + event.secondary as usize];
        let entry = |event: &Event| {
            &bytes[event.start..event.start + (event.secondary + event.primary) as usize]
        };
        events.sort_unstable_by(|left, right| {
            (left.head.cmp(&right.head))
                .then_with(|| entry(left).cmp(entry(right)))
                .then_with(|| left.sequence.cmp(&right.sequence))
        });
        let primary = |event: &Event| &entry(event)[event.secondary as usize..];
        for same_secondary in
            events.chunk_by(|left, right| !unique || secondary(left) == secondary(right))
        {
            let mut added = None;
            let entries = || same_secondary.chunk_by(|left, right| entry(left) == entry(right));
            for events in entries() {
                let (existed, wanted) = (!events[0].adds(), events[events.len() - 1].adds());
                let event = &events[0];
                match (existed, wanted) {
                    (true, false) => visit(EntryChange::Drop {
                        secondary: secondary(event),
                        primary: primary(event),
                    })?,
                    (false, true) if !unique => {
                        visit(EntryChange::Add {
                            secondary: secondary(event),
                            primary: primary(event),
                        })?;
                    }
                    _ => {}
                }
                if unique && wanted {
                    if added.is_some() {
                        visit(EntryChange::Collision {
                            secondary: secondary(event),
                        })?;
                    }
                    added = Some((event, existed));
                }
            }
            if let Some((event, false)) = added {
                visit(EntryChange::Add {
                    secondary: secondary(event),
                    primary: primary(event),
                })?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: IndexInfo = IndexInfo {
        name: "i",
        tree: "M.i",
        key: crate::codec::key::KeyShape::Plain("str"),
        unique: false,
    };
    const INFO: ModelInfo = ModelInfo {
        name: "M",
        fields: &[],
        primary_fields: &["id"],
        primary_key: crate::codec::key::KeyShape::Fixed("u8", 1),
        indexes: &[INDEX],
    };

    fn keys(key: &str) -> EncodedKeys {
        EncodedKeys {
            bytes: key.as_bytes().to_vec(),
            ends: vec![key.len()],
        }
    }

    /// Runs writes `(record, old key, new key)` and returns the outcomes as text.
    fn run(unique: bool, writes: &[(&str, Option<&str>, Option<&str>)]) -> Vec<String> {
        let mut pending = Pending::new(&INFO);
        for (number, (record, old, new)) in (0..).zip(writes) {
            if let Some(old) = old {
                pending.drop_keys(number, record.as_bytes(), &keys(old));
            }
            if let Some(new) = new {
                pending.add(0, number, record.as_bytes(), |out| {
                    out.extend_from_slice(new.as_bytes())
                });
            }
        }
        let mut seen = Vec::new();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        pending
            .outcomes(0, unique, |outcome| {
                seen.push(match outcome {
                    EntryChange::Add { secondary, primary } => {
                        format!("+{}{}", text(secondary), text(primary))
                    }
                    EntryChange::Drop { secondary, primary } => {
                        format!("-{}{}", text(secondary), text(primary))
                    }
                    EntryChange::Collision { secondary } => format!("!{}", text(secondary)),
                });
                Ok::<_, ()>(())
            })
            .unwrap();
        seen
    }

    #[test]
    fn entries_come_in_key_order_whatever_the_order_of_writes() {
        assert_eq!(
            run(
                false,
                &[
                    ("2", None, Some("b")),
                    ("1", None, Some("b")),
                    ("3", None, Some("a"))
                ]
            ),
            ["+a3", "+b1", "+b2"]
        );
    }

    #[test]
    fn the_last_write_of_a_record_decides() {
        let there_and_back = [
            ("1", None, Some("a")),
            ("1", Some("a"), Some("b")),
            ("1", Some("b"), Some("a")),
        ];
        assert_eq!(run(false, &there_and_back), ["+a1"]);
        assert_eq!(run(true, &there_and_back), ["+a1"]);
        assert_eq!(run(false, &[("1", Some("a"), Some("b"))]), ["-a1", "+b1"]);
    }

    #[test]
    fn a_key_that_stays_is_not_written() {
        assert_eq!(run(false, &[("1", Some("a"), Some("a"))]), [""; 0]);
        assert_eq!(run(true, &[("1", Some("a"), Some("a"))]), [""; 0]);
    }

    #[test]
    fn a_unique_key_may_pass_from_one_record_to_another() {
        assert_eq!(
            run(
                true,
                &[("1", Some("a"), Some("b")), ("2", Some("b"), Some("a"))]
            ),
            ["-a1", "+a2", "-b2", "+b1"]
        );
        assert_eq!(
            run(
                true,
                &[("2", Some("b"), Some("a")), ("1", Some("a"), Some("b"))]
            ),
            ["-a1", "+a2", "-b2", "+b1"]
        );
    }

    #[test]
    fn two_records_with_one_unique_key_collide() {
        assert_eq!(
            run(true, &[("1", None, Some("a")), ("2", None, Some("a"))]),
            ["!a", "+a2"]
        );
        assert_eq!(
            run(true, &[("1", Some("a"), Some("a")), ("2", None, Some("a"))]),
            ["!a", "+a2"]
        );
        assert_eq!(
            run(false, &[("1", None, Some("a")), ("2", None, Some("a"))]),
            ["+a1", "+a2"]
        );
    }
}
