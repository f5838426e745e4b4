//! Status codes, and the text that goes with one: written on the driver's side, read on the host's.

use std::error::Error as StdError;
use std::fmt;
use std::mem::MaybeUninit;
use std::slice;

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

/// Calls a driver's function with room for its message; `true` is [`OK`] and `false` [`ABSENT`].
#[inline(always)]
pub(super) fn call(run: impl FnOnce(*mut ErrorBuffer) -> u32) -> Result<bool> {
    let mut message = [MaybeUninit::<u8>::uninit(); CAPACITY];
    let mut buffer = ErrorBuffer {
        size: size_of::<ErrorBuffer>(),
        message: message.as_mut_ptr().cast(),
        capacity: CAPACITY,
        length: 0,
    };
    match run(&raw mut buffer) {
        OK => Ok(true),
        ABSENT => Ok(false),
        status => Err(received(status, &message, buffer.length)),
    }
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
fn received(status: u32, message: &[MaybeUninit<u8>; CAPACITY], length: usize) -> DriverError {
    // SAFETY: the ABI binds the driver to have written the first `length` bytes, or all where it says more; bytes are
    // valid whatever they hold, and the array lives on.
    let written =
        unsafe { slice::from_raw_parts(message.as_ptr().cast::<u8>(), length.min(CAPACITY)) };
    let mut parts = String::from_utf8_lossy(written).into_owned();
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
                "the driver answers with status {status}, which this library does not know: {}",
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
