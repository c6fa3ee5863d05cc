//! The three command trees and which of them the program's name chooses.

mod ext;
mod ostree;
mod own;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

/// Runs the program; `args` starts with the name it was called by.
///
/// Called as `ostree`, it is the repository tool of that name, with `container` for the image commands. Called as
/// `ostree-ext-cli`, or by `ostree` to run `container …`, it is that helper. By its own name it is itself.
pub fn run(args: Vec<OsString>) -> ExitCode {
    let name = args.first().and_then(|name| Path::new(name).file_name()).unwrap_or_default();
    let is_container = args.get(1).map(OsString::as_os_str) == Some(OsStr::new("container"));
    match name.to_str() {
        Some("ostree") if is_container => ext::run(args),
        Some("ostree") => ostree::run(args),
        Some("ostree-ext-cli") => ext::run(args),
        // The program calls itself so, to read a user's own container storage.
        Some(oci_storage::HELPER) => match oci_storage::serve_files() {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        _ if is_container => ext::run(args),
        _ => own::run(args),
    }
}
