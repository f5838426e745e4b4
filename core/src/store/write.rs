//! The one path that every typed write takes: records and index entries, in one transaction.

use super::observer::{Observer, RecordChange};
use super::scratch::{self, Scratch};
use crate::codec::checksum::RecordForm;
use crate::codec::key::EncodeKey;
use crate::driver::checked::CheckedWriter;
use crate::driver::{Bounds, Cursor, Direction, ErrorKind, Read, ResumingCursor, TreeId, Write};
use crate::error::NetabaseError;
use crate::index::{self, Change, EncodedKeys, EntryChange, Pending};
use crate::model::value;
use crate::model::{IndexInfo, ModelInfo, Record};
use crate::schema::ModelTrees;

/// Bytes of encoded records that a bulk write gathers, sorts and writes at a time.
const CHUNK: usize = 4 << 20;

/// The trees of one model in one transaction.
#[derive(Debug)]
pub(crate) struct Trees {
    pub(crate) records: TreeId,
    pub(crate) indexes: Box<[TreeId]>,
    pub(crate) form: RecordForm,
}

impl Trees {
    pub(crate) fn resolve(
        transaction: &impl Read,
        model: &ModelTrees,
        info: &ModelInfo,
    ) -> Result<Self, NetabaseError> {
        Ok(Self {
            records: transaction.sized_tree(&model.records, info.record_widths())?,
            indexes: (model.indexes.iter().enumerate())
                .map(|(place, index)| transaction.sized_tree(index, info.index_widths(place)))
                .collect::<Result<_, _>>()?,
            form: model.form,
        })
    }
}

/// Runs a write that is made of several. If it ends halfway, by an error or a panic, records and indexes may differ:
/// the transaction can then only be rolled back.
fn all_or_fail<W: Write, T>(
    writer: &mut CheckedWriter<W>,
    run: impl FnOnce(&mut CheckedWriter<W>) -> Result<T, NetabaseError>,
) -> Result<T, NetabaseError> {
    struct Halfway<'w, W: Write> {
        writer: &'w mut CheckedWriter<W>,
        /// The generation in which records and indexes agree.
        exact: u64,
    }

    impl<W: Write> Drop for Halfway<'_, W> {
        fn drop(&mut self) {
            if self.writer.generation() != self.exact {
                self.writer.fail();
            }
        }
    }

    let exact = writer.generation();
    let mut halfway = Halfway { writer, exact };
    let result = run(halfway.writer)?;
    halfway.exact = halfway.writer.generation();
    Ok(result)
}

/// Stores one record. A unique key that is taken, or an entry that the engine does not take, leaves everything as it was.
pub(crate) fn put<M: Record, W: Write, O: Observer>(
    writer: &mut CheckedWriter<W>,
    trees: &Trees,
    observer: &mut O,
    record: &M,
) -> Result<(), NetabaseError> {
    scratch::with(|scratch| {
        scratch.primary.clear();
        record.encode_primary_key(&mut scratch.primary);
        scratch.value.clear();
        value::encode(record, &mut scratch.value)?;
        trees.form.seal(&scratch.primary, &mut scratch.value);
        scratch.new.encode_record(record);
        writer.check_entry(scratch.primary.len(), scratch.value.len())?;
        for (place, index) in M::INFO.indexes.iter().enumerate() {
            let (secondary, primary) = (scratch.new.get(place).len(), scratch.primary.len());
            check_index_entry(writer, index, secondary, primary)?;
        }
        let conflict = all_or_fail(writer, |writer| {
            put_encoded::<M, W, O>(writer, trees, observer, scratch)
        })?;
        match conflict {
            None => Ok(()),
            Some(index) => Err(taken(&M::INFO, index, scratch.new.get(index))),
        }
    })
}

/// Refuses an index entry, of keys of these lengths, that the engine does not take.
fn check_index_entry<W: Write>(
    writer: &CheckedWriter<W>,
    index: &IndexInfo,
    secondary: usize,
    primary: usize,
) -> Result<(), NetabaseError> {
    let (key, value) = if index.unique {
        (secondary, primary)
    } else {
        (secondary + primary, 0)
    };
    writer
        .check_entry(key, value)
        .map_err(|error| NetabaseError::from(error).in_tree(index.tree))
}

