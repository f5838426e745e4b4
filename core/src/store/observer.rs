//! What hears every change of a record, from the one path that all writes take.
//!
//! The functions of [`write`](super::write) are generic over it, so that `()`, no observer, costs nothing: there is no
//! call, no branch and no copy.

use crate::driver::Write;
use crate::driver::checked::CheckedWriter;
use crate::error::NetabaseError;
use crate::model::ModelInfo;

/// One change of one record, in the form in which it is stored.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the change log is the first to read it")
)]
pub(crate) struct RecordChange<'a> {
    pub(crate) model: &'static ModelInfo,
    /// The encoded primary key.
    pub(crate) key: &'a [u8],
    /// The encoded record that was there before. It may be damaged where it was [discarded](super::TreeView::discard).
    pub(crate) old: Option<&'a [u8]>,
    /// The encoded record that is there from now on.
    pub(crate) new: Option<&'a [u8]>,
}

/// Hears every change of a record within one transaction.
///
/// It lives as long as the transaction. What it writes through the writer it is given is kept or rolled back with it; it
/// leaves the trees of the models alone. A put of what is stored already is not a change. A bulk write that fails may
/// have been heard in part; its transaction can only be rolled back.
pub(crate) trait Observer {
    /// Whether changes are of interest. If not, old records are not copied, and a clear is the engine's own.
    fn is_listening(&self) -> bool;

    /// Hears one change. The order of the calls is that of the changes.
    ///
    /// # Errors
    /// Ends the operation; the transaction can then only be rolled back.
    fn record_changed<W: Write>(
        &mut self,
        writer: &mut CheckedWriter<W>,
        change: &RecordChange<'_>,
    ) -> Result<(), NetabaseError>;
}

/// No observer.
impl Observer for () {
    #[inline]
    fn is_listening(&self) -> bool {
        false
    }

    #[inline]
    fn record_changed<W: Write>(
        &mut self,
        _: &mut CheckedWriter<W>,
        _: &RecordChange<'_>,
    ) -> Result<(), NetabaseError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;
    use crate::config::Checksums;
    use crate::driver::checked::Checked;
    use crate::driver::{Bounds, Cursor as _, Direction, OpenConfig, Read, TreeId};
    use crate::error::ErrorKind;
    use crate::memory::Memory;
    use crate::model::{NetabaseModelTrait as _, Record};
    use crate::schema::Plan;
    use crate::store::write::{self, Bulk, Trees};
    use crate::user::{Definition, User, UserPrimaryKey, user};

    type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

    /// Applies every change to a copy of the records, and compares the old value with the copy's.
    #[derive(Default, Clone)]
    struct Mirror {
        rows: Rows,
        calls: usize,
    }

    impl Observer for Mirror {
        fn is_listening(&self) -> bool {
            true
        }

        fn record_changed<W: Write>(
            &mut self,
            _: &mut CheckedWriter<W>,
            change: &RecordChange<'_>,
        ) -> Result<(), NetabaseError> {
            assert_eq!(change.model.name, User::INFO.name);
            assert_ne!(change.old, change.new);
            let old = match change.new {
                Some(new) => self.rows.insert(change.key.to_vec(), new.to_vec()),
                None => self.rows.remove(change.key),
            };
            assert_eq!(old.as_deref(), change.old);
            self.calls += 1;
            Ok(())
        }
    }

    fn stored(reader: &impl Read, tree: TreeId) -> Rows {
        let mut rows = Rows::new();
        let mut cursor = reader
            .cursor(tree, Bounds::ALL, Direction::Forward)
            .unwrap();
        while cursor.advance().unwrap() {
            rows.insert(cursor.key().to_vec(), cursor.value().to_vec());
        }
        rows
    }

    #[test]
    fn an_observer_that_mirrors_each_change_has_what_is_stored() {
        let mut random = fastrand::Rng::with_seed(7);
        let store = Checked::open(&Memory, &OpenConfig::new(Path::new(""))).unwrap();
        let reader = store.begin_read().unwrap();
        let plan = Plan::read::<Definition>(&reader, Checksums::Records, false).unwrap();
        let stored_in = plan.trees::<Definition>();
        let (mut committed, mut refused, mut unchanged, mut heard) =
            (Mirror::default(), 0, 0, [0; 6]);
        for _ in 0..200 {
            let mut writer = store.begin_write().unwrap();
            let trees = Trees::resolve(&writer, &stored_in[User::PLACE], &User::INFO).unwrap();
            let mut mirror = committed.clone();
            let mut ended = false;
            for _ in 0..random.usize(1..12) {
                let any = |random: &mut fastrand::Rng| {
                    let email = random.u32(0..12).to_string();
                    user(random.u64(0..8), &email, random.u32(0..3))
                };
                let key = UserPrimaryKey(random.u64(0..8));
                let before = (stored(&writer, trees.records), mirror.calls);
                let step = random.usize(0..20);
                let kind = match step {
                    0..10 => 0,
                    10..12 => 1,
                    12..15 => 2,
                    15..18 => 3,
                    18 => 4,
                    _ => 5,
                };
                match kind {
                    0 => {
                        let record = any(&mut random);
                        if let Err(error) = write::put(&mut writer, &trees, &mut mirror, &record) {
                            assert_eq!(error.kind(), ErrorKind::AlreadyExists);
                            assert_eq!(stored(&writer, trees.records), before.0);
                            assert_eq!(mirror.calls, before.1);
                            refused += 1;
                        } else if stored(&writer, trees.records) == before.0 {
                            assert_eq!(mirror.calls, before.1);
                            unchanged += 1;
                        }
                    }
                    1 => {
                        let mut bulk = Bulk::new(&User::INFO);
                        for _ in 0..random.usize(1..4) {
                            bulk.push(&trees, &any(&mut random)).unwrap();
                        }
                        let result = bulk.finish::<User, _, _>(&mut writer, &trees, &mut mirror);
                        if let Err(error) = result {
                            assert_eq!(error.kind(), ErrorKind::AlreadyExists);
                            ended = true;
                            break;
                        }
                    }
                    2 => {
                        write::remove::<User, _, _>(&mut writer, &trees, &mut mirror, &key)
                            .map(drop)
                            .unwrap();
                    }
                    3 => {
                        write::discard::<User, _, _>(&mut writer, &trees, &mut mirror, &key)
                            .map(drop)
                            .unwrap();
                    }
                    4 => write::clear::<User, _, _>(&mut writer, &trees, &mut mirror).unwrap(),
                    _ => {
                        ended = true;
                        break;
                    }
                }
                heard[kind] += mirror.calls - before.1;
                assert_eq!(stored(&writer, trees.records), mirror.rows);
            }
            if !ended {
                writer.commit(crate::driver::Durability::default()).unwrap();
                committed = mirror;
            }
        }
        assert!(refused > 0 && unchanged > 0, "{refused} {unchanged}");
        assert!(heard[..5].iter().all(|calls| *calls > 0), "{heard:?}");
    }
}
