//! A driver without a device: does what it is asked as late and in as odd an order as the rules
//! allow, and fails where it is told to.
//!
//! ```python
//! a = torch.ones(4, device="cuda"); s.wait_event(e)     # queues of work, and waits between them
//! ```
//!
//! Work runs only while somebody waits, one step of a stream at a time, and which stream's is
//! drawn. Wrong use is noted in [`Machine::broken`]. A machine is found by its number, so that
//! tests do not meet. Knows the functions of [`crate::sys`] alone.
#![allow(unsafe_code, reason = "plays the foreign side")]

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::ffi::{c_char, c_int, c_uint, c_void};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::sys::{self, Address, Code, Context, DeviceId, Event, Functions, Stream};

const REFUSED: Code = 1;

/// A moment: so many steps of each stream are done.
type Moment = BTreeMap<usize, u64>;

enum Step {
    Wait(Moment),
    Kernel(Box<dyn FnOnce(&mut Memory) + Send>),
}

/// Memory of a machine by first address.
#[derive(Default)]
pub(crate) struct Memory {
    blocks: BTreeMap<Address, Vec<u8>>,
    broken: Vec<String>,
}

#[derive(Default)]
struct Queue {
    steps: VecDeque<Step>,
    submitted: u64,
    done: u64,
}

#[derive(Default)]
pub(crate) struct Machine {
    memory: Memory,
    queues: BTreeMap<usize, Queue>,
    events: BTreeMap<usize, Moment>,
    /// What streams that do not exist yet will have to wait for.
    held: Vec<Moment>,
    next: usize,
    random: u64,
    /// Bytes that are free.
    pub(crate) free: usize,
    pub(crate) locked: BTreeMap<usize, usize>,
    /// Calls of a function that still succeed, by name.
    pub(crate) failing: BTreeMap<&'static str, u32>,
}

static MACHINES: Mutex<BTreeMap<usize, Machine>> = Mutex::new(BTreeMap::new());

thread_local! {
    static CURRENT: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    /// How calls of the thread count for graphs that are being captured; 0: they break them.
    static MODE: Cell<c_int> = const { Cell::new(0) };
}

fn machines() -> MutexGuard<'static, BTreeMap<usize, Machine>> {
    MACHINES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks at a machine, which is made if it is new. Numbers begin at 1.
#[expect(clippy::cast_sign_loss, reason = "numbers are positive")]
pub(crate) fn on<T>(number: i32, look: impl FnOnce(&mut Machine) -> T) -> T {
    let mut all = machines();
    look(all.entry(number as usize).or_insert_with(|| Machine {
        next: 100,
        free: 1 << 30,
        queues: BTreeMap::from([(DEFAULT, Queue::default())]),
        ..Machine::default()
    }))
}

/// How calls of this thread count for graphs.
pub(crate) fn mode() -> c_int {
    MODE.get()
}

/// The current machine, unless the function is to fail.
fn call(name: &'static str, act: impl FnOnce(&mut Machine) -> Code) -> Code {
    let may_break_graphs = MODE.get() != sys::CAPTURE_MODE_RELAXED && name != "capture_mode";
    let current = CURRENT.with_borrow(|stack| stack.last().copied());
    let mut all = machines();
    let Some(machine) = current.and_then(|it| all.get_mut(&it)) else {
        return 201; // no context
    };
    if may_break_graphs {
        machine
            .memory
            .broken
            .push(format!("{name} may break a graph"));
    }
    match machine.failing.get_mut(name) {
        Some(0) => 2,
        Some(left) => {
            *left -= 1;
            act(machine)
        }
        None => act(machine),
    }
}

impl Memory {
    /// Bytes at an address.
    pub(crate) fn at(&mut self, address: Address, bytes: usize) -> &mut [u8] {
        let block = self.blocks.range_mut(..=address).next_back();
        if let Some((start, block)) = block {
            let from = (address - start) as usize;
            if from + bytes <= block.len() {
                return &mut block[from..from + bytes];
            }
        }
        self.broken
            .push(format!("{bytes} bytes at {address} are not there"));
        Vec::leak(vec![0; bytes])
    }
}

impl Machine {
    /// Memory with this content, from now on.
    pub(crate) fn with(&mut self, content: &[u8]) -> Address {
        self.next += content.len() + 1000;
        let address = self.next as Address;
        self.next += content.len();
        self.memory.blocks.insert(address, content.to_vec());
        address
    }

    /// A stream of the program.
    pub(crate) fn stream(&mut self) -> usize {
        self.next += 1;
        let queue = self.queues.entry(self.next).or_default();
        for moment in &self.held {
            queue.submitted += 1;
            queue.steps.push_back(Step::Wait(moment.clone()));
        }
        self.next
    }

