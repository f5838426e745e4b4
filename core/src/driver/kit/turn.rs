//! One writer at a time: whose turn it is. Core waits for it above the driver.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::driver::{DriverError, ErrorKind, Result};

/// Whether nothing could end another writer while this thread waits.
const SINGLE_THREADED: bool = cfg!(all(target_family = "wasm", not(target_feature = "atomics")));

/// How long a waiter may see others go first. Until then, the first to ask when the turn is free gets it, which spares
/// a switch of threads for each transaction.
const PATIENCE: Duration = Duration::from_millis(1);

/// The line of the writers of one database.
#[derive(Default)]
pub struct Turns {
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    /// The thread that began the open writer.
    holder: Option<ThreadNumber>,
    /// Those that wait, in the order in which they came.
    waiting: VecDeque<Waiter>,
    closed: bool,
}

struct Waiter {
    thread: ThreadNumber,
    since: Instant,
    woken: Arc<Condvar>,
}

/// The right to write. Dropping it, on any thread, gives it on.
pub struct Turn(Arc<Turns>);

/// Tells threads apart, for the life of the process: unlike an address, it is not used again.
#[derive(Clone, Copy, PartialEq, Eq)]
struct ThreadNumber(usize);

impl ThreadNumber {
    #[inline]
    fn current() -> Self {
        thread_local! {
            static NUMBER: Cell<usize> = const { Cell::new(0) };
        }
        NUMBER.with(|number| {
            if number.get() == 0 {
                static LAST: AtomicUsize = AtomicUsize::new(0);
                number.set(LAST.fetch_add(1, Ordering::Relaxed) + 1);
            }
            Self(number.get())
        })
    }
}

impl Turns {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the turn; waits for it at most `timeout`.
    ///
    /// # Errors
    /// - [`Conflict`](ErrorKind::Conflict): this thread began the open writer and would wait for itself, or `timeout` has
    ///   passed.
    /// - [`Closed`](ErrorKind::Closed): the store was closed meanwhile.
    #[inline]
    pub(in crate::driver) fn take(self: &Arc<Self>, timeout: Duration) -> Result<Turn> {
        let mut line = self.line();
        let thread = ThreadNumber::current();
        if line.holder.is_some() {
            self.wait(line, thread, timeout)?;
        } else {
            line.holder = Some(thread);
        }
        Ok(Turn(Arc::clone(self)))
    }

    /// Takes the turn if nobody has it.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict): a writer is open.
    pub fn try_take(self: &Arc<Self>) -> Result<Turn> {
        let mut line = self.line();
        if line.holder.is_some() {
            return Err(conflict(
                "another write transaction is open; try again later, or begin one that waits",
            ));
        }
        line.holder = Some(ThreadNumber::current());
        Ok(Turn(Arc::clone(self)))
    }

    #[cold]
    fn wait(
        &self,
        mut line: MutexGuard<'_, Line>,
        thread: ThreadNumber,
        timeout: Duration,
    ) -> Result<()> {
        if SINGLE_THREADED || line.holder == Some(thread) {
            return Err(conflict(
                "this thread began a write transaction that is still open, and would wait for itself; write through that \
                 one, or commit or drop it first",
            ));
        }
        let since = Instant::now();
        let woken = Arc::new(Condvar::new());
        line.waiting.push_back(Waiter {
            thread,
            since,
            woken: Arc::clone(&woken),
        });
        loop {
            let Some(place) = line.place(&woken) else {
                // The turn was given to this waiter.
                return Ok(());
            };
            let waited = since.elapsed();
            if line.closed || line.holder.is_none() || waited >= timeout {
                line.waiting.remove(place);
            }
            if line.closed {
                return Err(is_closed());
            }
            if line.holder.is_none() {
                line.holder = Some(thread);
                return Ok(());
            }
            if waited >= timeout {
                return Err(busy(timeout));
            }
            let rest = timeout - waited;
            let result = woken.wait_timeout(line, rest);
            line = result.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Lets nobody wait any more.
    pub(in crate::driver) fn close(&self) {
        let mut line = self.line();
        line.closed = true;
        line.waiting
            .iter()
            .for_each(|waiter| waiter.woken.notify_one());
    }
}

impl Line {
    /// Where in the line a waiter stands, unless the turn was given to it.
    fn place(&self, woken: &Arc<Condvar>) -> Option<usize> {
        self.waiting
            .iter()
            .position(|waiter| Arc::ptr_eq(&waiter.woken, woken))
    }

    #[cold]
    fn pass_on(&mut self) {
        if let Some(first) = self.waiting.front() {
            first.woken.notify_one();
            if first.since.elapsed() >= PATIENCE {
                self.holder = self.waiting.pop_front().map(|first| first.thread);
            }
        }
    }
}

impl Drop for Turn {
    #[inline]
    fn drop(&mut self) {
        let mut line = self.0.line();
        line.holder = None;
        if !line.waiting.is_empty() {
            line.pass_on();
        }
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Turns")
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Turn")
    }
}

#[cold]
pub(in crate::driver) fn is_closed() -> DriverError {
    DriverError::new(ErrorKind::Closed, "the store was closed; open it again")
}

#[cold]
fn conflict(message: &'static str) -> DriverError {
    DriverError::new(ErrorKind::Conflict, message)
}

#[cold]
fn busy(timeout: Duration) -> DriverError {
    DriverError::new(
        ErrorKind::Conflict,
        format!(
            "another write transaction was open for all of the {timeout:?} that `busy_timeout` lets this one wait; end \
             that one sooner, or raise `busy_timeout`"
        ),
    )
}
