//! What a text says of its type, and how several texts agree on one.

use crate::gvariant::text::ast::{Ast, Node, ParseError};
use crate::gvariant::types::Type;

/// A set of types.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Pattern {
    /// Every type.
    Any,
    /// The numeric types.
    Number,
    /// `s`, `o` and `g`.
    Text,
    /// One type without parts.
    Exactly(Type),
    Maybe(Box<Pattern>),
    /// The pattern, or any number of maybes around it.
    Optional(Box<Pattern>),
    Array(Box<Pattern>),
    Tuple(Vec<Pattern>),
    Entry(Box<Pattern>, Box<Pattern>),
}

impl Pattern {
    /// The pattern of what `ast` says.
    pub(super) fn of(ast: &Ast) -> Result<Self, ParseError> {
        let inner = match &ast.node {
            Node::Typed(declared, _) => return Ok(Self::of_type(declared)),
            Node::Maybe(inner) => {
                let inner = inner.as_ref().map_or(Ok(Self::Any), |inner| Self::of(inner))?;
                return Ok(Self::Maybe(Box::new(inner)));
            }
            Node::Boolean(_) => Self::Exactly(Type::Boolean),
            Node::Number(text) if is_double(text) => Self::Exactly(Type::Double),
            Node::Number(_) => Self::Number,
            Node::Text(_) => Self::Text,
            Node::Bytes(_) => Self::Array(Box::new(Self::Exactly(Type::Byte))),
            Node::Variant(_) => Self::Exactly(Type::Variant),
            Node::Array(values) => Self::Array(Box::new(Self::common(&values.iter().collect::<Vec<_>>())?)),
            Node::Tuple(members) => Self::Tuple(members.iter().map(Self::of).collect::<Result<_, _>>()?),
            Node::Entry(key, value) => Self::entry(ast, &[key], &[value])?,
            Node::Dict(entries) => {
                let (keys, values): (Vec<&Ast>, Vec<&Ast>) = entries.iter().map(|(key, value)| (key, value)).unzip();
                Self::Array(Box::new(Self::entry(ast, &keys, &values)?))
            }
        };
        Ok(Self::Optional(Box::new(inner)))
    }

    fn entry(ast: &Ast, keys: &[&Ast], values: &[&Ast]) -> Result<Self, ParseError> {
        let key = match Self::common(keys)? {
            Self::Optional(key) => *key,
            key => key,
        };
        let is_basic = match &key {
            Self::Any | Self::Number | Self::Text => true,
            Self::Exactly(exactly) => exactly.is_basic(),
            _ => false,
        };
        if !is_basic {
            return ast.place.error("dictionary keys must have basic types");
        }
        Ok(Self::Entry(Box::new(key), Box::new(Self::common(values)?)))
    }

    /// The pattern that fits all of `values`.
    fn common(values: &[&Ast]) -> Result<Self, ParseError> {
        let mut common = Self::Any;
        for (index, value) in values.iter().enumerate() {
            let pattern = Self::of(value)?;
            common = match common.meet(&pattern) {
                Some(met) => met,
                None => {
                    let before = values.get(..index).unwrap_or_default();
                    let clashing =
                        before.iter().find(|other| Self::of(other).is_ok_and(|p| p.meet(&pattern).is_none()));
                    return Err(ParseError {
                        place: clashing.or(values.first()).map_or(value.place, |other| other.place),
                        other: Some(value.place),
                        reason: "unable to find a common type".to_owned(),
                    });
                }
            };
        }
        Ok(common)
    }

    fn of_type(exactly: &Type) -> Self {
        match exactly {
            Type::Maybe(element) => Self::Maybe(Box::new(Self::of_type(element))),
            Type::Array(element) => Self::Array(Box::new(Self::of_type(element))),
            Type::Tuple(members) => Self::Tuple(members.iter().map(Self::of_type).collect()),
            Type::DictEntry(key, value) => Self::Entry(Box::new(Self::of_type(key)), Box::new(Self::of_type(value))),
            other => Self::Exactly(other.clone()),
        }
    }

    /// The types that are in both patterns.
    fn meet(&self, other: &Self) -> Option<Self> {
        let boxed = |pattern: Self| Box::new(pattern);
        Some(match (self, other) {
            (Self::Any, pattern) | (pattern, Self::Any) => pattern.clone(),
            (Self::Optional(a), Self::Optional(b)) => Self::Optional(boxed(a.meet(b)?)),
            (optional @ Self::Optional(_), Self::Maybe(inner)) | (Self::Maybe(inner), optional @ Self::Optional(_)) => {
                Self::Maybe(boxed(optional.meet(inner)?))
            }
            (Self::Optional(a), b) | (b, Self::Optional(a)) => a.meet(b)?,
            (Self::Number, Self::Exactly(exactly)) | (Self::Exactly(exactly), Self::Number) if is_number(exactly) => {
                Self::Exactly(exactly.clone())
            }
            (Self::Text, Self::Exactly(exactly)) | (Self::Exactly(exactly), Self::Text) if is_text(exactly) => {
                Self::Exactly(exactly.clone())
            }
            (Self::Maybe(a), Self::Maybe(b)) => Self::Maybe(boxed(a.meet(b)?)),
            (Self::Array(a), Self::Array(b)) => Self::Array(boxed(a.meet(b)?)),
            (Self::Tuple(a), Self::Tuple(b)) if a.len() == b.len() => {
                Self::Tuple(a.iter().zip(b).map(|(a, b)| a.meet(b)).collect::<Option<_>>()?)
            }
            (Self::Entry(k, v), Self::Entry(l, w)) => Self::Entry(boxed(k.meet(l)?), boxed(v.meet(w)?)),
            (a, b) if a == b => a.clone(),
            _ => return None,
        })
    }

    /// The type to take where several are left: numbers are `i`, texts `s`, and nothing is a maybe that need not be.
    pub(super) fn default_type(&self) -> Option<Type> {
        let boxed = |pattern: &Self| pattern.default_type().map(Box::new);
        Some(match self {
            Self::Any => return None,
            Self::Number => Type::Int32,
            Self::Text => Type::String,
            Self::Exactly(exactly) => exactly.clone(),
            Self::Optional(inner) => inner.default_type()?,
            Self::Maybe(inner) => Type::Maybe(boxed(inner)?),
            Self::Array(inner) => Type::Array(boxed(inner)?),
            Self::Tuple(members) => Type::Tuple(members.iter().map(Self::default_type).collect::<Option<_>>()?),
            Self::Entry(key, value) => Type::DictEntry(boxed(key)?, boxed(value)?),
        })
    }
}

/// Whether a number as written can only be floating point.
fn is_double(text: &str) -> bool {
    text.contains('.')
        || text.contains("inf")
        || text.contains("nan")
        || (text.contains('e') && !text.starts_with("0x"))
}

fn is_number(exactly: &Type) -> bool {
    exactly.is_basic() && !is_text(exactly) && *exactly != Type::Boolean
}

fn is_text(exactly: &Type) -> bool {
    matches!(exactly, Type::String | Type::ObjectPath | Type::Signature)
}
