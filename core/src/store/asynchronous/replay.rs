//! A synchronous driver over what an asynchronous transaction has fetched so far.
//!
//! An operation of the synchronous typed layer runs on it, and is answered from what is known. What is not known is
//! answered as if it were absent, and noted; the operation's result then counts for nothing. Once what was noted is
//! fetched, the operation runs again, until nothing is missing. So the typed layer is written once, for engines that
//! block and those that do not, and an operation that reads ten thousand keys takes two or three round trips.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{try_join_all, try_join3};

use crate::driver::asynchronous::overlay::{Layered, Overlay, Page, Sink, Source};
use crate::driver::asynchronous::{AsyncRead, ReadSet};
use crate::driver::{
    Bounds, Database, Direction, Driver, DriverError, Durability, ErrorKind, Manifest, OpenConfig,
    Result, TreeId,
};
use crate::error::NetabaseError;
use crate::schema::ModelTrees;

/// Keys of one tree from which on it may be cheaper to fetch the stretch that they lie in than each by itself.
const MANY: usize = 16;

/// Entries that show how many others lie between keys.
const SAMPLE: usize = 32;

/// Keys that are asked for in one call.
const KEYS: usize = 4096;

/// The trees that a transaction has asked for, in the order of their ids.
#[derive(Clone)]
pub(super) struct TreeNames {
    asked: Arc<Mutex<Vec<String>>>,
    models: Arc<[ModelTrees]>,
}

impl TreeNames {
    /// Nothing was asked for. Errors name the trees of these models.
    pub(super) fn new(models: &Arc<[ModelTrees]>) -> Self {
        Self {
            asked: Arc::default(),
            models: Arc::clone(models),
        }
    }

    fn all(&self) -> MutexGuard<'_, Vec<String>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What people know a tree by.
    fn shown(&self, tree: TreeId) -> Option<Cow<'static, str>> {
        let names = self.all();
        let name = names.get(tree.0 as usize)?;
        Some(
            match self.models.iter().find_map(|model| model.shown(name)) {
                Some(shown) => shown.into(),
                None => name.clone().into(),
            },
        )
    }

    pub(super) fn id(&self, name: &str) -> Result<TreeId> {
        let mut names = self.all();
        let place = match names.iter().position(|known| known == name) {
            Some(place) => place,
            None => {
                names.push(name.to_owned());
                names.len() - 1
            }
        };
        u32::try_from(place).map(TreeId).map_err(|_| {
            DriverError::new(
                ErrorKind::LimitExceeded,
                "the transaction has more trees open than there are ids; begin another one",
            )
        })
    }

    fn check(&self, tree: TreeId) -> Result<()> {
        if (tree.0 as usize) < self.all().len() {
            Ok(())
        } else {
            Err(tree.unknown())
        }
    }

    /// The engine's id of a tree.
    pub(super) fn engine_id(&self, reader: &impl AsyncRead, tree: TreeId) -> Result<TreeId> {
        let names = self.all();
        let name = names.get(tree.0 as usize).ok_or_else(|| tree.unknown())?;
        reader.tree(name)
    }
}

/// What one operation knows of the database, and what it still has to fetch.
#[derive(Clone)]
pub(super) struct KnownReads {
    names: TreeNames,
    first_page: usize,
    facts: Arc<Mutex<Fetched>>,
}

/// The values of keys that were fetched; `None` where there is none.
type Values = HashMap<Vec<u8>, Option<Arc<[u8]>>>;

#[derive(Default)]
struct Fetched {
    values: HashMap<TreeId, Values>,
    pages: HashMap<PageRequest, Page>,
    lengths: HashMap<TreeId, u64>,
    missing: Misses,
    /// What the operation has read since it began to run for the last time, where that is to be known.
    reads: Option<ReadSet>,
}

impl Fetched {
    fn record(&mut self, add: impl FnOnce(&mut ReadSet)) {
        if let Some(reads) = &mut self.reads {
            add(reads);
        }
    }
}

/// What an operation asked for and was not known.
#[derive(Default)]
pub(super) struct Misses {
    keys: BTreeMap<TreeId, BTreeSet<Vec<u8>>>,
    pages: HashSet<PageRequest>,
    lengths: BTreeSet<TreeId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct PageRequest {
    tree: TreeId,
    lower: Bound<Vec<u8>>,
    upper: Bound<Vec<u8>>,
    direction: Direction,
    limit: usize,
}

impl KnownReads {
    /// Nothing is known. Cursors ask for `first_page` entries first.
    pub(super) fn new(names: TreeNames, first_page: usize, records_reads: bool) -> Self {
        let facts = Fetched {
            reads: records_reads.then(ReadSet::default),
            ..Fetched::default()
        };
        Self {
            names,
            first_page,
            facts: Arc::new(Mutex::new(facts)),
        }
    }

