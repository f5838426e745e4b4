//! LMDB's folder seen from outside: whether it is one, whether it is free, and how it is made and emptied.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use netabase_core::driver::Result;
use netabase_core::driver::kit::folder::{Access, Contents, claim};
use netabase_core::driver::kit::lock::LockedFile;
use netabase_core::driver::kit::path::{
    Place, foreign, inaccessible, look, look_inside, require_parent,
};

use crate::config::Settings;

/// The file with the data.
const DATA: &str = "data.mdb";
/// LMDB's file with its locks and readers.
const LOCK: &str = "lock.mdb";

/// How a data file begins: the flags of its first page, LMDB's mark, and the version of the format, each with its place.
///
/// LMDB writes numbers in the machine's byte order.
const PAGE_FLAGS: usize = size_of::<usize>() + 2;
const META_PAGE: u16 = 0x08;
const MARK: usize = PAGE_HEADER;
const MAGIC: u32 = 0xBEEF_C0DE;
const VERSION: usize = MARK + 4;
const FORMAT: u32 = 1;
/// Where the first page says how large a page is.
const PAGE_SIZE: usize = MARK + 8 + 2 * size_of::<usize>();
/// The bytes that go before what a page holds.
const PAGE_HEADER: usize = size_of::<usize>() + 8;
/// So much of a data file is looked at.
const HEADER: usize = PAGE_SIZE + 4;
/// The largest page that LMDB uses, in bytes.
const LARGEST_PAGE: u64 = 64 << 10;

/// The data file, locked for this handle as long as it lives.
///
/// LMDB's own lock lets other processes write, and knows nothing of a second copy of LMDB in this one. The lock on the data
/// file is none of those that LMDB takes, so that it excludes neither LMDB itself nor its tools.
#[derive(Debug, Clone)]
pub(crate) struct DataFile {
    file: Arc<LockedFile>,
    path: Arc<Path>,
}

impl DataFile {
    /// Claims the database in the folder, and makes a place for one if there is none. Says whether there was one.
    pub(crate) fn claim(settings: &Settings) -> Result<(Self, bool)> {
        let folder = &*settings.path;
        let access = Access {
            creates: settings.creates,
            read_only: settings.read_only,
        };
        let (file, found) = claim(folder, DATA, access, inspect)?;
        let claimed = Self {
            file: Arc::new(file),
            path: folder.join(DATA).into(),
        };
        if found == Contents::Nothing {
            claimed.empty()?;
        }
        Ok((claimed, found == Contents::Database))
    }

    /// Removes all that is in it, while LMDB does not have it open.
    ///
    /// An empty file is not a database, so that a crash leaves all of it or nothing.
    pub(crate) fn empty(&self) -> Result<()> {
        let file = self.file.file();
        file.set_len(0)
            .and_then(|()| file.sync_all())
            .map_err(|error| inaccessible(&self.path, error))
    }

    /// The length of the data file in bytes.
    pub(crate) fn len(&self) -> Result<u64> {
        self.file
            .file()
            .metadata()
            .map(|file| file.len())
            .map_err(|error| inaccessible(&self.path, error))
    }

    /// What the system says of a longer data file, if it refuses one.
    ///
    /// LMDB reports a write that the system cut short as a failure of the device, whatever the reason.
    #[cold]
    pub(crate) fn refusal_to_grow(&self) -> Option<io::Error> {
        let mut file = self.file.file();
        let length = file.seek(SeekFrom::End(0)).ok()?;
        let refusal = file.write_all(&[0; 4096]).err();
        // What lies behind the last page that LMDB counts means nothing, and goes again.
        let _ = file.set_len(length);
        refusal
    }
}

/// Looks at what is there, and changes nothing.
fn inspect(folder: &Path) -> Result<Contents> {
    if look(folder, "LMDB", Place::Folder)?.is_none() {
        return require_parent(folder).map(|()| Contents::Nothing);
    }
    // LMDB opens both by their names.
    for name in [DATA, LOCK] {
        look_inside(folder, name, Place::File, u64::MAX)?;
    }
    let path = folder.join(DATA);
    let inaccessible = |error| inaccessible(&path, error);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return without_data(folder),
        Err(error) => return Err(inaccessible(error)),
    };
    let length = file.metadata().map_err(inaccessible)?.len();
    let is_short = length <= 2 * LARGEST_PAGE;
    let mut header = Vec::with_capacity(HEADER);
    file.take(if is_short { length } else { HEADER as u64 })
        .read_to_end(&mut header)
        .map_err(inaccessible)?;
    if header.is_empty() || (is_short && is_cut_off(&header)) {
        return Ok(Contents::Nothing);
    }
    match page_size(&header) {
        // LMDB writes its first two pages at one blow.
        Some(page) if length < 2 * u64::from(page) => Ok(Contents::Nothing),
        Some(_) => Ok(Contents::Database),
        None => Err(foreign(
            folder,
            "holds a `data.mdb` that LMDB did not write",
        )),
    }
}

/// A folder without a data file: empty, or left by a creation that was cut off.
fn without_data(folder: &Path) -> Result<Contents> {
    let inaccessible = |error| inaccessible(folder, error);
    for entry in fs::read_dir(folder).map_err(inaccessible)? {
        if entry.map_err(inaccessible)?.file_name() != LOCK {
            return Err(foreign(folder, "holds files that LMDB did not write"));
        }
    }
    Ok(Contents::Nothing)
}

/// Whether these are the first two pages of a data file, of which one never reached the disk: LMDB writes them
/// together, and the power was cut.
fn is_cut_off(file: &[u8]) -> bool {
    let (first, second) = file.split_at(file.len() / 2);
    let is_blank = |page: &[u8]| page.iter().all(|byte| *byte == 0);
    let is_whole = |page: &[u8]| page_size(page).is_some_and(|size| size as usize == page.len());
    (is_blank(first) && is_whole(second)) || (is_whole(first) && is_blank(second))
}

/// The size of a page as the beginning of a data file gives it; `None` if LMDB did not write it.
fn page_size(header: &[u8]) -> Option<u32> {
    let number = |at: usize| Some(u32::from_ne_bytes(*header.get(at..)?.first_chunk()?));
    let flags = u16::from_ne_bytes(*header.get(PAGE_FLAGS..)?.first_chunk()?);
    let page = number(PAGE_SIZE)?;
    let is_ours = flags & META_PAGE != 0
        && number(MARK)? == MAGIC
        && number(VERSION)? == FORMAT
        && page.is_power_of_two();
    is_ours.then_some(page)
}