/// Stores the record that `scratch` holds encoded. Gives back the index in which another record has its unique key;
/// everything is as it was then.
fn put_encoded<M: Record, W: Write, O: Observer>(
    writer: &mut CheckedWriter<W>,
    trees: &Trees,
    observer: &mut O,
    scratch: &mut Scratch,
) -> Result<Option<usize>, NetabaseError> {
    let info = &M::INFO;
    let indexed = !info.indexes.is_empty();
    let unique = info.indexes.iter().any(|index| index.unique);
    let observed = observer.is_listening();
    let Scratch {
        primary,
        value,
        old_value,
        entry,
        old,
        new,
    } = scratch;
    let previous = writer.put(trees.records, primary, value, |bytes| {
        if !(indexed || observed) || bytes == value {
            return Ok(false);
        }
        if unique || observed {
            old_value.clear();
            old_value.extend_from_slice(bytes);
        }
        if indexed {
            let value = trees.form.open(primary, bytes)?;
            old.encode_ref::<M>(&value::decode_ref::<M>(value)?);
        }
        Ok::<_, NetabaseError>(true)
    })?;
    let old = match previous.transpose()? {
        None => None,
        Some(false) => return Ok(None),
        Some(true) => Some(&*old),
    };
    for Change { index, added, .. } in index::changes(info, old, Some(new)) {
        let (true, Some(added)) = (info.indexes[index].unique, added) else {
            continue;
        };
        let holder = writer
            .put(trees.indexes[index], added, primary, |holder| {
                (holder != primary).then(|| holder.to_vec())
            })?
            .flatten();
        let Some(holder) = holder else { continue };
        writer.put(trees.indexes[index], added, &holder, |_| ())?;
        for earlier in
            index::changes(info, old, Some(new)).take_while(|change| change.index < index)
        {
            if let (true, Some(added)) = (info.indexes[earlier.index].unique, earlier.added) {
                writer.remove(trees.indexes[earlier.index], added, |_| ())?;
            }
        }
        match old {
            Some(_) => writer.put(trees.records, primary, old_value, |_| ())?,
            None => writer.remove(trees.records, primary, |_| ())?,
        };
        return Ok(Some(index));
    }
    for Change {
        index,
        removed,
        added,
    } in index::changes(info, old, Some(new))
    {
        let (tree, index) = (trees.indexes[index], &info.indexes[index]);
        if let Some(removed) = removed {
            writer.remove(
                tree,
                index::entry_key(index, removed, primary, entry),
                |_| (),
            )?;
        }
        if let (false, Some(added)) = (index.unique, added) {
            let key = index::entry_key(index, added, primary, entry);
            writer.put(tree, key, index::entry_value(index, primary), |_| ())?;
        }
    }
    if observed {
        let change = RecordChange {
            model: info,
            key: primary,
            old: old.is_some().then_some(old_value),
            new: Some(value),
        };
        observer.record_changed(writer, &change)?;
    }
    Ok(None)
}

#[cold]
fn taken(info: &ModelInfo, index: usize, key: &[u8]) -> NetabaseError {
    let index = &info.indexes[index];
    NetabaseError::new(
        ErrorKind::AlreadyExists,
        format!(
            "another `{}` has this `{}`, which is unique; change it, or remove the other record first",
            info.name, index.name
        ),
    )
    .in_tree(index.tree)
    .at_key(key)
}

/// Removes one record and its index entries.
pub(crate) fn remove<M: Record, W: Write, O: Observer>(
    writer: &mut CheckedWriter<W>,
    trees: &Trees,
    observer: &mut O,
    key: &impl EncodeKey,
) -> Result<Option<M>, NetabaseError> {
    let info = &M::INFO;
    let observed = observer.is_listening();
    scratch::with(
        |Scratch {
             primary,
             old_value,
             entry,
             old,
             ..
         }| {
            primary.clear();
            key.encode_key(primary);
            all_or_fail(writer, |writer| {
                let removed = writer.remove(trees.records, primary, |bytes| {
                    if observed {
                        old_value.clear();
                        old_value.extend_from_slice(bytes);
                    }
                    value::decode::<M>(trees.form.open(primary, bytes)?)
                })?;
                let Some(record) = removed.transpose()? else {
                    return Ok(None);
                };
                old.encode_record(&record);
                for Change { index, removed, .. } in index::changes(info, Some(old), None) {
                    let (tree, index) = (trees.indexes[index], &info.indexes[index]);
                    if let Some(removed) = removed {
                        let key = index::entry_key(index, removed, primary, entry);
                        writer.remove(tree, key, |_| ())?;
                    }
                }
                if observed {
                    observer.record_changed(writer, &removal::<M>(primary, old_value))?;
                }
                Ok(Some(record))
            })
        },
    )
}

