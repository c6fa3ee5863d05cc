//! Strict JSON: members keep their order and their repetitions, until somebody says which may be there.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::error::shown;
use crate::limits::MEMBERS;

/// Any JSON value, with every member as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads one document; nesting beyond 128 levels is refused.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

/// A value and where it stands, as in `transports.docker[2]`.
#[derive(Debug, Clone)]
pub(crate) struct At<'a> {
    pub(crate) json: &'a Json,
    path: String,
}

impl<'a> At<'a> {
    /// The whole document.
    pub(crate) fn top(json: &'a Json) -> Self {
        Self { json, path: String::new() }
    }

    /// A complaint about this value.
    pub(crate) fn wrong(&self, reason: impl fmt::Display) -> String {
        if self.path.is_empty() { reason.to_string() } else { format!("{}: {reason}", self.path) }
    }

    fn expected(&self, what: &str) -> String {
        self.wrong(format_args!("expected {what}, found {}", self.json.kind()))
    }

    /// The text it must be.
    pub(crate) fn text(&self) -> Result<&'a str, String> {
        match self.json {
            Json::Text(text) => Ok(text),
            _ => Err(self.expected("a string")),
        }
    }

    /// The whole number it must be.
    pub(crate) fn integer(&self) -> Result<i64, String> {
        match self.json {
            Json::Number(number) => number.as_i64().ok_or_else(|| self.expected("a whole number")),
            _ => Err(self.expected("a whole number")),
        }
    }

    /// The items of the list it must be.
    pub(crate) fn list(&self) -> Result<Vec<At<'a>>, String> {
        let Json::List(items) = self.json else { return Err(self.expected("a list")) };
        let item = |(index, json)| At { json, path: format!("{}[{index}]", self.path) };
        Ok(items.iter().enumerate().map(item).collect())
    }

    /// The members of the object it must be; none twice.
    pub(crate) fn object(&self) -> Result<Members<'a>, String> {
        let Json::Object(members) = self.json else { return Err(self.expected("an object")) };
        let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair.first() == pair.last()) {
            return Err(self.wrong(format_args!("duplicate key {:?}", shown(pair.first().unwrap_or(&"")))));
        }
        let at = |(name, json): &'a (String, Json)| {
            let dot = if self.path.is_empty() { "" } else { "." };
            (name.as_str(), At { json, path: format!("{}{dot}{}", self.path, shown(name)) })
        };
        Ok(Members { whole: self.clone(), left: members.iter().map(at).collect() })
    }
}

/// The members of an object, which are taken one by one.
#[derive(Debug)]
pub(crate) struct Members<'a> {
    whole: At<'a>,
    left: Vec<(&'a str, At<'a>)>,
}

impl<'a> Members<'a> {
    /// Takes a member that may be there.
    pub(crate) fn optional(&mut self, name: &str) -> Option<At<'a>> {
        let index = self.left.iter().position(|(left, _)| *left == name)?;
        Some(self.left.swap_remove(index).1)
    }

    /// Takes a member that must be there.
    pub(crate) fn required(&mut self, name: &str) -> Result<At<'a>, String> {
        self.optional(name).ok_or_else(|| self.whole.wrong(format_args!("key {name:?} is missing")))
    }

    /// Takes all others.
    pub(crate) fn rest(self) -> Vec<(&'a str, At<'a>)> {
        self.left
    }

    /// Ends here: there must be no other member.
    pub(crate) fn end(self) -> Result<(), String> {
        match self.left.first() {
            None => Ok(()),
            Some((name, _)) => Err(self.whole.wrong(format_args!("unknown key {:?}", shown(name)))),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Builder)
    }
}

struct Builder;

impl<'de> Visitor<'de> for Builder {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Json, E> {
        serde_json::Number::from_f64(value).map(Json::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = access.next_entry()? {
            if members.len() == MEMBERS {
                return Err(serde::de::Error::custom(format_args!("more than {MEMBERS} members in one object")));
            }
            members.push(member);
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_taken_once_and_all() {
        let json = Json::parse(br#"{"a":{"b":[1,"x"],"c":null}}"#).unwrap();
        let mut top = At::top(&json).object().unwrap();
        let a = top.required("a").unwrap();
        top.end().unwrap();
        let mut a = a.object().unwrap();
        let list = a.required("b").unwrap().list().unwrap();
        assert_eq!(list[0].integer(), Ok(1));
        assert_eq!(list[1].text(), Ok("x"));
        assert_eq!(list[0].text().unwrap_err(), "a.b[0]: expected a string, found a number");
        assert_eq!(a.required("d").unwrap_err(), "a: key \"d\" is missing");
        assert_eq!(a.end().unwrap_err(), "a: unknown key \"c\"");
    }

    #[test]
    fn repetitions_are_refused_where_they_are() {
        let json = Json::parse(br#"{"x":[{"k":1,"k":1}]}"#).unwrap();
        let x = At::top(&json).object().unwrap().required("x").unwrap();
        assert_eq!(x.list().unwrap()[0].object().unwrap_err(), "x[0]: duplicate key \"k\"");
        assert!(Json::parse(b"{} {}").is_err() && Json::parse(&b"[".repeat(10_000)).is_err());
    }
}
