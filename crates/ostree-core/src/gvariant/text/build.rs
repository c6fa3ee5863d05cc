//! Making a value of a known type out of what a text says.

use crate::gvariant::normal::{is_object_path, is_signature};
use crate::gvariant::text::ast::{Ast, Node, ParseError, Place};
use crate::gvariant::text::pattern::Pattern;
use crate::gvariant::types::Type;
use crate::gvariant::value::Value;

/// The value that `ast` stands for when nothing around it says anything about its type.
pub(super) fn resolve(ast: &Ast) -> Result<Value, ParseError> {
    match Pattern::of(ast)?.default_type() {
        Some(wanted) => build(ast, &wanted),
        None => ast.place.error("unable to infer type"),
    }
}

fn build(ast: &Ast, wanted: &Type) -> Result<Value, ParseError> {
    if let Node::Typed(declared, inner) = &ast.node {
        return if declared == wanted { build(inner, declared) } else { mismatch(ast, wanted) };
    }
    if let Type::Maybe(element) = wanted {
        let inner = match &ast.node {
            Node::Maybe(None) => None,
            Node::Maybe(Some(inner)) => Some(Box::new(build(inner, element)?)),
            // `just` may be left out.
            _ => Some(Box::new(build(ast, element)?)),
        };
        return Ok(Value::Maybe((**element).clone(), inner));
    }
    match (&ast.node, wanted) {
        (Node::Boolean(value), Type::Boolean) => Ok(Value::Boolean(*value)),
        (Node::Number(text), wanted) => number(ast, text, wanted),
        (Node::Text(text), Type::String) => Ok(Value::String(text.clone())),
        (Node::Text(text), Type::ObjectPath) if is_object_path(text) => Ok(Value::ObjectPath(text.clone())),
        (Node::Text(_), Type::ObjectPath) => ast.place.error("not a valid object path"),
        (Node::Text(text), Type::Signature) if is_signature(text) => Ok(Value::Signature(text.clone())),
        (Node::Text(_), Type::Signature) => ast.place.error("not a valid signature"),
        (Node::Variant(inner), Type::Variant) => Ok(Value::Variant(Box::new(inner.clone()))),
        (Node::Bytes(bytes), Type::Array(element)) if **element == Type::Byte => Ok(Value::Bytes(bytes.clone())),
        (Node::Array(values), Type::Array(element)) => array(values, element),
        (Node::Tuple(members), Type::Tuple(types)) if members.len() == types.len() => {
            let members = members.iter().zip(types).map(|(member, wanted)| build(member, wanted));
            members.collect::<Result<_, _>>().map(Value::Tuple)
        }
        (Node::Entry(key, value), Type::DictEntry(key_type, value_type)) => entry(key, value, key_type, value_type),
        (Node::Dict(entries), Type::Array(element)) => match &**element {
            Type::DictEntry(key_type, value_type) => {
                let entries = entries.iter().map(|(key, value)| entry(key, value, key_type, value_type));
                Ok(Value::Array((**element).clone(), entries.collect::<Result<_, _>>()?))
            }
            _ => mismatch(ast, wanted),
        },
        _ => mismatch(ast, wanted),
    }
}

fn mismatch<T>(ast: &Ast, wanted: &Type) -> Result<T, ParseError> {
    ast.place.error(format!("can not parse as value of type '{wanted}'"))
}

fn entry(key: &Ast, value: &Ast, key_type: &Type, value_type: &Type) -> Result<Value, ParseError> {
    Ok(Value::DictEntry(Box::new(build(key, key_type)?), Box::new(build(value, value_type)?)))
}

fn array(values: &[Ast], element: &Type) -> Result<Value, ParseError> {
    let values: Vec<Value> = values.iter().map(|value| build(value, element)).collect::<Result<_, _>>()?;
    if *element == Type::Byte {
        let bytes =
            values.into_iter().filter_map(|value| if let Value::Byte(byte) = value { Some(byte) } else { None });
        return Ok(Value::Bytes(bytes.collect()));
    }
    Ok(Value::Array(element.clone(), values))
}

fn number(ast: &Ast, text: &str, wanted: &Type) -> Result<Value, ParseError> {
    if *wanted == Type::Double {
        return Ok(Value::Double(double(ast, text)?));
    }
    let number = integer(ast, text)?;
    let value = match wanted {
        Type::Byte => number.try_into().ok().map(Value::Byte),
        Type::Int16 => number.try_into().ok().map(Value::Int16),
        Type::Uint16 => number.try_into().ok().map(Value::Uint16),
        Type::Int32 => number.try_into().ok().map(Value::Int32),
        Type::Handle => number.try_into().ok().map(Value::Handle),
        Type::Uint32 => number.try_into().ok().map(Value::Uint32),
        Type::Int64 => number.try_into().ok().map(Value::Int64),
        Type::Uint64 => number.try_into().ok().map(Value::Uint64),
        _ => return mismatch(ast, wanted),
    };
    value.map_or_else(|| ast.place.error(format!("number out of range for type '{wanted}'")), Ok)
}

fn bad_character<T>(ast: &Ast, good: usize) -> Result<T, ParseError> {
    let start = ast.place.start + good;
    Place { start, end: start + 1 }.error("invalid character in number")
}

/// Reads decimal, hexadecimal (`0x`) and octal (`0`) digits.
fn integer(ast: &Ast, text: &str) -> Result<i128, ParseError> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (digits, radix) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) if hex.starts_with(|c: char| c.is_ascii_hexdigit()) => (hex, 16),
        _ if digits.starts_with('0') => (digits, 8),
        _ => (digits, 10),
    };
    let good = digits.bytes().take_while(|byte| char::from(*byte).is_digit(radix)).count();
    if good < digits.len() || digits.is_empty() {
        return bad_character(ast, text.len() - digits.len() + good);
    }
    let Ok(number) = u64::from_str_radix(digits, radix) else {
        return ast.place.error("integer too big for any type");
    };
    Ok(if text.starts_with('-') { -i128::from(number) } else { i128::from(number) })
}

fn double(ast: &Ast, text: &str) -> Result<f64, ParseError> {
    if text.contains("0x") {
        // Of C's hexadecimal floats only the integers.
        return integer(ast, text).map(|number| number as f64);
    }
    text.parse().or_else(|_| {
        let good = (0..text.len()).rev().find(|&end| text.get(..end).is_some_and(|start| start.parse::<f64>().is_ok()));
        bad_character(ast, good.unwrap_or_default())
    })
}
