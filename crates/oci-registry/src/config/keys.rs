//! The keys of a `registries.conf` file in whatever case they are written: Go's programs, whose files these are, read them
//! without regard to it, and a `Blocked` that is not seen lets in what is forbidden.

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Every key that means something, except for the names of aliases, whose case counts.
const KNOWN: [&str; 15] = [
    "unqualified-search-registries",
    "credential-helpers",
    "short-name-mode",
    "aliases",
    "registry",
    "prefix",
    "location",
    "insecure",
    "blocked",
    "mirror-by-digest-only",
    "mirror",
    "pull-from-mirror",
    "registries",
    "search",
    "block",
];

/// What is wrong with a key, and where it stands in the text.
pub(super) type Problem = (Range<usize>, String);

/// Writes the known keys of a table, and of all tables in it, in lower case. Where they stand in the text stays.
pub(super) fn lower(table: &mut DeTable<'_>) -> Result<(), Problem> {
    let mut lowered = DeTable::new();
    for (mut key, mut value) in std::mem::take(table) {
        let small = key.get_ref().to_ascii_lowercase();
        if KNOWN.contains(&small.as_str()) {
            *key.get_mut() = Cow::Owned(small);
        }
        if key.get_ref() != "aliases" {
            lower_in(value.get_mut())?;
        }
        let (name, span) = (key.get_ref().to_string(), key.span());
        // Which of the two counts is chance in Go.
        if lowered.insert(key, value).is_some() {
            return Err((span, format!("{name} stands there twice, whose case does not count")));
        }
    }
    *table = lowered;
    Ok(())
}

fn lower_in(value: &mut DeValue<'_>) -> Result<(), Problem> {
    match value {
        DeValue::Table(table) => lower(table),
        DeValue::Array(array) => array.iter_mut().map(Spanned::get_mut).try_for_each(lower_in),
        _ => Ok(()),
    }
}
