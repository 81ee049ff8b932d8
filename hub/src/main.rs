//! The program `msap-hub`.

use std::process::ExitCode;

fn main() -> ExitCode {
    msap_hub::app::main(std::env::args_os())
}