    fn facts(&self) -> MutexGuard<'_, Fetched> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was asked for since the last time; `None` if all of it was known.
    pub(super) fn take_missing(&self) -> Option<Misses> {
        let missing = std::mem::take(&mut self.facts().missing);
        let nothing =
            missing.keys.is_empty() && missing.pages.is_empty() && missing.lengths.is_empty();
        (!nothing).then_some(missing)
    }

    /// What was read since the last time. Taken before each run of an operation, it leaves what that run alone reads.
    pub(super) fn take_reads(&self) -> ReadSet {
        self.facts()
            .reads
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    /// Fetches what is missing.
    pub(super) async fn fetch(
        &self,
        reader: &impl AsyncRead,
        missing: Misses,
    ) -> Result<(), NetabaseError> {
        // At the same time: an engine may serve them in one go.
        let lengths = missing.lengths.into_iter().map(async |tree| {
            self.fetch_length(reader, tree)
                .await
                .map_err(|error| self.locate(error, tree))
        });
        let pages = missing.pages.into_iter().map(async |request| {
            let tree = request.tree;
            self.fetch_page(reader, request)
                .await
                .map_err(|error| self.locate(error, tree))
        });
        let keys = missing.keys.into_iter().map(async |(tree, keys)| {
            self.fetch_keys(reader, tree, keys)
                .await
                .map_err(|error| self.locate(error, tree))
        });
        try_join3(
            try_join_all(lengths),
            try_join_all(pages),
            try_join_all(keys),
        )
        .await?;
        Ok(())
    }

    #[cold]
    fn locate(&self, error: DriverError, tree: TreeId) -> NetabaseError {
        let error = NetabaseError::from(error);
        match self.names.shown(tree) {
            Some(name) => error.in_tree(name),
            None => error,
        }
    }

    async fn fetch_length(&self, reader: &impl AsyncRead, tree: TreeId) -> Result<()> {
        let length = reader.len(self.names.engine_id(reader, tree)?).await?;
        self.facts().lengths.insert(tree, length);
        Ok(())
    }

    async fn fetch_page(&self, reader: &impl AsyncRead, request: PageRequest) -> Result<()> {
        let tree = self.names.engine_id(reader, request.tree)?;
        let bounds = Bounds {
            lower: request.lower.as_ref().map(Vec::as_slice),
            upper: request.upper.as_ref().map(Vec::as_slice),
        };
        let entries = reader
            .page(tree, bounds, request.direction, request.limit)
            .await?;
        self.facts().pages.insert(request, Page::new(entries));
        Ok(())
    }

    async fn fetch_keys(
        &self,
        reader: &impl AsyncRead,
        tree: TreeId,
        keys: BTreeSet<Vec<u8>>,
    ) -> Result<()> {
        let id = self.names.engine_id(reader, tree)?;
        if keys.len() >= MANY
            && let Some(mut stretch) = stretch(reader, id, &keys).await?
        {
            let mut facts = self.facts();
            let values = facts.values.entry(tree).or_default();
            for key in keys {
                let value = stretch.remove(&key).map(Arc::from);
                values.insert(key, value);
            }
            return Ok(());
        }
        let keys: Vec<Vec<u8>> = keys.into_iter().collect();
        for keys in keys.chunks(KEYS) {
            let borrowed: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
            let found = reader.get_many(id, &borrowed).await?;
            if found.len() != keys.len() {
                return Err(DriverError::new(
                    ErrorKind::Internal,
                    format!(
                        "the driver was asked for {} keys and returned {}; report this to its author",
                        keys.len(),
                        found.len()
                    ),
                ));
            }
            let mut facts = self.facts();
            let values = facts.values.entry(tree).or_default();
            for (key, value) in keys.iter().zip(found) {
                values.insert(key.clone(), value.map(Arc::from));
            }
        }
        Ok(())
    }
}

/// All entries between the first and the last of these keys, if there are not many more of them than keys. Where records
/// are appended, or a tree is empty, that is one page without entries instead of thousands of keys.
async fn stretch(
    reader: &impl AsyncRead,
    tree: TreeId,
    keys: &BTreeSet<Vec<u8>>,
) -> Result<Option<HashMap<Vec<u8>, Vec<u8>>>> {
    let bound = |key: Option<&Vec<u8>>| key.cloned().map_or(Bound::Unbounded, Bound::Included);
    let (lower, upper) = (bound(keys.first()), bound(keys.last()));
    let bounds = Bounds {
        lower: lower.as_ref().map(Vec::as_slice),
        upper: upper.as_ref().map(Vec::as_slice),
    };
    // A few first: where there are none, or few of them bear these keys, that is all it takes.
    for limit in [1, SAMPLE, keys.len() * 2] {
        let entries = reader.page(tree, bounds, Direction::Forward, limit).await?;
        if entries.len() < limit {
            return Ok(Some(entries.into_iter().collect()));
        }
        let Some((last, _)) = entries.last().filter(|_| limit == SAMPLE) else {
            continue;
        };
        let passed = keys.range::<Vec<u8>, _>(..=last).take(SAMPLE).count();
        if passed * 2 < SAMPLE || keys.len() * 2 <= SAMPLE {
            break;
        }
    }
    Ok(None)
}

/// The driver: what is known, and the writes of the asynchronous transaction so far.
pub(super) struct ReplayDriver {
    manifest: Manifest,
    database: ReplayDatabase,
}

/// The database of a [`ReplayDriver`], and what its transactions read from and commit to.
#[derive(Clone)]
pub(super) struct ReplayDatabase {
    known: KnownReads,
    writes: Arc<Mutex<Overlay>>,
}

impl ReplayDriver {
    pub(super) fn new(manifest: Manifest, known: KnownReads, writes: Overlay) -> Self {
        let writes = Arc::new(Mutex::new(writes));
        Self {
            manifest,
            database: ReplayDatabase { known, writes },
        }
    }

