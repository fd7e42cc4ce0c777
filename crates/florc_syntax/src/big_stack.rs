//! Runs a function on a thread with a large stack.
//!
//! ```python
//! x = not not not not not not not not y     # as deep as CPython takes, without an overflow
//! ```
//!
//! Whoever walks a tree recursively from a thread of unknown stack size may use this. Work that is
//! already on such a thread stays there: each pass asks for itself, and a file has five.

use std::cell::Cell;

/// Stack of the thread, in bytes. Reserved, not touched until used.
const STACK_BYTES: usize = 256 << 20;

thread_local! {
    /// Whether this thread was made here.
    static BIG: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` on a thread with 256 MiB of stack. Where no such thread can be had, on this one.
pub fn on_big_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    if BIG.get() {
        return work();
    }
    let mut work = Some(work);
    let mut result = None;
    std::thread::scope(|scope| {
        let (work, result) = (&mut work, &mut result);
        let run = move || {
            BIG.set(true);
            *result = work.take().map(|work| work());
        };
        if let Ok(handle) = std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, run)
            && let Err(panic) = handle.join()
        {
            std::panic::resume_unwind(panic);
        }
    });
    match (result, work) {
        (Some(result), _) => result,
        (None, Some(work)) => work(),
        (None, None) => unreachable!("the work either ran to its end, unwound, or never started"),
    }
}
