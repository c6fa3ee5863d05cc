//! GVariant values as trees, for values whose type is known at run time only.

use crate::error::ObjectError;
use crate::gvariant::framing;
use crate::gvariant::normal::check;
use crate::gvariant::types::Type;

/// A GVariant value. Numbers are in native order; arrays keep their element type so that empty ones have one.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `b`
    Boolean(bool),
    /// `y`
    Byte(u8),
    /// `n`
    Int16(i16),
    /// `q`
    Uint16(u16),
    /// `i`
    Int32(i32),
    /// `u`
    Uint32(u32),
    /// `x`
    Int64(i64),
    /// `t`
    Uint64(u64),
    /// `h`
    Handle(i32),
    /// `d`
    Double(f64),
    /// `s`; holds no NUL.
    String(String),
    /// `o`
    ObjectPath(String),
    /// `g`
    Signature(String),
    /// `v`
    Variant(Box<Value>),
    /// `m`: the element's type and, unless it is nothing, the element.
    Maybe(Type, Option<Box<Value>>),
    /// `ay`
    Bytes(Vec<u8>),
    /// `a` of anything but `y`: the elements' type and the elements.
    Array(Type, Vec<Value>),
    /// `(…)`
    Tuple(Vec<Value>),
    /// `{kv}`
    DictEntry(Box<Value>, Box<Value>),
}

impl Value {
    /// Reads the normal form of a value of type `type_string`; any other bytes and an invalid type are refused.
    pub fn decode(type_string: &str, bytes: &[u8]) -> Result<Self, ObjectError> {
        let Some(wanted) = Type::parse(type_string) else {
            return Err(ObjectError::invalid("GVariant type", format!("{type_string:?}")));
        };
        check(&wanted, bytes).map_err(|problem| ObjectError::NotNormal { what: "GVariant", problem })?;
        read(&wanted, bytes).ok_or_else(|| ObjectError::invalid("GVariant", "wrong framing"))
    }

    /// The type of the value.
    pub fn value_type(&self) -> Type {
        match self {
            Self::Boolean(_) => Type::Boolean,
            Self::Byte(_) => Type::Byte,
            Self::Int16(_) => Type::Int16,
            Self::Uint16(_) => Type::Uint16,
            Self::Int32(_) => Type::Int32,
            Self::Uint32(_) => Type::Uint32,
            Self::Int64(_) => Type::Int64,
            Self::Uint64(_) => Type::Uint64,
            Self::Handle(_) => Type::Handle,
            Self::Double(_) => Type::Double,
            Self::String(_) => Type::String,
            Self::ObjectPath(_) => Type::ObjectPath,
            Self::Signature(_) => Type::Signature,
            Self::Variant(_) => Type::Variant,
            Self::Maybe(element, _) => Type::Maybe(Box::new(element.clone())),
            Self::Bytes(_) => Type::Array(Box::new(Type::Byte)),
            Self::Array(element, _) => Type::Array(Box::new(element.clone())),
            Self::Tuple(members) => Type::Tuple(members.iter().map(Self::value_type).collect()),
            Self::DictEntry(key, value) => Type::DictEntry(Box::new(key.value_type()), Box::new(value.value_type())),
        }
    }

    /// The value with the bytes of every number in it reversed, also within variants.
    pub fn byteswap(self) -> Self {
        let swap = |value: Box<Self>| Box::new(value.byteswap());
        match self {
            Self::Int16(number) => Self::Int16(number.swap_bytes()),
            Self::Uint16(number) => Self::Uint16(number.swap_bytes()),
            Self::Int32(number) => Self::Int32(number.swap_bytes()),
            Self::Uint32(number) => Self::Uint32(number.swap_bytes()),
            Self::Int64(number) => Self::Int64(number.swap_bytes()),
            Self::Uint64(number) => Self::Uint64(number.swap_bytes()),
            Self::Handle(number) => Self::Handle(number.swap_bytes()),
            Self::Double(number) => Self::Double(f64::from_bits(number.to_bits().swap_bytes())),
            Self::Variant(value) => Self::Variant(swap(value)),
            Self::Maybe(element, value) => Self::Maybe(element, value.map(swap)),
            Self::Array(element, values) => Self::Array(element, values.into_iter().map(Self::byteswap).collect()),
            Self::Tuple(members) => Self::Tuple(members.into_iter().map(Self::byteswap).collect()),
            Self::DictEntry(key, value) => Self::DictEntry(swap(key), swap(value)),
            other => other,
        }
    }
}

