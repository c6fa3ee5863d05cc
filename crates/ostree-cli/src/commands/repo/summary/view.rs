//! A summary in words.

use std::io::Write;

use anyhow::Result;
use ostree_core::RawVariant;
use ostree_core::gvariant::{Value, text};
use ostree_core::summary::{self, Summary, SummaryRef};

use crate::output::{Output, zoned_date};

/// Prints the refs, those of the repository's own collection first, and then what is said of the repository.
pub fn print(out: &mut Output, summary: &Summary) -> Result<()> {
    let own = summary.metadata.get_str(summary::COLLECTION_ID);
    summary.refs.iter().try_for_each(|entry| print_ref(out, own, entry))?;
    let map = summary.metadata.get(summary::COLLECTION_MAP).and_then(summary::collections).unwrap_or_default();
    for (collection, refs) in &map {
        refs.iter().try_for_each(|entry| print_ref(out, Some(collection), entry))?;
    }
    for (key, value) in summary.metadata.iter() {
        let words = match key {
            summary::TOMBSTONES => value.as_bool().map(|is_set| if is_set { "Yes" } else { "No" }.to_owned()),
            summary::COLLECTION_MAP => Some("(printed above)".to_owned()),
            summary::MODE | summary::COLLECTION_ID => value.as_str().map(str::to_owned),
            _ => time(key, value),
        };
        let words = words.map_or_else(|| plain(value), Ok)?;
        match pretty(key) {
            Some(pretty) => writeln!(out, "{pretty} ({key}): {words}")?,
            None => writeln!(out, "{key}: {words}")?,
        }
    }
    Ok(())
}

fn print_ref(out: &mut Output, collection: Option<&str>, entry: &SummaryRef) -> Result<()> {
    match collection {
        Some(collection) => writeln!(out, "* ({collection}, {})", entry.name)?,
        None => writeln!(out, "* {}", entry.name)?,
    }
    writeln!(out, "    Latest Commit ({} bytes):\n      {}", entry.commit_size, entry.commit)?;
    for (key, value) in entry.metadata.iter() {
        let words = match (key, value.as_str()) {
            (summary::COMMIT_VERSION, Some(version)) => version.to_owned(),
            _ => time(key, value).map_or_else(|| plain(value), Ok)?,
        };
        match pretty(key) {
            Some(pretty) => writeln!(out, "    {pretty} ({key}): {words}")?,
            None => writeln!(out, "    {key}: {words}")?,
        }
    }
    writeln!(out)?;
    Ok(())
}

/// What a key is called.
fn pretty(key: &str) -> Option<&'static str> {
    Some(match key {
        summary::COMMIT_VERSION => "Version",
        summary::COMMIT_TIMESTAMP => "Timestamp",
        summary::MODE => "Repository Mode",
        summary::LAST_MODIFIED => "Last-Modified",
        summary::EXPIRES => "Expires",
        summary::TOMBSTONES => "Has Tombstone Commits",
        summary::COLLECTION_ID => "Collection ID",
        summary::COLLECTION_MAP => "Collection Map",
        _ => return None,
    })
}

/// The value of a key that holds a time.
fn time(key: &str, value: &RawVariant) -> Option<String> {
    match key {
        summary::COMMIT_TIMESTAMP | summary::LAST_MODIFIED | summary::EXPIRES => {
            Some(zoned_date(u64::from_be(value.as_u64()?)))
        }
        _ => None,
    }
}

fn plain(value: &RawVariant) -> Result<String> {
    Ok(text::print(&Value::try_from(value)?, false))
}
