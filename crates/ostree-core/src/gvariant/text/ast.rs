//! What a text in the GVariant text format says, before its types are known.

use std::fmt;

use crate::gvariant::types::Type;
use crate::gvariant::value::Value;

/// A part of the parsed text, in bytes from its start; empty where something is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.start == self.end { write!(f, "{}", self.start) } else { write!(f, "{}-{}", self.start, self.end) }
    }
}

/// Why a text is no value; worded and placed as GLib does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}{}:{reason}", other.map(|other| format!(",{other}")).unwrap_or_default())]
pub struct ParseError {
    /// Where.
    pub place: Place,
    /// The other place, if two do not fit together.
    pub other: Option<Place>,
    /// What is wrong.
    pub reason: String,
}

impl Place {
    /// The error that something is wrong here.
    pub(super) fn error<T>(self, reason: impl Into<String>) -> Result<T, ParseError> {
        Err(ParseError { place: self, other: None, reason: reason.into() })
    }
}

/// A part of the text and what it says.
#[derive(Debug, Clone)]
pub(super) struct Ast {
    pub place: Place,
    pub node: Node,
}

/// What a part of the text says.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Boolean(bool),
    /// A number as it was written.
    Number(String),
    /// A string, object path or signature.
    Text(String),
    /// A byte string, its final NUL included.
    Bytes(Vec<u8>),
    /// `just X`, or `nothing`.
    Maybe(Option<Box<Ast>>),
    Array(Vec<Ast>),
    Tuple(Vec<Ast>),
    Dict(Vec<(Ast, Ast)>),
    /// `{K, V}`
    Entry(Box<Ast>, Box<Ast>),
    /// A variant, whose content has no say in the type of the whole.
    Variant(Value),
    /// `@TYPE X` and `KEYWORD X`.
    Typed(Type, Box<Ast>),
}
