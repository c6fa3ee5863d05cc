//! What the GVariant format itself demands of bytes whose type is known at run time only.
//!
//! The `gvariant` crate reads and writes types that are known when this program is compiled. It accepts bytes that are
//! not in normal form; objects are hashed, so those must be refused, and that is done here. Specification:
//! "GVariant Specification 1.0"; where GLib differs, GLib is followed.

mod encode;
mod framing;
mod normal;
pub mod text;
mod types;
mod value;

pub use normal::{NotNormal, check};
pub use types::Type;
pub use value::Value;

use crate::error::ObjectError;

/// Refuses `bytes` unless they are the normal form of a value of `type_string`, which must be a valid type.
pub(crate) fn check_normal(what: &'static str, type_string: &str, bytes: &[u8]) -> Result<(), ObjectError> {
    let wanted = Type::parse(type_string).ok_or_else(|| ObjectError::invalid(what, "unknown GVariant type"))?;
    check(&wanted, bytes).map_err(|problem| ObjectError::NotNormal { what, problem })
}
