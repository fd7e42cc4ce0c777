//! The driver's functions with errors as values.
//!
//! ```python
//! model.cuda()        # "out of memory" is a sentence, not the number 2
//! ```
//!
//! One function each, in the order of [`crate::sys`]. Owns nothing: whoever asks for a stream
//! gives it back.
#![allow(unsafe_code, reason = "calls into the driver")]

use std::ffi::{CStr, c_int};
use std::fmt;
use std::ptr::null_mut;

use crate::sys::{self, Address, Code, Context, DeviceId, Event, Functions, Stream};

/// What the driver refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CudaError {
    /// The driver's number: 2 is memory, 900 and above are about graphs that are being captured.
    pub code: Code,
    /// What was asked of it.
    pub what: &'static str,
    /// In its words.
    pub text: String,
}

impl fmt::Display for CudaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, what, text } = self;
        write!(f, "CUDA cannot {what}: {text} ({code})")
    }
}

impl std::error::Error for CudaError {}

type Outcome<T> = Result<T, CudaError>;

macro_rules! call {
    ($self:ident, $what:literal, $function:ident($($argument:expr),*)) => {{
        // SAFETY: the arguments are of the types that the driver's reference gives; handles come from
        // the driver, and out pointers are of locals that outlive the call. What further must hold
        // is the caller's promise.
        let code = unsafe { ($self.$function)($($argument),*) };
        $self.checked($what, code)
    }};
}

impl Functions {
    fn checked(&self, what: &'static str, code: Code) -> Outcome<()> {
        if code == 0 {
            return Ok(());
        }
        let mut text = std::ptr::null();
        // SAFETY: as in `call`; what it gives is text of the driver that is never freed
        let known = unsafe { (self.error_text)(code, &raw mut text) } == 0 && !text.is_null();
        let text = if known {
            // SAFETY: see above
            unsafe { CStr::from_ptr(text) }
                .to_string_lossy()
                .into_owned()
        } else {
            "unknown error".to_owned()
        };
        Err(CudaError { code, what, text })
    }

    /// Starts the driver.
    pub(crate) fn start(&self) -> Outcome<()> {
        call!(self, "start", init(0))
    }

    /// The context that frameworks use on a device.
    pub(crate) fn context_of(&self, ordinal: i32) -> Outcome<Context> {
        let mut device: DeviceId = 0;
        call!(
            self,
            "find the device",
            device_get(&raw mut device, ordinal)
        )?;
        let mut context = null_mut();
        call!(
            self,
            "open the device",
            primary_context(&raw mut context, device)
        )?;
        Ok(context)
    }

    /// Makes a context the current one of this thread.
    pub(crate) fn push(&self, context: Context) -> Outcome<()> {
        call!(self, "use the device", context_push(context))
    }

    /// Makes the one before it current again.
    pub(crate) fn pop(&self) -> Outcome<()> {
        let mut context = null_mut();
        call!(self, "leave the device", context_pop(&raw mut context))
    }

    /// `event`: all that was submitted to a context so far is done.
    pub(crate) fn record_all(&self, context: Context, event: Event) -> Outcome<()> {
        call!(self, "mark its work", context_record(context, event))
    }

    /// All that is submitted to a context from now on waits for `event`.
    pub(crate) fn hold_all(&self, context: Context, event: Event) -> Outcome<()> {
        call!(self, "order its work", context_wait(context, event))
    }

    /// Waits until the current context has nothing to do.
    pub(crate) fn wait_for_all(&self) -> Outcome<()> {
        call!(self, "finish its work", context_synchronize())
    }

    /// Free bytes of the current device.
    pub(crate) fn free_bytes(&self) -> Outcome<u64> {
        let (mut free, mut total) = (0, 0);
        call!(
            self,
            "tell its memory",
            memory_info(&raw mut free, &raw mut total)
        )?;
        Ok(free as u64)
    }

    /// A stream that has no implied order with others.
    pub(crate) fn new_stream(&self) -> Outcome<Stream> {
        let mut stream = null_mut();
        let flags = sys::STREAM_NON_BLOCKING;
        call!(self, "make a stream", stream_create(&raw mut stream, flags))?;
        Ok(stream)
    }

    /// What is submitted to a stream from now on waits for `event`.
    pub(crate) fn hold(&self, stream: Stream, event: Event) -> Outcome<()> {
        call!(self, "order its work", stream_wait(stream, event, 0))
    }

    /// How calls of this thread count for graphs that are being captured; gives what was before.
    pub(crate) fn capture_as(&self, mut mode: c_int) -> Outcome<c_int> {
        call!(self, "leave graphs alone", capture_mode(&raw mut mode))?;
        Ok(mode)
    }

    /// An event that costs no processor time to wait for.
    pub(crate) fn new_event(&self) -> Outcome<Event> {
        let mut event = null_mut();
        let flags = sys::EVENT_BLOCKING_SYNC | sys::EVENT_DISABLE_TIMING;
        call!(self, "make an event", event_create(&raw mut event, flags))?;
        Ok(event)
    }

    /// `event`: all that was submitted to a stream so far is done.
    pub(crate) fn record(&self, event: Event, stream: Stream) -> Outcome<()> {
        call!(self, "mark its work", event_record(event, stream))
    }

    /// Waits for an event.
    pub(crate) fn wait(&self, event: Event) -> Outcome<()> {
        call!(self, "finish a copy", event_synchronize(event))
    }

    /// Gives an event back.
    pub(crate) fn drop_event(&self, event: Event) -> Outcome<()> {
        call!(self, "give back an event", event_destroy(event))
    }

    /// Memory of the current device, from the moment in which `stream` gets there.
    pub(crate) fn alloc_in(&self, stream: Stream, bytes: usize) -> Outcome<Address> {
        let mut address = 0;
        call!(
            self,
            "give memory of the device",
            alloc(&raw mut address, bytes, stream)
        )?;
        Ok(address)
    }

    /// Gives it back in the order of `stream`.
    pub(crate) fn free_in(&self, stream: Stream, address: Address) -> Outcome<()> {
        call!(self, "take memory back", free(address, stream))
    }

    /// A copy on the device. Both ranges are there and stay until it is done.
    pub(crate) fn copy_on_device(
        &self,
        to: Address,
        from: Address,
        bytes: usize,
        stream: Stream,
    ) -> Outcome<()> {
        call!(
            self,
            "copy on the device",
            copy_within(to, from, bytes, stream)
        )
    }

    /// A copy from the device. `to` must live, and nobody else look at it, until the stream has got
    /// there.
    pub(crate) fn fetch(
        &self,
        to: *mut u8,
        from: Address,
        bytes: usize,
        stream: Stream,
    ) -> Outcome<()> {
        call!(
            self,
            "copy from the device",
            copy_to_host(to.cast(), from, bytes, stream)
        )
    }

    /// A copy to the device. `from` must live until the stream has got there.
    pub(crate) fn send(&self, to: Address, from: &[u8], stream: Stream) -> Outcome<()> {
        call!(
            self,
            "copy to the device",
            copy_to_device(to, from.as_ptr().cast(), from.len(), stream)
        )
    }

    /// Locks pages in memory, so that the device reaches them by itself.
    pub(crate) fn lock_pages(&self, start: *mut u8, bytes: usize) -> Outcome<()> {
        let flags = sys::HOST_REGISTER_PORTABLE;
        call!(
            self,
            "lock memory",
            host_register(start.cast(), bytes, flags)
        )
    }

    /// Unlocks them.
    pub(crate) fn unlock_pages(&self, start: *mut u8) -> Outcome<()> {
        call!(self, "unlock memory", host_unregister(start.cast()))
    }
}
