//! The functions of the CUDA driver that are used, found in its library at run time.
//!
//! ```python
//! import florc        # also on a machine without libcuda.so.1
//! ```
//!
//! Names, numbers and types are those of the driver's reference ("CUDA Driver API").
//! Calls nothing.
#![allow(unsafe_code, reason = "symbols of a foreign library")]

use std::ffi::{c_char, c_int, c_uint, c_void};
use std::fmt;

/// `CUresult`; 0 is success.
pub type Code = c_int;
/// `CUdevice`: an ordinal.
pub type DeviceId = c_int;
/// `CUdeviceptr`.
pub type Address = u64;
/// `CUcontext`.
pub type Context = *mut c_void;
/// `CUstream`; null is the legacy default stream.
pub type Stream = *mut c_void;
/// `CUevent`.
pub type Event = *mut c_void;

/// `CU_STREAM_NON_BLOCKING`: has no implied order with the legacy default stream.
pub const STREAM_NON_BLOCKING: c_uint = 1;
/// `CU_EVENT_BLOCKING_SYNC`: whoever waits sleeps, and does not spin.
pub const EVENT_BLOCKING_SYNC: c_uint = 1;
/// `CU_EVENT_DISABLE_TIMING`.
pub const EVENT_DISABLE_TIMING: c_uint = 2;
/// `CU_MEMHOSTREGISTER_PORTABLE`: page-locked for all contexts.
pub const HOST_REGISTER_PORTABLE: c_uint = 1;
/// `CU_STREAM_CAPTURE_MODE_RELAXED`.
pub const CAPTURE_MODE_RELAXED: c_int = 2;

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident = $symbol:literal ( $($argument:ty),* );)*) => {
        /// The driver's functions.
        pub struct Functions {
            $($(#[$doc])* pub $name: unsafe extern "C" fn($($argument),*) -> Code,)*
            /// Keeps the code loaded; absent where the functions are not the driver's.
            pub library: Option<libloading::Library>,
        }

        impl Functions {
            /// Those of a driver's library; `None` where one is missing.
            fn of(library: libloading::Library) -> Option<Self> {
                Some(Self {
                    // SAFETY: the types are those that the driver's reference gives for the names
                    $($name: unsafe {
                        *library.get::<unsafe extern "C" fn($($argument),*) -> Code>(concat!($symbol, "\0").as_bytes()).ok()?
                    },)*
                    library: Some(library),
                })
            }
        }
    };
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Functions") // addresses say nothing
    }
}

functions! {
    /// `cuInit(flags)`
    init = "cuInit"(c_uint);
    /// `cuGetErrorString(code, *text)`
    error_text = "cuGetErrorString"(Code, *mut *const c_char);
    /// `cuDeviceGet(*device, ordinal)`
    device_get = "cuDeviceGet"(*mut DeviceId, c_int);
    /// `cuDevicePrimaryCtxRetain(*context, device)`
    primary_context = "cuDevicePrimaryCtxRetain"(*mut Context, DeviceId);
    /// `cuCtxPushCurrent(context)`
    context_push = "cuCtxPushCurrent_v2"(Context);
    /// `cuCtxPopCurrent(*context)`
    context_pop = "cuCtxPopCurrent_v2"(*mut Context);
    /// `cuCtxRecordEvent(context, event)`: since CUDA 12.5
    context_record = "cuCtxRecordEvent"(Context, Event);
    /// `cuCtxWaitEvent(context, event)`: since CUDA 12.5
    context_wait = "cuCtxWaitEvent"(Context, Event);
    /// `cuCtxSynchronize()`
    context_synchronize = "cuCtxSynchronize"();
    /// `cuMemGetInfo(*free, *total)`
    memory_info = "cuMemGetInfo_v2"(*mut usize, *mut usize);
    /// `cuStreamCreate(*stream, flags)`
    stream_create = "cuStreamCreate"(*mut Stream, c_uint);
    /// `cuStreamWaitEvent(stream, event, flags)`
    stream_wait = "cuStreamWaitEvent"(Stream, Event, c_uint);
    /// `cuThreadExchangeStreamCaptureMode(*mode)`
    capture_mode = "cuThreadExchangeStreamCaptureMode"(*mut c_int);
    /// `cuEventCreate(*event, flags)`
    event_create = "cuEventCreate"(*mut Event, c_uint);
    /// `cuEventRecord(event, stream)`
    event_record = "cuEventRecord"(Event, Stream);
    /// `cuEventSynchronize(event)`
    event_synchronize = "cuEventSynchronize"(Event);
    /// `cuEventDestroy(event)`
    event_destroy = "cuEventDestroy_v2"(Event);
    /// `cuMemAllocAsync(*address, bytes, stream)`
    alloc = "cuMemAllocAsync"(*mut Address, usize, Stream);
    /// `cuMemFreeAsync(address, stream)`
    free = "cuMemFreeAsync"(Address, Stream);
    /// `cuMemcpyDtoDAsync(to, from, bytes, stream)`
    copy_within = "cuMemcpyDtoDAsync_v2"(Address, Address, usize, Stream);
    /// `cuMemcpyDtoHAsync(to, from, bytes, stream)`
    copy_to_host = "cuMemcpyDtoHAsync_v2"(*mut c_void, Address, usize, Stream);
    /// `cuMemcpyHtoDAsync(to, from, bytes, stream)`
    copy_to_device = "cuMemcpyHtoDAsync_v2"(Address, *const c_void, usize, Stream);
    /// `cuMemHostRegister(address, bytes, flags)`
    host_register = "cuMemHostRegister_v2"(*mut c_void, usize, c_uint);
    /// `cuMemHostUnregister(address)`
    host_unregister = "cuMemHostUnregister"(*mut c_void);
}

/// The driver of this machine; `None` where there is none, or one older than CUDA 12.5.
pub fn load() -> Option<Functions> {
    // SAFETY: the driver's library is made to be loaded by any program
    let library = unsafe { libloading::Library::new("libcuda.so.1") };
    Functions::of(library.ok()?)
}
