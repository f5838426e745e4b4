//! The repair of a file that was not closed cleanly, kept in memory: who only reads changes nothing on disk.
//!
//! redb repairs a file when it opens it for writing, and refuses to read one that needs it. Here redb opens for writing a
//! layer in memory over the file, closes it again, and then reads the layer. What it writes for a repair is the file's
//! header and which pages are in use, not the records.

use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use redb::{BackendError, Builder, Error, StorageBackend};

/// The length of the pieces that are kept in memory.
const PIECE: u64 = 4096;

/// A file as redb would repair it, for reading.
///
/// The repair comes with the first read. redb has locked the file then, so that nobody changes it meanwhile.
#[derive(Debug)]
pub(crate) struct Repaired<F: StorageBackend> {
    layer: Arc<Layer<F>>,
    repaired: OnceLock<Result<(), (io::ErrorKind, String)>>,
}

impl<F: StorageBackend> Repaired<F> {
    pub(crate) fn new(file: F) -> Self {
        Self {
            layer: Arc::new(Layer {
                file,
                memory: RwLock::default(),
            }),
            repaired: OnceLock::new(),
        }
    }

    fn layer(&self) -> io::Result<&Layer<F>> {
        let repaired = self.repaired.get_or_init(|| {
            repair(&self.layer).map_err(|error| {
                let kind = match &error {
                    Error::Io(error) => error.kind(),
                    Error::Corrupted(_) => io::ErrorKind::InvalidData,
                    _ => io::ErrorKind::Other,
                };
                (kind, format!("cannot be repaired in memory: {error}"))
            })
        });
        match repaired {
            Ok(()) => Ok(&self.layer),
            Err((kind, message)) => Err(io::Error::new(*kind, message.as_str())),
        }
    }
}

fn repair<F: StorageBackend>(layer: &Arc<Layer<F>>) -> Result<(), Error> {
    let length = layer.file.len()?;
    layer.change(|memory| {
        memory.length = length;
        memory.of_file = length;
    });
    // Closing it leaves the mark of a file that was closed cleanly.
    Builder::new()
        .create_with_backend(Writable(Arc::clone(layer)))
        .map(drop)
        .map_err(Error::from)
}

impl<F: StorageBackend> StorageBackend for Repaired<F> {
    fn len(&self) -> io::Result<u64> {
        Ok(self.layer()?.length())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.layer()?.read(offset, out)
    }

    fn set_len(&self, _len: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, _offset: u64, _data: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn close(&self) -> io::Result<()> {
        self.layer.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.layer.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.layer.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.layer.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.layer.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.layer.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.layer.file.query_lock_range(start, end)
    }
}

/// A file under what was written over it.
#[derive(Debug)]
struct Layer<F> {
    file: F,
    memory: RwLock<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    length: u64,
    /// The bytes from here on are not the file's.
    of_file: u64,
    /// By their number.
    pieces: BTreeMap<u64, Vec<u8>>,
}

impl<F: StorageBackend> Layer<F> {
    fn change<R>(&self, run: impl FnOnce(&mut Memory) -> R) -> R {
        run(&mut self.memory.write().unwrap_or_else(PoisonError::into_inner))
    }

    fn length(&self) -> u64 {
        let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
        memory.length
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
        let end = offset.checked_add(out.len() as u64);
        if end.is_none_or(|end| end > memory.length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.read_file(&memory, offset, out)?;
        for (number, within, range) in pieces(offset, out.len()) {
            if let Some(piece) = memory.pieces.get(&number) {
                let length = range.len();
                out[range].copy_from_slice(&piece[within..within + length]);
            }
        }
        Ok(())
    }

    /// What the file has there, and zeros beyond its end.
    fn read_file(&self, memory: &Memory, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let there = memory.of_file.saturating_sub(offset);
        let there = usize::try_from(there).map_or(out.len(), |there| there.min(out.len()));
        let (from_file, beyond) = out.split_at_mut(there);
        beyond.fill(0);
        if from_file.is_empty() {
            return Ok(());
        }
        self.file.read(offset, from_file)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(|memory| {
            let end = offset.checked_add(data.len() as u64);
            memory.length = end.ok_or(io::ErrorKind::FileTooLarge)?.max(memory.length);
            for (number, within, range) in pieces(offset, data.len()) {
                let mut piece = match memory.pieces.remove(&number) {
                    Some(piece) => piece,
                    None => {
                        let mut piece = vec![0; PIECE as usize];
                        self.read_file(memory, number * PIECE, &mut piece)?;
                        piece
                    }
                };
                piece[within..within + range.len()].copy_from_slice(&data[range]);
                memory.pieces.insert(number, piece);
            }
            Ok(())
        })
    }

    fn set_len(&self, length: u64) {
        self.change(|memory| {
            memory.length = length;
            memory.of_file = memory.of_file.min(length);
            // What is cut off must not be there again when the file grows.
            drop(memory.pieces.split_off(&length.div_ceil(PIECE)));
            if let Some(last) = memory.pieces.get_mut(&(length / PIECE)) {
                last[(length % PIECE) as usize..].fill(0);
            }
        });
    }
}

/// The pieces that a range of bytes lies in: the number of each, where the range begins in it, and which part of the range
/// that is.
fn pieces(
    offset: u64,
    length: usize,
) -> impl Iterator<Item = (u64, usize, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        if done == length {
            return None;
        }
        let at = offset + done as u64;
        let within = (at % PIECE) as usize;
        let start = done;
        done = length.min(start + PIECE as usize - within);
        Some((at / PIECE, within, start..done))
    })
}

/// The layer for redb to repair. The reader has locked the file.
#[derive(Debug)]
struct Writable<F>(Arc<Layer<F>>);

impl<F: StorageBackend> StorageBackend for Writable<F> {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.length())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }
}

#[cfg(test)]
mod tests {
    use redb::backends::InMemoryBackend;

    use super::*;

    #[test]
    fn the_layer_is_a_file_of_its_own() {
        const LENGTH: u64 = 20_000;
        let mut rng = 1_u64;
        let mut below = |end: u64| {
            rng ^= rng << 13;
            rng ^= rng >> 7;
            rng ^= rng << 17;
            rng % end
        };
        let file = InMemoryBackend::new();
        file.set_len(LENGTH).unwrap();
        let original: Vec<u8> = (0..LENGTH).map(|place| place as u8 | 1).collect();
        file.write(0, &original).unwrap();
        let layer = Layer {
            file,
            memory: RwLock::new(Memory {
                length: LENGTH,
                of_file: LENGTH,
                pieces: BTreeMap::new(),
            }),
        };
        let mut expected = original.clone();
        for round in 0..3_000 {
            if below(5) == 0 {
                let length = below(2 * LENGTH) + 1;
                layer.set_len(length);
                expected.resize(length as usize, 0);
            } else {
                let start = below(expected.len() as u64);
                let data = vec![round as u8; below(10_000) as usize];
                let data = &data[..data.len().min(expected.len() - start as usize)];
                layer.write(start, data).unwrap();
                expected[start as usize..][..data.len()].copy_from_slice(data);
            }
            let start = below(expected.len() as u64) as usize;
            let mut read = vec![0; expected.len() - start];
            layer.read(start as u64, &mut read).unwrap();
            assert!(read == expected[start..], "round {round}");
            assert!(layer.read(start as u64 + 1, &mut read).is_err() || read.is_empty());
        }
        let mut unchanged = vec![0; LENGTH as usize];
        layer.file.read(0, &mut unchanged).unwrap();
        assert!(unchanged == original);
    }
}
