//! The demonstration: a hub and a handful of real sites on this machine.

use std::process::ExitCode;

fn main() -> ExitCode {
    msap_tests::demo::main(std::env::args_os())
}
