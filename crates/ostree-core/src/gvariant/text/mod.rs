//! The GVariant text format: values as people write and read them.
//!
//! Specification: "GVariant Text Format" of the GLib manual; where GLib itself differs, GLib is followed.

mod ast;
mod build;
mod number;
mod parse;
mod pattern;
mod print;
mod token;

pub use ast::{ParseError, Place};
pub use parse::parse;
pub use print::print;
