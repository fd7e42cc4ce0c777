//! What is done on a device, in an order that no other work can disturb.
//!
//! ```python
//! opt.step()              # already submitted: done before the copy
//! florc.carry(ID, model)
//! opt.step()              # submitted later, on whatever stream: done after it
//! ```
//!
//! A snapshot is put aside on the device: all work of the device so far comes first, all later
//! work waits for the copy within the device (about a millisecond a gigabyte), the program for nothing.
//! The bytes are fetched later, by whichever thread wants them. No statement that writes has to be
//! known for that, and none can tear a snapshot. Decides nothing about when to copy.
#![allow(unsafe_code, reason = "handles of the driver are sent between threads")]

use std::ffi::c_int;

use crate::result::CudaError;
use crate::sys::{Address, CAPTURE_MODE_RELAXED, Context, Event, Functions, Stream};

/// Where a storage may begin in what was put aside.
const ALIGNMENT: usize = 256;

/// Of the memory that nobody uses, a snapshot takes at most this part: the training may need
/// more in a moment.
const SHARE: u64 = 2;

/// Of the memory of the host, at most this part is locked for one snapshot.
const LOCKED_SHARE: u64 = 4;

/// So much is fetched or locked at once: two pieces are on their way at most, and what the program submits meanwhile waits
/// for no more. No copy crosses an address of the host that is a multiple of it: what the driver
/// was told of as one is one.
const PIECE: usize = 32 << 20;

/// Memory on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// Of the first byte.
    pub address: Address,
    /// How many.
    pub bytes: usize,
}

/// A device, and a stream of our own on it.
#[derive(Debug)]
pub struct Device {
    driver: &'static Functions,
    context: Context,
    stream: Stream,
}

// SAFETY: the driver allows its handles to be used by any thread
unsafe impl Send for Device {}
// SAFETY: see above
unsafe impl Sync for Device {}

impl Device {
    /// The device with this number.
    pub(crate) fn open(driver: &'static Functions, ordinal: i32) -> Result<Self, CudaError> {
        let context = driver.context_of(ordinal)?;
        let entered = Entered::new(driver, context)?;
        let stream = driver.new_stream()?;
        drop(entered);
        Ok(Self {
            driver,
            context,
            stream,
        })
    }

    fn enter(&self) -> Result<Entered, CudaError> {
        Entered::new(self.driver, self.context)
    }

    /// Puts memory aside, as it is after all work submitted so far. `None`: that would leave the
    /// training too little memory. The sources must stay where they are until all work submitted
    /// so far is done.
    pub fn stage(&'static self, sources: &[Source]) -> Result<Option<Staged>, CudaError> {
        let _entered = self.enter()?;
        let (offsets, bytes) = layout(sources);
        if bytes == 0 || bytes as u64 > self.driver.free_bytes()? / SHARE {
            return Ok(None);
        }
        let done = EventGuard::new(self.driver)?;
        let address = match self.driver.alloc_in(self.stream, bytes) {
            Ok(address) => address,
            Err(error) if error.code == OUT_OF_MEMORY => return Ok(None),
            Err(error) => return Err(error),
        };
        let staged = Staged {
            device: self,
            address,
            places: offsets
                .into_iter()
                .zip(sources.iter().map(|it| it.bytes))
                .collect(),
        };
        self.after_all(&done)?;
        for ((offset, _), source) in staged.places.iter().zip(sources) {
            if source.bytes > 0 {
                let to = address + *offset as u64;
                self.driver
                    .copy_on_device(to, source.address, source.bytes, self.stream)?;
            }
        }
        self.before_all(&done)?;
        Ok(Some(staged))
    }

    /// What is submitted to our stream from now on comes after all work of the device so far.
    fn after_all(&self, event: &EventGuard) -> Result<(), CudaError> {
        self.driver.record_all(self.context, event.event)?;
        self.driver.hold(self.stream, event.event)
    }

    /// All work of the device from now on comes after what was submitted to our stream so far.
    fn before_all(&self, event: &EventGuard) -> Result<(), CudaError> {
        self.driver.record(event.event, self.stream)?;
        self.driver.hold_all(self.context, event.event)
    }

    /// Fills each buffer with the bytes at the source beside it, once all work of the device is
    /// done, and waits for that. Where lengths differ the shorter counts.
    pub fn read(&self, wanted: &mut [(Source, &mut [u8])]) -> Result<(), CudaError> {
        let _entered = self.enter()?;
        self.driver.wait_for_all()?;
        let pairs = wanted.iter_mut();
        self.fetch(pairs.map(|(source, buffer)| (*source, &mut **buffer)))
    }

    /// Overwrites memory of the device once all its work is done, and waits for that.
    pub fn write(&self, to: Address, bytes: &[u8]) -> Result<(), CudaError> {
        let _entered = self.enter()?;
        self.driver.wait_for_all()?;
        let sent = self.driver.send(to, bytes, self.stream);
        self.wait().and(sent)
    }

    /// Fills buffers and waits for that.
    fn fetch<'b>(
        &self,
        mut wanted: impl Iterator<Item = (Source, &'b mut [u8])>,
    ) -> Result<(), CudaError> {
        let mut under_way = UnderWay::new(self);
        let fetched = wanted.try_for_each(|(source, buffer)| {
            let bytes = source.bytes.min(buffer.len());
            let mut from = source.address;
            for piece in pieces(&mut buffer[..bytes]) {
                under_way.make_room(piece.len())?;
                self.driver
                    .fetch(piece.as_mut_ptr(), from, piece.len(), self.stream)?;
                from += piece.len() as u64;
            }
            Ok(())
        });
        // also after a failure: the buffers must not be written to any more
        self.wait().and(fetched)
    }

