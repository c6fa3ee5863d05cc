//! Metadata values as trees and back.

use crate::error::ObjectError;
use crate::gvariant::Value;
use crate::metadata::RawVariant;

impl TryFrom<&RawVariant> for Value {
    type Error = ObjectError;

    fn try_from(raw: &RawVariant) -> Result<Self, ObjectError> {
        Self::decode(&raw.type_string, &raw.bytes)
    }
}

impl From<&Value> for RawVariant {
    fn from(value: &Value) -> Self {
        Self { type_string: value.value_type().to_string(), bytes: value.encode() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        let long = RawVariant::strings(["x".repeat(300).as_str(), "y"]);
        assert_eq!(RawVariant::from(&Value::try_from(&long).unwrap()), long);
    }
}