    /// Submits work of the program.
    pub(crate) fn kernel(
        &mut self,
        stream: usize,
        work: impl FnOnce(&mut Memory) + Send + 'static,
    ) {
        self.submit(stream, Step::Kernel(Box::new(work)));
    }

    /// From now on steps are drawn otherwise.
    pub(crate) fn shuffle(&mut self, seed: u64) {
        self.random = seed;
    }

    /// Blocks that are there, and what was done against the rules.
    pub(crate) fn state(&self) -> (usize, &[String]) {
        (self.memory.blocks.len(), &self.memory.broken)
    }

    /// Runs everything.
    pub(crate) fn finish(&mut self) {
        self.run_until(&self.now());
    }

    fn submit(&mut self, stream: usize, step: Step) {
        let queue = self.queues.entry(stream).or_default();
        queue.submitted += 1;
        queue.steps.push_back(step);
    }

    fn now(&self) -> Moment {
        let each = self.queues.iter();
        each.map(|(stream, queue)| (*stream, queue.submitted))
            .collect()
    }

    fn is_past(&self, moment: &Moment) -> bool {
        moment.iter().all(|(stream, steps)| {
            self.queues
                .get(stream)
                .is_some_and(|queue| queue.done >= *steps)
        })
    }

    fn run_until(&mut self, moment: &Moment) {
        while !self.is_past(moment) {
            if !self.step() {
                self.memory.broken.push("all streams wait".to_owned());
                return;
            }
        }
    }

    /// One step of a stream that may go on.
    fn step(&mut self) -> bool {
        let can_go = |(stream, queue): (&usize, &Queue)| match queue.steps.front()? {
            Step::Wait(moment) => self.is_past(moment).then_some(*stream),
            Step::Kernel(_) => Some(*stream),
        };
        let ready: Vec<usize> = self.queues.iter().filter_map(can_go).collect();
        if ready.is_empty() {
            return false;
        }
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let drawn = ready[(self.random >> 33) as usize % ready.len()];
        let Some(queue) = self.queues.get_mut(&drawn) else {
            return false;
        };
        let step = queue.steps.pop_front();
        queue.done += 1;
        if let Some(Step::Kernel(work)) = step {
            work(&mut self.memory);
        }
        true
    }
}

unsafe extern "C" fn init(_: c_uint) -> Code {
    0
}

unsafe extern "C" fn error_text(code: Code, text: *mut *const c_char) -> Code {
    let known = c"out of memory";
    if code != 2 {
        return REFUSED;
    }
    // SAFETY: the caller gives a place for the answer
    unsafe { *text = known.as_ptr() };
    0
}

unsafe extern "C" fn device_get(device: *mut DeviceId, ordinal: c_int) -> Code {
    // SAFETY: as in `error_text`
    unsafe { *device = ordinal };
    0
}

unsafe extern "C" fn primary_context(context: *mut Context, device: DeviceId) -> Code {
    on(device, |_| ());
    // SAFETY: as in `error_text`
    unsafe { *context = device.cast_unsigned() as usize as Context };
    0
}

unsafe extern "C" fn context_push(context: Context) -> Code {
    CURRENT.with_borrow_mut(|stack| stack.push(context as usize));
    0
}

unsafe extern "C" fn context_pop(_: *mut Context) -> Code {
    CURRENT.with_borrow_mut(Vec::pop).map_or(201, |_| 0)
}

unsafe extern "C" fn context_record(_: Context, event: Event) -> Code {
    let event = event as usize;
    call("context_record", |machine| {
        let now = machine.now();
        machine.events.insert(event, now);
        0
    })
}

unsafe extern "C" fn context_wait(_: Context, event: Event) -> Code {
    let event = event as usize;
    call("context_wait", |machine| {
        let moment = machine.events[&event].clone();
        let streams: Vec<usize> = machine.queues.keys().copied().collect();
        for stream in streams {
            machine.submit(stream, Step::Wait(moment.clone()));
        }
        machine.held.push(moment);
        0
    })
}

unsafe extern "C" fn context_synchronize() -> Code {
    call("context_synchronize", |machine| {
        machine.finish();
        0
    })
}

unsafe extern "C" fn memory_info(free: *mut usize, total: *mut usize) -> Code {
    call("memory_info", |machine| {
        // SAFETY: as in `error_text`
        unsafe { (*free, *total) = (machine.free, 1 << 40) };
        0
    })
}

unsafe extern "C" fn stream_create(stream: *mut Stream, _: c_uint) -> Code {
    call("stream_create", |machine| {
        // SAFETY: as in `error_text`
        unsafe { *stream = machine.stream() as Stream };
        0
    })
}

unsafe extern "C" fn stream_wait(stream: Stream, event: Event, _: c_uint) -> Code {
    let (stream, event) = (stream as usize, event as usize);
    call("stream_wait", |machine| {
        let moment = machine.events[&event].clone();
        machine.submit(stream, Step::Wait(moment));
        0
    })
}

