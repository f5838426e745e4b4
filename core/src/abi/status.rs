//! Status codes, and the text that goes with one: written on the driver's side, read on the host's.

use std::cell::{Cell, UnsafeCell};
use std::error::Error as StdError;
use std::fmt;
use std::ptr;

use super::layout::{ABSENT, ErrorBuffer, OK};
use crate::driver::{DriverError, ErrorKind, Result};

/// The room that this library gives a driver for its message, in bytes.
pub(super) const CAPACITY: usize = 1024;

/// Writes an error's text to the host's buffer; gives its status.
///
/// # Safety
/// `buffer` is null or points to an [`ErrorBuffer`] of the `size` that it states, whose `message` is null or has room
/// for `capacity` bytes. Nobody else uses either meanwhile.
#[cold]
pub(super) unsafe fn report(buffer: *mut ErrorBuffer, error: &DriverError) -> u32 {
    let status = error.kind().code();
    // SAFETY: the caller vouches for the buffer, and that it is not shared.
    let Some(buffer) = (unsafe { buffer.as_mut() }) else {
        return status;
    };
    if buffer.size < size_of::<ErrorBuffer>() {
        return status;
    }
    let text = text(error);
    buffer.length = text.len();
    let fits = text.len().min(buffer.capacity);
    if fits > 0 && !buffer.message.is_null() {
        // SAFETY: the message has room for `capacity` bytes, which `fits` does not exceed; the text is memory of our
        // own and does not overlap.
        unsafe {
            buffer.message.copy_from_nonoverlapping(text.as_ptr(), fits);
        };
    }
    status
}

/// The message, then each cause that says something new, separated by NUL.
fn text(error: &DriverError) -> String {
    let mut text = error.message().to_owned();
    let mut last = text.clone();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if message != last {
            text.push('\0');
            text.push_str(&message);
            last = message;
        }
        cause = error.source();
    }
    text
}

/// A thread's room for a driver's message. It holds zeros and what drivers wrote, as one may state a longer message than
/// it writes, and to clear it before each call would cost more than most calls.
struct Room {
    is_taken: Cell<bool>,
    message: UnsafeCell<[u8; CAPACITY]>,
}

thread_local! {
    static ROOM: Room = const {
        Room {
            is_taken: Cell::new(false),
            message: UnsafeCell::new([0; CAPACITY]),
        }
    };
}

/// Calls a driver's function with room for its message; `true` is [`OK`] and `false` [`ABSENT`].
#[inline(always)]
pub(super) fn call(run: impl FnOnce(*mut ErrorBuffer) -> u32) -> Result<bool> {
    let room = ROOM.with(ptr::from_ref);
    // SAFETY: a thread's room is there for as long as the thread, as nothing is done when it is dropped.
    let room = unsafe { &*room };
    // A visitor of another call may make one of its own.
    let is_within = room.is_taken.replace(true);
    let mut own = None;
    let message = if is_within {
        new_message(&mut own)
    } else {
        room.message.get()
    };
    let mut buffer = ErrorBuffer {
        size: size_of::<ErrorBuffer>(),
        message: message.cast(),
        capacity: CAPACITY,
        length: 0,
    };
    let status = run(&raw mut buffer);
    room.is_taken.set(is_within);
    match status {
        OK => Ok(true),
        ABSENT => Ok(false),
        status => {
            // SAFETY: it lives on, and the driver's function, which alone could use it, has returned.
            let message = unsafe { &mut *message };
            Err(received(status, message, buffer.length))
        }
    }
}

#[cold]
fn new_message(own: &mut Option<Box<[u8; CAPACITY]>>) -> *mut [u8; CAPACITY] {
    ptr::from_mut(own.insert(Box::new([0; CAPACITY])))
}

/// As [`call`], for a function whose value cannot be absent.
#[inline(always)]
pub(super) fn call_done(
    function: &'static str,
    run: impl FnOnce(*mut ErrorBuffer) -> u32,
) -> Result<()> {
    if call(run)? {
        Ok(())
    } else {
        Err(broken(
            function,
            "says `absent`, which has no meaning there",
        ))
    }
}

/// The error for an answer that the ABI does not allow.
#[cold]
pub(super) fn broken(function: &'static str, what: &'static str) -> DriverError {
    DriverError::new(
        ErrorKind::Internal,
        format!("the driver's `{function}` {what}; report this to the driver's author"),
    )
}

