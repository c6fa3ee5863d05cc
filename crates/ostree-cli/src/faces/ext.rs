//! The command tree of `ostree-ext-cli`.

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs `ostree-ext-cli ARGS`.
pub fn run(_args: Vec<OsString>) -> ExitCode {
    ExitCode::from(2)
}
