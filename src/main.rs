//! The program.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A session is made of hundreds of small allocations; the system's allocator costs a tenth of its time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    meterwright::cli::main()
}
