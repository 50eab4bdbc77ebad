//! The program: everything is in the library.

use std::process::ExitCode;

/// Batches come and go by the megabyte: the system's allocator spent a fifth of
/// a run on fresh pages.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    kwhy::cli::main()
}
