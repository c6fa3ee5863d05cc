//! The only serializer and the only entrance of JSON: canonical on the way out, bounded on the way in.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::error::ImageError;

/// Writes `value` as canonical JSON: members sorted by their bytes, no white space, strings with only what must be
/// escaped escaped, integers alone.
///
/// This is OLPC's canonical JSON, which ostree's own tools write, with one difference: control characters are escaped.
/// There they stand raw, which no strict JSON reader accepts.
///
/// # Errors
/// [`ImageError::Invalid`] with `what` for a fraction or a value that is no JSON.
pub fn to_canonical<T: Serialize>(what: &str, value: &T) -> Result<Vec<u8>, ImageError> {
    let refuse = |reason: String| ImageError::Invalid { what: what.to_owned(), reason };
    let value = serde_json::to_value(value).map_err(|error| refuse(error.to_string()))?;
    let mut text = String::new();
    write_value(&value, &mut text).map_err(refuse)?;
    Ok(text.into_bytes())
}

fn write_value(value: &Value, out: &mut String) -> Result<(), String> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) if number.is_f64() => return Err(format!("the fraction {number} has no canonical form")),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_value(item, out)?;
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by_key(|(name, _)| name.as_bytes());
            out.push('{');
            for (index, (name, member)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_string(name, out);
                out.push(':');
                write_value(member, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if (control as u32) < 0x20 => out.push_str(&format!("\\u{:04x}", control as u32)),
            other => out.push(other),
        }
    }
    out.push('"');
}

/// Reads a JSON document of at most `limit` bytes. Nesting beyond 128 levels is refused.
///
/// # Errors
/// [`ImageError::Invalid`] with `what` and the line and column.
pub fn from_slice<T: DeserializeOwned>(what: &str, bytes: &[u8], limit: u64) -> Result<T, ImageError> {
    let refuse = |reason: String| ImageError::Invalid { what: what.to_owned(), reason };
    if bytes.len() as u64 > limit {
        return Err(refuse(format!("{} bytes are more than the limit of {limit}", bytes.len())));
    }
    serde_json::from_slice(bytes).map_err(|error| refuse(error.to_string()))
}

/// Takes `null` for an absent member: Go programs write empty lists and maps so.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_form() {
        let value = serde_json::json!({"b": [1, -2, null, true], "a": "ä\"\\\n\u{1}/", "B": {}});
        let text = String::from_utf8(to_canonical("x", &value).unwrap()).unwrap();
        assert_eq!(text, "{\"B\":{},\"a\":\"ä\\\"\\\\\\n\\u0001/\",\"b\":[1,-2,null,true]}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        assert!(to_canonical("x", &1.5).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_round_trips(text: String, number: i64) {
            let value = serde_json::json!({text.clone(): [text, number]});
            let canonical = to_canonical("x", &value).unwrap();
            proptest::prop_assert_eq!(&from_slice::<Value>("x", &canonical, 1 << 20).unwrap(), &value);
        }
    }

    #[test]
    fn hostile_documents_are_refused() {
        let deep = "[".repeat(100_000);
        assert!(from_slice::<Value>("x", deep.as_bytes(), 1 << 20).is_err());
        assert!(from_slice::<Value>("x", b"[] []", 100).is_err());
        assert!(from_slice::<Value>("x", b"\"\xff\"", 100).is_err());
        assert!(from_slice::<Value>("x", b"[1,2]", 4).unwrap_err().to_string().contains("limit of 4"));
    }
}
