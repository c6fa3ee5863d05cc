//! GVariant values of a type that the input itself names: one line of type, then the bytes.

use ostree_core::gvariant::text::{parse, print};
use ostree_core::gvariant::{Type, Value, check};

/// The check and the reader agree; what they accept is written again as the same bytes, and its text means the same.
pub fn run(data: &[u8]) {
    let Some(end) = data.iter().position(|byte| *byte == b'\n') else { return };
    let (name, bytes) = (&data[..end], &data[end + 1..]);
    let Ok(name) = std::str::from_utf8(name) else { return };
    let Some(wanted) = Type::parse(name) else { return };
    assert_eq!(wanted.to_string(), name);
    let checked = check(&wanted, bytes);
    let decoded = Value::decode(name, bytes);
    assert_eq!(checked.is_ok(), decoded.is_ok(), "{checked:?}");
    let Ok(value) = decoded else { return };
    assert_eq!(value.value_type(), wanted);
    assert_eq!(value.encode(), bytes);
    // The text of larger values takes long and shows nothing new.
    if bytes.len() < 4096 {
        text_round_trip(&value);
    }
}

/// The annotated text of a value is read as the same value. Handles of floating-point numbers that are no number differ
/// in their bits, which no text shows.
pub fn text_round_trip(value: &Value) {
    let text = print(value, true);
    if has_nan(value) {
        return;
    }
    let again = parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(again, *value, "{text}");
    assert_eq!(again.encode(), value.encode(), "{text}");
}

fn has_nan(value: &Value) -> bool {
    match value {
        Value::Double(number) => number.is_nan(),
        Value::Variant(inner) => has_nan(inner),
        Value::Maybe(_, inner) => inner.as_deref().is_some_and(has_nan),
        Value::Array(_, values) | Value::Tuple(values) => values.iter().any(has_nan),
        Value::DictEntry(key, value) => has_nan(key) || has_nan(value),
        _ => false,
    }
}

/// One value of each type, and values within values.
pub fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "true",
        "byte 0x07",
        "[int16 -3, 4]",
        "(uint16 3, -4, uint32 5, int64 -6, uint64 7)",
        "handle 3",
        "[1.5, inf, -0.0]",
        "['a', 'it\\'s', '\\u2028']",
        "objectpath '/a/b'",
        "signature 'a{sv}'",
        "{'k': <uint32 5>, 'l': <<'deep'>>}",
        "@mmi just nothing",
        "(@ms 'x', @ms nothing, @mau [1, 2])",
        "b'bytes\\n\\001'",
        "@ay []",
        "[(b'a', ['x', 'y']), (b'', @as [])]",
        "()",
        "{byte 1, <[(1, 'x')]>}",
        "[[{'a': 1}, {}], []]",
    ];
    let line = |text: &str| {
        let value = parse(text).expect("the seed is a value");
        [value.value_type().to_string().as_bytes(), b"\n", &value.encode()].concat()
    };
    let mut seeds: Vec<Vec<u8>> = texts.into_iter().map(line).collect();
    let long = Value::Tuple(vec![Value::String("x".repeat(300)), Value::Bytes(vec![1; 70_000]), Value::Byte(1)]);
    seeds.push([b"(says)".as_slice(), b"\n"].concat());
    seeds.push([b"(sayy)\n".as_slice(), &long.encode()].concat());
    seeds
}
