//! The load generator: many simulated sites against a real hub.

use std::process::ExitCode;

fn main() -> ExitCode {
    msap_tests::fleet::main(std::env::args_os())
}