    /// The writes so far, with those that an operation has committed here.
    pub(super) fn writes(&self) -> Overlay {
        self.database.writes().clone()
    }
}

impl Driver for ReplayDriver {
    type Database = ReplayDatabase;

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn open(&self, _: &OpenConfig<'_>) -> Result<ReplayDatabase> {
        Ok(self.database.clone())
    }
}

impl ReplayDatabase {
    fn writes(&self) -> MutexGuard<'_, Overlay> {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Database for ReplayDatabase {
    type Reader = Layered<Self>;
    type Writer = Layered<Self>;

    fn begin_read(&self) -> Result<Layered<Self>> {
        self.begin_write()
    }

    fn begin_write(&self) -> Result<Layered<Self>> {
        let writes = self.writes().clone();
        Ok(Layered::new(self.clone(), writes))
    }
}

impl Source for ReplayDatabase {
    fn tree(&self, name: &str) -> Result<TreeId> {
        self.known.names.id(name)
    }

    fn check(&self, tree: TreeId) -> Result<()> {
        self.known.names.check(tree)
    }

    fn get<R>(
        &self,
        tree: TreeId,
        key: &[u8],
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let value = {
            let mut facts = self.known.facts();
            let known = facts.values.get(&tree).and_then(|values| values.get(key));
            match known.cloned() {
                Some(value) => {
                    facts.record(|reads| reads.add_key(tree, key, value.is_some()));
                    value
                }
                None => {
                    let keys = facts.missing.keys.entry(tree).or_default();
                    keys.insert(key.to_vec());
                    None
                }
            }
        };
        Ok(value.as_deref().map(visit))
    }

    fn page(
        &self,
        tree: TreeId,
        bounds: Bounds<'_>,
        direction: Direction,
        limit: usize,
    ) -> Result<Page> {
        let request = PageRequest {
            tree,
            lower: bounds.lower.map(<[u8]>::to_vec),
            upper: bounds.upper.map(<[u8]>::to_vec),
            direction,
            limit,
        };
        let mut facts = self.known.facts();
        if let Some(page) = facts.pages.get(&request).cloned() {
            facts.record(|reads| reads.add_page(tree, bounds, direction, limit, &page));
            return Ok(page);
        }
        facts.missing.pages.insert(request);
        Ok(Page::default())
    }

    fn len(&self, tree: TreeId) -> Result<u64> {
        let mut facts = self.known.facts();
        match facts.lengths.get(&tree).copied() {
            Some(length) => {
                facts.record(|reads| reads.add_len(tree, length));
                Ok(length)
            }
            None => {
                facts.missing.lengths.insert(tree);
                Ok(0)
            }
        }
    }

    fn first_page(&self) -> usize {
        self.known.first_page
    }
}

impl Sink for ReplayDatabase {
    fn commit(self, overlay: Overlay, _: Durability) -> Result<()> {
        *self.writes() = overlay;
        Ok(())
    }
}
