//! What ordinary archives have in common, whatever becomes of them: kinds of entries, attributes, content, writing.

pub(crate) mod content;
pub(crate) mod kind;
pub(crate) mod pax;
mod sparse;
pub(crate) mod writers;