unsafe extern "C" fn capture_mode(mode: *mut c_int) -> Code {
    call("capture_mode", |_| {
        // SAFETY: as in `error_text`
        unsafe { *mode = MODE.replace(*mode) };
        0
    })
}

unsafe extern "C" fn event_create(event: *mut Event, _: c_uint) -> Code {
    call("event_create", |machine| {
        machine.next += 1;
        machine.events.insert(machine.next, Moment::new());
        // SAFETY: as in `error_text`
        unsafe { *event = machine.next as Event };
        0
    })
}

unsafe extern "C" fn event_record(event: Event, stream: Stream) -> Code {
    let (event, stream) = (event as usize, stream as usize);
    call("event_record", |machine| {
        let submitted = machine.queues[&stream].submitted;
        machine
            .events
            .insert(event, Moment::from([(stream, submitted)]));
        0
    })
}

unsafe extern "C" fn event_synchronize(event: Event) -> Code {
    let event = event as usize;
    call("event_synchronize", |machine| {
        let moment = machine.events[&event].clone();
        machine.run_until(&moment);
        0
    })
}

unsafe extern "C" fn event_destroy(event: Event) -> Code {
    let event = event as usize;
    call("event_destroy", |machine| {
        machine.events.remove(&event).map_or(REFUSED, |_| 0)
    })
}

unsafe extern "C" fn alloc(address: *mut Address, bytes: usize, stream: Stream) -> Code {
    let stream = stream as usize;
    call("alloc", |machine| {
        machine.next += bytes + 1000;
        let at = machine.next as Address;
        machine.next += bytes;
        machine.kernel(stream, move |memory| {
            memory.blocks.insert(at, vec![0xEE; bytes]);
        });
        // SAFETY: as in `error_text`
        unsafe { *address = at };
        0
    })
}

unsafe extern "C" fn free(address: Address, stream: Stream) -> Code {
    let stream = stream as usize;
    call("free", |machine| {
        machine.kernel(stream, move |memory| {
            if memory.blocks.remove(&address).is_none() {
                memory.broken.push(format!("{address} is freed twice"));
            }
        });
        0
    })
}

unsafe extern "C" fn copy_within(to: Address, from: Address, bytes: usize, stream: Stream) -> Code {
    let stream = stream as usize;
    call("copy_within", |machine| {
        machine.kernel(stream, move |memory| {
            let copied = memory.at(from, bytes).to_vec();
            memory.at(to, bytes).copy_from_slice(&copied);
        });
        0
    })
}

unsafe extern "C" fn copy_to_host(
    to: *mut c_void,
    from: Address,
    bytes: usize,
    stream: Stream,
) -> Code {
    let (to, stream) = (to as usize, stream as usize);
    call("copy_to_host", |machine| {
        machine.kernel(stream, move |memory| {
            let copied = memory.at(from, bytes);
            // SAFETY: the caller keeps the memory until this stream has got here
            unsafe { std::ptr::copy_nonoverlapping(copied.as_ptr(), to as *mut u8, bytes) };
        });
        0
    })
}

unsafe extern "C" fn copy_to_device(
    to: Address,
    from: *const c_void,
    bytes: usize,
    stream: Stream,
) -> Code {
    let (from, stream) = (from as usize, stream as usize);
    call("copy_to_device", |machine| {
        machine.kernel(stream, move |memory| {
            // SAFETY: as in `copy_to_host`
            let sent = unsafe { std::slice::from_raw_parts(from as *const u8, bytes) };
            memory.at(to, bytes).copy_from_slice(sent);
        });
        0
    })
}

unsafe extern "C" fn host_register(start: *mut c_void, bytes: usize, _: c_uint) -> Code {
    let start = start as usize;
    call("host_register", |machine| {
        machine.locked.insert(start, bytes);
        0
    })
}

unsafe extern "C" fn host_unregister(start: *mut c_void) -> Code {
    let start = start as usize;
    call("host_unregister", |machine| {
        machine.locked.remove(&start).map_or(REFUSED, |_| 0)
    })
}

/// All of it.
pub(crate) static DRIVER: Functions = Functions {
    init,
    error_text,
    device_get,
    primary_context,
    context_push,
    context_pop,
    context_record,
    context_wait,
    context_synchronize,
    memory_info,
    stream_create,
    stream_wait,
    capture_mode,
    event_create,
    event_record,
    event_synchronize,
    event_destroy,
    alloc,
    free,
    copy_within,
    copy_to_host,
    copy_to_device,
    host_register,
    host_unregister,
    library: None,
};

/// What a stream of no name is: the legacy default stream.
pub(crate) const DEFAULT: usize = 0;
