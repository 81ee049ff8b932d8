//! The program `msap-agent`.

use std::process::ExitCode;

fn main() -> ExitCode {
    msap_agent::app::main(std::env::args_os())
}