#[cold]
fn received(status: u32, message: &mut [u8; CAPACITY], length: usize) -> DriverError {
    let written = &message[..length.min(CAPACITY)];
    // What a driver states and does not write is zeros, of which none is a cause.
    let end = written
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    let written = &written[..end];
    let mut parts = String::from_utf8_lossy(written).into_owned();
    message.fill(0);
    if length > CAPACITY {
        parts.push_str(&format!("… ({length} bytes)"));
    }
    let mut parts = parts.split('\0').map(str::to_owned);
    let message = parts.next().filter(|message| !message.is_empty());
    let cause = parts
        .rev()
        .fold(None, |source: Option<Box<Cause>>, message| {
            Some(Box::new(Cause { message, source }))
        });
    let error = match ErrorKind::from_code(status) {
        Some(kind) => DriverError::new(
            kind,
            message.unwrap_or_else(|| format!("the driver reports `{kind}` and says no more")),
        ),
        None => DriverError::new(
            ErrorKind::Internal,
            format!(
                "the driver returned status {status}, which this library does not know: {}",
                message.as_deref().unwrap_or("it says no more")
            ),
        ),
    };
    match cause {
        Some(cause) => error.with_source(cause as Box<dyn StdError + Send + Sync>),
        None => error,
    }
}

/// An engine's error as far as it crosses the ABI: its text.
#[derive(Debug)]
struct Cause {
    message: String,
    source: Option<Box<Self>>,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|cause| cause as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cross(error: &DriverError) -> DriverError {
        // SAFETY: `call` makes a buffer as it has to be.
        call(|buffer| unsafe { report(buffer, error) }).unwrap_err()
    }

    #[test]
    fn kind_message_and_causes_cross() {
        let engine = DriverError::new(ErrorKind::Io, "cannot write")
            .with_source(std::io::Error::other("disk on fire"));
        let error =
            cross(&DriverError::new(ErrorKind::Corrupt, "page 7 is torn").with_source(engine));
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert_eq!(error.message(), "page 7 is torn");
        let cause = error.source().unwrap();
        assert_eq!(cause.to_string(), "cannot write");
        assert_eq!(cause.source().unwrap().to_string(), "disk on fire");
        assert!(cause.source().unwrap().source().is_none());
    }

    #[test]
    fn a_cause_that_repeats_its_error_is_left_out() {
        let error = cross(&DriverError::from_engine(
            ErrorKind::Io,
            std::io::Error::other("disk on fire"),
        ));
        assert_eq!(error.message(), "disk on fire");
        assert!(error.source().is_none());
    }

    #[test]
    fn a_text_longer_than_the_buffer_is_cut_and_its_length_told() {
        let error = cross(&DriverError::new(ErrorKind::Io, "é".repeat(CAPACITY)));
        assert!(error.message().ends_with("é… (2048 bytes)"));
    }

    #[test]
    fn of_a_text_that_is_stated_and_not_written_nothing_is_shown() {
        for length in [1, CAPACITY, CAPACITY + 1, usize::MAX] {
            cross(&DriverError::new(ErrorKind::Io, "é".repeat(CAPACITY)));
            let error = call(|buffer| {
                // SAFETY: `call` hands over a buffer that lives and is not shared.
                unsafe { (*buffer).length = length };
                ErrorKind::Io.code()
            })
            .unwrap_err();
            assert!(!error.message().contains('é'), "{error}");
            assert!(error.message().len() < 100, "{error}");
        }
    }

    #[test]
    fn a_call_within_a_call_has_a_text_of_its_own() {
        let outer = call(|buffer| {
            let outer = DriverError::new(ErrorKind::Io, "the outer one");
            // SAFETY: `call` hands over a buffer that lives and is not shared.
            let status = unsafe { report(buffer, &outer) };
            let inner = cross(&DriverError::new(ErrorKind::Corrupt, "the inner one"));
            assert_eq!(inner.message(), "the inner one");
            status
        });
        assert_eq!(outer.unwrap_err().message(), "the outer one");
        assert_eq!(
            cross(&DriverError::new(ErrorKind::Io, "later")).message(),
            "later"
        );
    }

    #[test]
    fn text_that_is_no_text_is_shown_as_far_as_it_can_be() {
        let error = call(|buffer| {
            // SAFETY: `call` hands over a buffer that lives and is not shared.
            let buffer = unsafe { &mut *buffer };
            // SAFETY: there is room for 1024 bytes.
            unsafe { buffer.message.write(0xFF) };
            buffer.length = 1;
            ErrorKind::Locked.code()
        })
        .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Locked);
        assert_eq!(error.message(), "\u{FFFD}");
    }

    #[test]
    fn a_status_that_nobody_knows_is_an_internal_error() {
        let error = call(|_| 999).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(error.message().contains("999"));
    }

    #[test]
    fn a_driver_without_a_buffer_still_gives_its_status() {
        let error = DriverError::new(ErrorKind::Io, "nobody reads this");
        // SAFETY: null is allowed.
        let status = unsafe { report(std::ptr::null_mut(), &error) };
        assert_eq!(status, ErrorKind::Io.code());
    }
}
