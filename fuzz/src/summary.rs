//! Summaries of repositories.

use ostree_core::gvariant::Value;
use ostree_core::gvariant::text::parse;
use ostree_core::summary::Summary;

/// The type of a summary.
const TYPE: &str = "(a(s(taya{sv}))a{sv})";

/// What is accepted is a value that is written again as the same bytes, with as many refs.
pub fn run(data: &[u8]) {
    let Ok(summary) = Summary::decode(data) else { return };
    let value = Value::decode(TYPE, data).expect("what the typed reader takes, the dynamic one does too");
    assert_eq!(value.encode(), data);
    let Value::Tuple(members) = value else { panic!("a tuple type gives a tuple") };
    let Some(Value::Array(_, refs)) = members.first() else { panic!("the first member is an array") };
    assert_eq!(refs.len(), summary.refs.len());
    assert_eq!(summary.encode().expect("what was read can be written"), data);
}

/// Summaries of no and of two refs.
pub fn seeds() -> Vec<Vec<u8>> {
    let checksum = format!("[{}]", vec!["byte 0x0a"; 32].join(", "));
    let entry = |name: &str| format!("('{name}', (uint64 100, {checksum}, {{'k': <uint64 5>}}))");
    let full = format!("([{}, {}], {{'ostree.summary.mode': <'archive-z2'>}})", entry("a"), entry("b/c"));
    let empty = "(@a(s(taya{sv})) [], @a{sv} {})".to_owned();
    [full, empty].iter().map(|text| parse(text).expect("the seed is a value").encode()).collect()
}
