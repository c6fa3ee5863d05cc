//! Printing values in the GVariant text format, as `g_variant_print` does with type annotation.

use std::fmt::{Display, Write};

use crate::gvariant::text::number::double_text;
use crate::gvariant::types::Type;
use crate::gvariant::value::Value;

/// The text of a value. With `annotate`, parts whose type the text alone does not tell carry it.
pub fn print(value: &Value, annotate: bool) -> String {
    let mut out = String::new();
    write_value(value, annotate, &mut out);
    out
}

fn write_value(value: &Value, annotate: bool, out: &mut String) {
    match value {
        Value::Boolean(value) => append(out, "", value),
        Value::Byte(byte) => append(out, keyword("byte ", annotate), format_args!("0x{byte:02x}")),
        Value::Int16(number) => append(out, keyword("int16 ", annotate), number),
        Value::Uint16(number) => append(out, keyword("uint16 ", annotate), number),
        // The type that a bare number has.
        Value::Int32(number) => append(out, "", number),
        Value::Uint32(number) => append(out, keyword("uint32 ", annotate), number),
        Value::Int64(number) => append(out, keyword("int64 ", annotate), number),
        Value::Uint64(number) => append(out, keyword("uint64 ", annotate), number),
        Value::Handle(number) => append(out, keyword("handle ", annotate), number),
        Value::Double(number) => append(out, "", double_text(*number)),
        Value::String(text) => quote(text, out),
        Value::ObjectPath(path) => append(out, keyword("objectpath ", annotate), format_args!("'{path}'")),
        Value::Signature(text) => append(out, keyword("signature ", annotate), format_args!("'{text}'")),
        Value::Variant(inner) => {
            out.push('<');
            write_value(inner, true, out);
            out.push('>');
        }
        Value::Maybe(..) => write_maybe(value, annotate, out),
        Value::Bytes(bytes) => write_bytes(bytes, annotate, out),
        Value::Array(element, values) => write_array(element, values, annotate, out),
        Value::Tuple(members) => write_tuple(members, annotate, out),
        Value::DictEntry(key, value) => {
            out.push('{');
            write_value(key, annotate, out);
            out.push_str(", ");
            write_value(value, annotate, out);
            out.push('}');
        }
    }
}

fn keyword(word: &'static str, annotate: bool) -> &'static str {
    if annotate { word } else { "" }
}

fn append(out: &mut String, keyword: &str, text: impl Display) {
    write!(out, "{keyword}{text}").expect("writing to a string cannot fail");
}

fn annotation(out: &mut String, value_type: &Type, annotate: bool) {
    if annotate {
        append(out, "@", format_args!("{value_type} "));
    }
}

/// Leaves out every `just` that the type makes unnecessary: only a nothing inside of something needs them.
fn write_maybe(value: &Value, annotate: bool, out: &mut String) {
    annotation(out, &value.value_type(), annotate);
    let mut depth = 0usize;
    let mut inner = value;
    while let Value::Maybe(_, element) = inner {
        match element {
            Some(element) => inner = element,
            None => {
                out.push_str(&"just ".repeat(depth));
                out.push_str("nothing");
                return;
            }
        }
        depth += 1;
    }
    write_value(inner, false, out);
}

fn write_array(element: &Type, values: &[Value], annotate: bool, out: &mut String) {
    let is_dict = matches!(element, Type::DictEntry(..));
    if values.is_empty() {
        annotation(out, &Type::Array(Box::new(element.clone())), annotate);
        out.push_str(if is_dict { "{}" } else { "[]" });
        return;
    }
    out.push(if is_dict { '{' } else { '[' });
    for (index, value) in values.iter().enumerate() {
        // The first element tells the type of the others.
        let annotate = annotate && index == 0;
        if index > 0 {
            out.push_str(", ");
        }
        match value {
            Value::DictEntry(key, entry) => {
                write_value(key, annotate, out);
                out.push_str(": ");
                write_value(entry, annotate, out);
            }
            other => write_value(other, annotate, out),
        }
    }
    out.push(if is_dict { '}' } else { ']' });
}

fn write_tuple(members: &[Value], annotate: bool, out: &mut String) {
    out.push('(');
    for (index, member) in members.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write_value(member, annotate, out);
    }
    out.push_str(if members.len() == 1 { ",)" } else { ")" });
}