    /// What our stream has been given so far.
    fn mark(&self) -> Result<EventGuard, CudaError> {
        let event = EventGuard::new(self.driver)?;
        self.driver.record(event.event, self.stream)?;
        Ok(event)
    }

    /// Waits for our stream; where that fails, for the device.
    fn wait(&self) -> Result<(), CudaError> {
        let waited = self.mark().and_then(|mark| self.driver.wait(mark.event));
        waited.or_else(|error| self.driver.wait_for_all().and(Err(error)))
    }

    /// Locks memory of the host in its place, so that copies to it are as fast as the bus. `None`: the
    /// system does not allow it; copies are slower then.
    pub fn lock(&self, memory: &mut [u8]) -> Option<Locked> {
        let machine = rustix::system::sysinfo();
        let all = machine.totalram.saturating_mul(machine.mem_unit.into());
        if memory.len() as u64 > all / LOCKED_SHARE {
            return None;
        }
        let _entered = self.enter().ok()?;
        let mut locked = Locked {
            driver: self.driver,
            context: self.context,
            starts: Vec::new(),
        };
        for piece in pieces(memory) {
            let start = piece.as_mut_ptr();
            self.driver.lock_pages(start, piece.len()).ok()?;
            locked.starts.push(start);
        }
        Some(locked)
    }
}

/// Parts of memory of the host that lie between multiples of [`PIECE`].
fn pieces(mut memory: &mut [u8]) -> impl Iterator<Item = &mut [u8]> {
    std::iter::from_fn(move || {
        if memory.is_empty() {
            return None;
        }
        let room = PIECE - memory.as_ptr() as usize % PIECE;
        let bytes = room.min(memory.len());
        let (piece, rest) = std::mem::take(&mut memory).split_at_mut(bytes);
        memory = rest;
        Some(piece)
    })
}

/// Copies that may not be done yet.
struct UnderWay<'a> {
    device: &'a Device,
    /// Bytes since the last mark.
    bytes: usize,
    mark: Option<EventGuard>,
}

impl<'a> UnderWay<'a> {
    fn new(device: &'a Device) -> Self {
        Self {
            device,
            bytes: 0,
            mark: None,
        }
    }

    /// Waits until so many more bytes leave no more than two pieces under way.
    fn make_room(&mut self, bytes: usize) -> Result<(), CudaError> {
        if self.bytes + bytes > PIECE {
            let before = self.mark.replace(self.device.mark()?);
            self.bytes = 0;
            if let Some(before) = before {
                self.device.driver.wait(before.event)?;
            }
        }
        self.bytes += bytes;
        Ok(())
    }
}

/// `CUDA_ERROR_OUT_OF_MEMORY`.
const OUT_OF_MEMORY: i32 = 2;

/// Offset of each source, and bytes of all.
fn layout(sources: &[Source]) -> (Vec<usize>, usize) {
    let mut end = 0_usize;
    let offsets = sources.iter().map(|source| {
        let start = end.next_multiple_of(ALIGNMENT);
        end = start + source.bytes;
        start
    });
    let offsets = offsets.collect();
    (offsets, end)
}

/// A snapshot that lies on the device.
#[derive(Debug)]
pub struct Staged {
    device: &'static Device,
    address: Address,
    /// Offset and bytes of each source.
    places: Vec<(usize, usize)>,
}

impl Staged {
    /// Fetches what was put aside, source by source, and gives the memory of the device back. Waits for
    /// the copies; the device goes on with its work meanwhile. Graphs that the program captures
    /// at the same time are not disturbed.
    pub fn fetch<'b>(
        self,
        buffers: impl IntoIterator<Item = &'b mut [u8]>,
    ) -> Result<(), CudaError> {
        let device = self.device;
        let _entered = device.enter()?;
        let sources = self.places.iter().map(|(offset, bytes)| Source {
            address: self.address + *offset as u64,
            bytes: *bytes,
        });
        device.fetch(sources.zip(buffers))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // in the order of our stream: after whatever still reads it
        if let Ok(_entered) = self.device.enter() {
            let _ = self.device.driver.free_in(self.device.stream, self.address);
        }
    }
}

/// Memory of the host that is locked in its place. Must go before the memory does.
#[derive(Debug)]
pub struct Locked {
    driver: &'static Functions,
    context: Context,
    /// Of the pieces.
    starts: Vec<*mut u8>,
}

// SAFETY: the addresses are only given back to the driver
unsafe impl Send for Locked {}
// SAFETY: see above
unsafe impl Sync for Locked {}

impl Drop for Locked {
    fn drop(&mut self) {
        if let Ok(_entered) = Entered::new(self.driver, self.context) {
            for start in &self.starts {
                let _ = self.driver.unlock_pages(*start);
            }
        }
    }
}

/// While it lives, the context is the current one of the thread, and nothing that the thread does breaks graphs that
/// other threads capture.
struct Entered {
    driver: &'static Functions,
    /// How its calls counted before.
    before: c_int,
}

impl Entered {
    fn new(driver: &'static Functions, context: Context) -> Result<Self, CudaError> {
        driver.push(context)?;
        match driver.capture_as(CAPTURE_MODE_RELAXED) {
            Ok(before) => Ok(Self { driver, before }),
            Err(error) => driver.pop().and(Err(error)),
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let _ = self.driver.capture_as(self.before);
        let _ = self.driver.pop();
    }
}

/// An event; the driver keeps it until nothing waits for it.
struct EventGuard {
    driver: &'static Functions,
    event: Event,
}

impl EventGuard {
    fn new(driver: &'static Functions) -> Result<Self, CudaError> {
        let event = driver.new_event()?;
        Ok(Self { driver, event })
    }
}

impl Drop for EventGuard {
    fn drop(&mut self) {
        let _ = self.driver.drop_event(self.event);
    }
}
