//! An allocator that counts what the threads ask for that say so, while it is told to.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The system's allocator, counted.
pub(crate) struct Counting;

thread_local! {
    static COUNTED: Cell<bool> = const { Cell::new(false) };
}

static COUNTING: AtomicBool = AtomicBool::new(false);
static CALLS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

/// What this thread allocates counts.
pub(crate) fn count_this_thread() {
    COUNTED.set(true);
}

/// Begins to count from nothing, or stops. While nothing is counted the only cost is a look.
pub(crate) fn count(on: bool) {
    if on {
        taken();
    }
    COUNTING.store(on, Ordering::Relaxed);
}

/// Allocations so far, and their bytes; from now on it is none.
pub(crate) fn taken() -> (u64, u64) {
    (CALLS.swap(0, Ordering::Relaxed), BYTES.swap(0, Ordering::Relaxed))
}

fn note(size: usize) {
    if COUNTING.load(Ordering::Relaxed) && COUNTED.get() {
        CALLS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(size as u64, Ordering::Relaxed);
    }
}

#[expect(unsafe_code, reason = "an allocator is unsafe by its nature; this one passes everything on as it is")]
// SAFETY: every call goes to the system's allocator with the same arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, size) }
    }
}
