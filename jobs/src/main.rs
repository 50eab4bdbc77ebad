//! The program: everything is in the library.

use std::process::ExitCode;

/// Batches come and go by the megabyte: the system's allocator spent a fifth of
/// a run on fresh pages.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    use_small_pages();
    kwhy::cli::main()
}

/// Keeps the kernel from backing memory by huge pages. A wide table is thousands
/// of buffers that fill slowly: of each, two megabytes were cleared and resident
/// where kilobytes were used, a third of the time and half of the memory that tags
/// took. A kernel that refuses only leaves it at that.
#[cfg(target_os = "linux")]
fn use_small_pages() {
    // SAFETY: sets a flag of this process, by a call that takes no pointers.
    unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0) };
}