/// The change that removes a record.
fn removal<'a, M: Record>(key: &'a [u8], old: &'a [u8]) -> RecordChange<'a> {
    RecordChange {
        model: &M::INFO,
        key,
        old: Some(old),
        new: None,
    }
}

/// Removes one record and its index entries, even if it cannot be decoded; returns whether there was one.
pub(crate) fn discard<M: Record, W: Write, O: Observer>(
    writer: &mut CheckedWriter<W>,
    trees: &Trees,
    observer: &mut O,
    key: &impl EncodeKey,
) -> Result<bool, NetabaseError> {
    let observed = observer.is_listening();
    scratch::with(
        |Scratch {
             primary,
             old_value,
             entry,
             old,
             ..
         }| {
            primary.clear();
            key.encode_key(primary);
            all_or_fail(writer, |writer| {
                let decoded = writer.remove(trees.records, primary, |bytes| {
                    if observed {
                        old_value.clear();
                        old_value.extend_from_slice(bytes);
                    }
                    (trees.form.open(primary, bytes))
                        .and_then(value::decode_ref::<M>)
                        .map(|view| old.encode_ref::<M>(&view))
                        .is_ok()
                })?;
                let Some(decoded) = decoded else {
                    return Ok(false);
                };
                for (place, (index, &tree)) in
                    M::INFO.indexes.iter().zip(&trees.indexes).enumerate()
                {
                    if decoded {
                        let key = index::entry_key(index, old.get(place), primary, entry);
                        writer.remove(tree, key, |_| ())?;
                    } else if find_entry::<M, W>(writer, tree, place, primary, entry)? {
                        writer.remove(tree, entry, |_| ())?;
                    }
                }
                if observed {
                    observer.record_changed(writer, &removal::<M>(primary, old_value))?;
                }
                Ok(true)
            })
        },
    )
}