/// Bytes whose only NUL is the last are a byte string; others are a plain array.
fn write_bytes(bytes: &[u8], annotate: bool, out: &mut String) {
    if bytes.iter().position(|&byte| byte == 0).is_some_and(|nul| nul + 1 == bytes.len()) {
        let text = bytes.strip_suffix(b"\0").unwrap_or(bytes);
        let mark = if text.contains(&b'\'') { '"' } else { '\'' };
        append(out, "b", mark);
        text.iter().for_each(|&byte| write_escaped_byte(byte, out));
        out.push(mark);
        return;
    }
    if bytes.is_empty() {
        annotation(out, &Type::Array(Box::new(Type::Byte)), annotate);
    }
    out.push('[');
    for (index, byte) in bytes.iter().enumerate() {
        append(out, if index > 0 { ", " } else { keyword("byte ", annotate) }, format_args!("0x{byte:02x}"));
    }
    out.push(']');
}

fn write_escaped_byte(byte: u8, out: &mut String) {
    match byte {
        8 => out.push_str("\\b"),
        12 => out.push_str("\\f"),
        b'\n' => out.push_str("\\n"),
        b'\r' => out.push_str("\\r"),
        b'\t' => out.push_str("\\t"),
        11 => out.push_str("\\v"),
        b'\\' => out.push_str("\\\\"),
        b'"' => out.push_str("\\\""),
        b' '..=b'~' => out.push(char::from(byte)),
        other => append(out, "\\", format_args!("{other:03o}")),
    }
}

fn quote(text: &str, out: &mut String) {
    let mark = if text.contains('\'') { '"' } else { '\'' };
    out.push(mark);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            c if c == mark => {
                out.push('\\');
                out.push(c);
            }
            c if is_printable(c) => out.push(c),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0b' => out.push_str("\\v"),
            c if u32::from(c) < 0x10000 => append(out, "\\", format_args!("u{:04x}", u32::from(c))),
            c => append(out, "\\", format_args!("U{:08x}", u32::from(c))),
        }
    }
    out.push(mark);
}

/// Whether GLib calls the character printable: it is assigned and neither a control nor a format character. The standard
/// library's tables say so for all but separators, private use and two ranges of format characters.
fn is_printable(c: char) -> bool {
    match c {
        '\u{200c}' | '\u{e0020}'..='\u{e007f}' => false,
        '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{ffffd}' | '\u{100000}'..='\u{10fffd}' => true,
        c if c.is_control() => false,
        c if c.is_whitespace() => true,
        // A mark is escaped at the start of a text only.
        c => ['a', c].iter().collect::<String>().escape_debug().count() == 2 || matches!(c, '\'' | '"'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maybes_say_just_only_where_needed() {
        let nothing = Value::Maybe(Type::Int32, None);
        let nested = Value::Maybe(nothing.value_type(), Some(Box::new(nothing.clone())));
        assert_eq!(print(&nothing, true), "@mi nothing");
        assert_eq!(print(&nested, true), "@mmi just nothing");
        assert_eq!(print(&Value::Maybe(Type::Int32, Some(Box::new(Value::Int32(3)))), true), "@mi 3");
    }

    #[test]
    fn bytes_are_text_only_with_one_final_nul() {
        assert_eq!(print(&Value::Bytes(b"a'b\n\xff\0".to_vec()), true), "b\"a'b\\n\\377\"");
        assert_eq!(print(&Value::Bytes(vec![0]), true), "b''");
        assert_eq!(print(&Value::Bytes(vec![]), true), "@ay []");
        assert_eq!(print(&Value::Bytes(vec![]), false), "[]");
        assert_eq!(print(&Value::Bytes(vec![0, 1]), true), "[byte 0x00, 0x01]");
    }

    #[test]
    fn characters_without_a_picture_are_escaped() {
        let text = "a\u{7}\u{1}\u{200b}\u{e9}\u{301}\u{2028}\u{1f600}\u{e0001}\u{ad}\u{7f}\\";
        assert_eq!(
            print(&Value::String(text.into()), true),
            "'a\\a\\u0001\\u200b\u{e9}\u{301}\u{2028}\u{1f600}\\U000e0001\\u00ad\\u007f\\\\'"
        );
        assert_eq!(print(&Value::String("it's \"x\"".into()), true), "\"it's \\\"x\\\"\"");
    }
}