/// Reads bytes that were checked to be in normal form. `None` could only come from bytes that were not.
fn read(wanted: &Type, bytes: &[u8]) -> Option<Value> {
    Some(match wanted {
        Type::Boolean => Value::Boolean(*bytes.first()? != 0),
        Type::Byte => Value::Byte(*bytes.first()?),
        Type::Int16 => Value::Int16(i16::from_le_bytes(bytes.try_into().ok()?)),
        Type::Uint16 => Value::Uint16(u16::from_le_bytes(bytes.try_into().ok()?)),
        Type::Int32 => Value::Int32(i32::from_le_bytes(bytes.try_into().ok()?)),
        Type::Uint32 => Value::Uint32(u32::from_le_bytes(bytes.try_into().ok()?)),
        Type::Int64 => Value::Int64(i64::from_le_bytes(bytes.try_into().ok()?)),
        Type::Uint64 => Value::Uint64(u64::from_le_bytes(bytes.try_into().ok()?)),
        Type::Handle => Value::Handle(i32::from_le_bytes(bytes.try_into().ok()?)),
        Type::Double => Value::Double(f64::from_le_bytes(bytes.try_into().ok()?)),
        Type::String => Value::String(text(bytes)?),
        Type::ObjectPath => Value::ObjectPath(text(bytes)?),
        Type::Signature => Value::Signature(text(bytes)?),
        Type::Variant => {
            let (inner, value) = framing::split_variant(bytes)?;
            Value::Variant(Box::new(read(&inner, value)?))
        }
        Type::Maybe(element) => Value::Maybe((**element).clone(), read_maybe(element, bytes)?),
        Type::Array(element) if **element == Type::Byte => Value::Bytes(bytes.to_vec()),
        Type::Array(element) => {
            let values = framing::elements(element, bytes)?;
            Value::Array(
                (**element).clone(),
                values.into_iter().map(|value| read(element, value)).collect::<Option<_>>()?,
            )
        }
        Type::Tuple(members) => {
            let members: Vec<&Type> = members.iter().collect();
            let values = framing::members(&members, bytes)?;
            Value::Tuple(
                members.into_iter().zip(values).map(|(member, value)| read(member, value)).collect::<Option<_>>()?,
            )
        }
        Type::DictEntry(key, value) => {
            let parts = framing::members(&[key, value], bytes)?;
            let [key_bytes, value_bytes] = parts.try_into().ok()?;
            Value::DictEntry(Box::new(read(key, key_bytes)?), Box::new(read(value, value_bytes)?))
        }
    })
}

fn read_maybe(element: &Type, bytes: &[u8]) -> Option<Option<Box<Value>>> {
    if bytes.is_empty() {
        return Some(None);
    }
    let end = if element.fixed_size().is_some() { bytes.len() } else { bytes.len() - 1 };
    Some(Some(Box::new(read(element, bytes.get(..end)?)?)))
}

fn text(bytes: &[u8]) -> Option<String> {
    Some(std::str::from_utf8(bytes.strip_suffix(b"\0")?).ok()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(type_string: &str, bytes: &[u8]) -> Value {
        let value = Value::decode(type_string, bytes).unwrap();
        assert_eq!(value.value_type().to_string(), type_string);
        assert_eq!(value.encode(), bytes, "{type_string}");
        value
    }

    #[test]
    fn what_is_read_is_written_again() {
        let entry = b"version\x001.0\0\0s\x08k\0\0\0\x05\0\0\0\0u\x02";
        assert!(Value::decode("a{sv}", entry).is_err());
        round_trip("as", b"ab\0\0\x03\x04");
        round_trip("a{sv}", b"k\0\0\0\0\0\0\0\x05\0\0\0\0u\x02\x0f");
        round_trip("(yu)", &[1, 0, 0, 0, 2, 0, 0, 0]);
        round_trip("()", &[0]);
        round_trip("ms", b"a\0\0");
        round_trip("ms", b"");
        round_trip("mu", &[1, 0, 0, 0]);
        round_trip("(a(say)a(sayay))", &[0]);
        round_trip("ay", b"abc");
        round_trip("v", b"\x05\0\0\0\0u");
        let strings = |texts: Vec<String>| Value::Array(Type::String, texts.into_iter().map(Value::String).collect());
        round_trip("as", &strings(vec!["x".repeat(300), "y".into()]).encode());
        round_trip("as", &strings(vec!["y".into(); 40_000]).encode());
    }

    #[test]
    fn byteswap_reverses_numbers_only() {
        let value = round_trip("(sva{sv}d)", &{
            let inner = Value::Variant(Box::new(Value::Uint32(5)));
            Value::Tuple(vec![
                Value::String("x".into()),
                inner.clone(),
                Value::Array(
                    Type::parse("{sv}").unwrap(),
                    vec![Value::DictEntry(Box::new(Value::String("k".into())), Box::new(inner))],
                ),
                Value::Double(1.5),
            ])
            .encode()
        });
        let Value::Tuple(members) = value.clone().byteswap() else { panic!("a tuple stays a tuple") };
        assert_eq!(members[0], Value::String("x".into()));
        assert_eq!(members[1], Value::Variant(Box::new(Value::Uint32(0x0500_0000))));
        assert_eq!(value.clone().byteswap().byteswap(), value);
    }
}
