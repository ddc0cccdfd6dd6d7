//! The program.

use std::process::ExitCode;

fn main() -> ExitCode {
    meterwright::cli::main()
}