/// Puts the key of the index entry that points to this record into `entry`, if there is one. Reads the whole index.
fn find_entry<M: Record, W: Write>(
    writer: &CheckedWriter<W>,
    tree: TreeId,
    place: usize,
    primary: &[u8],
    entry: &mut Vec<u8>,
) -> Result<bool, NetabaseError> {
    let index = &M::INFO.indexes[place];
    let mut cursor = writer.cursor(tree, Bounds::ALL, Direction::Forward)?;
    while cursor.advance()? {
        let skip = |input: &mut &[u8]| M::skip_secondary_key(place, input);
        let (_, found) = index::entry_keys(index.unique, cursor.key(), cursor.value(), skip)
            .map_err(|error| NetabaseError::from(error).in_tree(index.tree))?;
        if found == primary {
            entry.clear();
            entry.extend_from_slice(cursor.key());
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes every record and every index entry of a model.
pub(crate) fn clear<M: Record, W: Write, O: Observer>(
    writer: &mut CheckedWriter<W>,
    trees: &Trees,
    observer: &mut O,
) -> Result<(), NetabaseError> {
    if observer.is_listening() {
        // The records stay as they are meanwhile.
        const UNCHANGED: u64 = 0;
        all_or_fail(writer, |writer| {
            let mut records = ResumingCursor::new(trees.records, Bounds::ALL, Direction::Forward);
            while records.advance(writer, UNCHANGED)? {
                let change = removal::<M>(records.key(), records.value());
                observer.record_changed(writer, &change)?;
            }
            Ok(())
        })?;
    }
    writer.clear(trees.records)?;
    trees
        .indexes
        .iter()
        .try_for_each(|tree| writer.clear(*tree))
        .map_err(Into::into)
}

/// Writes the gathered index entries, sorted. After an error the transaction must not be committed.
pub(crate) fn write_pending<W: Write>(
    writer: &mut CheckedWriter<W>,
    trees: &Trees,
    info: &ModelInfo,
    pending: &mut Pending,
) -> Result<(), NetabaseError> {
    let mut buffer = Vec::new();
    for (place, (index, &tree)) in info.indexes.iter().zip(&trees.indexes).enumerate() {
        pending.outcomes(place, index.unique, |outcome| match outcome {
            EntryChange::Add { secondary, primary } => {
                let key = index::entry_key(index, secondary, primary, &mut buffer);
                let other =
                    writer.put(tree, key, index::entry_value(index, primary), |holder| {
                        holder != primary
                    })?;
                if index.unique && other == Some(true) {
                    Err(taken(info, place, secondary))
                } else {
                    Ok(())
                }
            }
            EntryChange::Drop { secondary, primary } => {
                writer.remove(
                    tree,
                    index::entry_key(index, secondary, primary, &mut buffer),
                    |_| (),
                )?;
                Ok(())
            }
            EntryChange::Collision { secondary } => Err(taken(info, place, secondary)),
        })?;
    }
    Ok(())
}

/// A bulk write: encoded records that wait to be sorted and written, and the index changes of all that went before.
///
/// Records are written in chunks, sorted by primary key; then all index entries, sorted. Until that is done, and after an
/// error, records and indexes differ.
pub(crate) struct Bulk {
    bytes: Vec<u8>,
    rows: Vec<Row>,
    sorted: bool,
    writes: u64,
    old: EncodedKeys,
    /// What a record is written over, for the observer.
    old_value: Vec<u8>,
    pending: Pending,
}

/// One record within `Bulk::bytes`: its primary key, then its value.
struct Row {
    head: u64,
    start: usize,
    value: usize,
    end: usize,
    write: u64,
}

impl Bulk {
    pub(crate) fn new(info: &ModelInfo) -> Self {
        Self {
            bytes: Vec::new(),
            rows: Vec::new(),
            sorted: true,
            writes: 0,
            old: EncodedKeys::default(),
            old_value: Vec::new(),
            pending: Pending::new(info),
        }
    }

    /// Takes a record.
    pub(crate) fn push<M: Record>(
        &mut self,
        trees: &Trees,
        record: &M,
    ) -> Result<(), NetabaseError> {
        let start = self.bytes.len();
        record.encode_primary_key(&mut self.bytes);
        let split = self.bytes.len();
        value::encode(record, &mut self.bytes)?;
        trees.form.seal_behind_key(start, split, &mut self.bytes);
        let primary = &self.bytes[start..split];
        self.sorted &= self
            .rows
            .last()
            .is_none_or(|last| &self.bytes[last.start..last.value] <= primary);
        let write = self.writes;
        self.writes += 1;
        for index in 0..M::INFO.indexes.len() {
            self.pending.add(index, write, primary, |out| {
                record.encode_secondary_key(index, out)
            });
        }
        self.rows.push(Row {
            head: index::head(primary),
            start,
            value: split,
            end: self.bytes.len(),
            write,
        });
        Ok(())
    }

    /// Whether the records should be [written](Self::write_records) before more of them are taken.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes.len() >= CHUNK
    }

    /// Writes the records that wait, and all index entries.
    pub(crate) fn finish<M: Record, W: Write, O: Observer>(
        mut self,
        writer: &mut CheckedWriter<W>,
        trees: &Trees,
        observer: &mut O,
    ) -> Result<(), NetabaseError> {
        self.write_records::<M, W, O>(writer, trees, observer)?;
        write_pending(writer, trees, &M::INFO, &mut self.pending)
    }

    /// Writes the records that wait.
    pub(crate) fn write_records<M: Record, W: Write, O: Observer>(
        &mut self,
        writer: &mut CheckedWriter<W>,
        trees: &Trees,
        observer: &mut O,
    ) -> Result<(), NetabaseError> {
        let Self {
            bytes,
            rows,
            old,
            old_value,
            pending,
            sorted,
            ..
        } = self;
        if !*sorted {
            rows.sort_unstable_by(|left, right| {
                (left.head.cmp(&right.head))
                    .then_with(|| {
                        bytes[left.start..left.value].cmp(&bytes[right.start..right.value])
                    })
                    .then_with(|| left.write.cmp(&right.write))
            });
        }
        let indexed = !M::INFO.indexes.is_empty();
        let observed = observer.is_listening();
        for row in rows.drain(..) {
            let (primary, value) = (&bytes[row.start..row.value], &bytes[row.value..row.end]);
            let decoded = writer.put(trees.records, primary, value, |previous| {
                if indexed {
                    let value = trees.form.open(primary, previous)?;
                    old.encode_ref::<M>(&value::decode_ref::<M>(value)?);
                    pending.drop_keys(row.write, primary, old);
                }
                if observed {
                    old_value.clear();
                    old_value.extend_from_slice(previous);
                }
                Ok::<_, NetabaseError>(())
            })?;
            let replaced = decoded.transpose()?.is_some();
            if observed && !(replaced && old_value == value) {
                let change = RecordChange {
                    model: &M::INFO,
                    key: primary,
                    old: replaced.then_some(old_value),
                    new: Some(value),
                };
                observer.record_changed(writer, &change)?;
            }
        }
        bytes.clear();
        *sorted = true;
        Ok(())
    }
}
