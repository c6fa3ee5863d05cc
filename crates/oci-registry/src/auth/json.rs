//! JSON as the other tools read it: names in any case, and `null` for what is not there.

use serde_json::{Map, Value};

/// The members of an object.
#[derive(Debug, Default)]
pub(super) struct Members(Map<String, Value>);

impl Members {
    /// Those of `value`; none of `null`. The error says what is wrong with `name`, and nothing of its content.
    pub(super) fn of(value: Value, name: &str) -> Result<Self, String> {
        match value {
            Value::Object(members) => Ok(Self(members)),
            Value::Null => Ok(Self::default()),
            _ => Err(format!("{name} is no JSON object")),
        }
    }

    /// Takes the member `name` out, preferably the one that is written just so.
    fn take(&mut self, name: &str) -> Value {
        let written = self.0.keys().find(|key| key.eq_ignore_ascii_case(name));
        let found = if self.0.contains_key(name) { Some(name.to_owned()) } else { written.cloned() };
        found.and_then(|name| self.0.remove(&name)).unwrap_or_default()
    }

    /// The text in the member `name`; empty where there is none.
    pub(super) fn text(&mut self, name: &str) -> Result<String, String> {
        text(self.take(name), name)
    }

    /// The texts in the object `name`, by their names as they are written.
    pub(super) fn texts(&mut self, name: &str) -> Result<Vec<(String, String)>, String> {
        let members = Self::of(self.take(name), name)?.0.into_iter();
        members.map(|(key, value)| text(value, &key).map(|value| (key, value))).collect()
    }

    /// The objects in the object `name`, by their names as they are written.
    pub(super) fn objects(&mut self, name: &str) -> Result<Vec<(String, Self)>, String> {
        Self::of(self.take(name), name)?.into_objects()
    }

    /// The members themselves, which must be objects, by their names as they are written.
    pub(super) fn into_objects(self) -> Result<Vec<(String, Self)>, String> {
        self.0.into_iter().map(|(key, value)| Self::of(value, &key).map(|value| (key, value))).collect()
    }
}

fn text(value: Value, name: &str) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Null => Ok(String::new()),
        _ => Err(format!("{name} is no text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_any_case_and_null_for_nothing() {
        let mut members = Members::of(serde_json::json!({"NAME": "a", "name": "b", "x": null, "y": 5}), "all").unwrap();
        assert_eq!((members.text("name"), members.text("name")), (Ok("b".into()), Ok("a".into())));
        assert_eq!((members.text("x"), members.text("z")), (Ok(String::new()), Ok(String::new())));
        assert_eq!(members.text("Y").unwrap_err(), "Y is no text");
        assert!(Members::of(Value::Null, "all").unwrap().0.is_empty() && Members::of(5.into(), "all").is_err());
    }
}
