//! Writing a value tree as its normal form.

use crate::gvariant::framing::{container_size, offset_width};
use crate::gvariant::types::Type;
use crate::gvariant::value::Value;

impl Value {
    /// The normal form of the value. Elements of another type than their array's make bytes that [`Value::decode`]
    /// refuses.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        encode_into(self, &mut out);
        out
    }
}

fn encode_into(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Boolean(value) => out.push(u8::from(*value)),
        Value::Byte(value) => out.push(*value),
        Value::Int16(number) => out.extend(number.to_le_bytes()),
        Value::Uint16(number) => out.extend(number.to_le_bytes()),
        Value::Int32(number) | Value::Handle(number) => out.extend(number.to_le_bytes()),
        Value::Uint32(number) => out.extend(number.to_le_bytes()),
        Value::Int64(number) => out.extend(number.to_le_bytes()),
        Value::Uint64(number) => out.extend(number.to_le_bytes()),
        Value::Double(number) => out.extend(number.to_le_bytes()),
        Value::String(text) | Value::ObjectPath(text) | Value::Signature(text) => {
            out.extend(text.bytes());
            out.push(0);
        }
        Value::Variant(inner) => {
            out.extend(inner.encode());
            out.push(0);
            out.extend(inner.value_type().to_string().bytes());
        }
        Value::Maybe(_, None) => {}
        Value::Maybe(element, Some(inner)) => {
            out.extend(inner.encode());
            if element.fixed_size().is_none() {
                out.push(0);
            }
        }
        Value::Bytes(bytes) => out.extend(bytes),
        Value::Array(element, values) => out.extend(encode_array(element, values)),
        Value::Tuple(members) => out.extend(encode_members(&members.iter().collect::<Vec<_>>(), &value.value_type())),
        Value::DictEntry(key, entry) => out.extend(encode_members(&[key, entry], &value.value_type())),
    }
}

fn pad(body: &mut Vec<u8>, alignment: usize) {
    body.resize(body.len().next_multiple_of(alignment), 0);
}

fn encode_array(element: &Type, values: &[Value]) -> Vec<u8> {
    let mut body = Vec::new();
    let mut ends = Vec::new();
    for value in values {
        pad(&mut body, element.alignment());
        body.extend(value.encode());
        ends.push(body.len());
    }
    if element.fixed_size().is_none() {
        append_offsets(&mut body, ends.into_iter());
    }
    body
}

fn encode_members(members: &[&Value], whole: &Type) -> Vec<u8> {
    let mut body = Vec::new();
    let mut ends = Vec::new();
    for (index, member) in members.iter().enumerate() {
        let member_type = member.value_type();
        pad(&mut body, member_type.alignment());
        body.extend(member.encode());
        if member_type.fixed_size().is_none() && index + 1 < members.len() {
            ends.push(body.len());
        }
    }
    match whole.fixed_size() {
        Some(size) => body.resize(size, 0),
        None => append_offsets(&mut body, ends.into_iter().rev()),
    }
    body
}

fn append_offsets(body: &mut Vec<u8>, ends: impl ExactSizeIterator<Item = usize>) {
    let total = container_size(body.len(), ends.len()).unwrap_or(usize::MAX);
    let width = offset_width(total);
    for end in ends {
        body.extend((end as u64).to_le_bytes().into_iter().take(width));
    }
}
