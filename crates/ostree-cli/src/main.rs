//! The `ostree-container` binary.

mod admission;
mod args;
mod commands;
mod context;
mod date;
mod date_words;
mod exit;
mod faces;
mod image_signing;
mod image_word;
mod images;
mod output;
mod policy_args;
mod progress;
mod scratch;
mod short_names;
mod signed_store;
mod transfer;
mod trust;
mod usage;
mod version;

use std::process::ExitCode;

/// Many small allocations from several threads; musl's own allocator is several times slower at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The allocator asks for huge pages, and with them a buffer of each thread costs two megabytes, however small it is.
    // Where the system cannot do without, more memory is all that is lost.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    faces::run(std::env::args_os().collect())
}
