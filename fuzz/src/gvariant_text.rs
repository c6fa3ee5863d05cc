//! The GVariant text format.

use ostree_core::gvariant::Value;
use ostree_core::gvariant::text::parse;

use crate::gvariant::text_round_trip;

/// What is accepted prints to a text that means the same, and has a normal form that reads as itself.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let value = match parse(text) {
        Ok(value) => value,
        Err(error) => {
            // As GLib does, an end that comes too early is placed on the byte behind the text.
            assert!(error.place.start <= error.place.end && error.place.end <= text.len() + 1, "{error}");
            return;
        }
    };
    let bytes = value.encode();
    let again = Value::decode(&value.value_type().to_string(), &bytes).expect("what was written is in normal form");
    assert_eq!(again.encode(), bytes);
    text_round_trip(&value);
}

/// Texts with every kind of token.
pub fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "[1, 0x2, 03, -4]",
        "(uint32 1, int64 -2, byte 0xff, handle 1, double 1, 1e3, -inf, nan)",
        "{'a': <1>, \"b\": <@as []>, 'c': <b'\\x01\\377'>}",
        "@a{sv} {}",
        "@(sumi) ('x', 1, nothing)",
        "[just 1, nothing, just 2]",
        "'\\u00e4\\U0001f600\\a\\b\\f\\n\\r\\t\\v\\\\\\''",
        "[{1, 'x'}, {2, 'y'}]",
        "(objectpath '/a', signature 'a(sv)', true, false, ())",
        "[<1>, <'x'>, <[1.5]>]",
        " ( 'spaces' , ) ",
        "[[], [[]], [['x']]]",
    ];
    texts.into_iter().map(|text| text.as_bytes().to_vec()).collect()
}
