//! A commit as `log` and `show` print it.

use std::io::Write;

use anyhow::Result;
use ostree_core::gvariant::{Value, text};
use ostree_core::{Commit, CommitId, metadata};

use crate::output::utc_date;

/// How objects are printed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    /// As GVariant text.
    pub raw: bool,
    /// As GVariant text with the numbers as they are stored instead of read as big-endian, and then readable.
    pub no_byteswap: bool,
}

/// Prints a commit; `bytes` is the object.
pub fn print(out: &mut impl Write, id: &CommitId, bytes: &[u8], style: Style) -> Result<()> {
    writeln!(out, "commit {id}")?;
    if style.raw || style.no_byteswap {
        writeln!(out, "{}", variant_text("(a{sv}aya(say)sstayay)", bytes, style.no_byteswap)?)?;
        // The reference program goes on with the readable form when it leaves the numbers alone.
        if !style.no_byteswap {
            return Ok(());
        }
    }
    let commit = Commit::decode(bytes)?;
    if let Some(parent) = &commit.parent {
        writeln!(out, "Parent:  {parent}")?;
    }
    writeln!(out, "ContentChecksum:  {}", commit.content_checksum())?;
    match utc_date(commit.timestamp) {
        Some(date) => writeln!(out, "Date:  {date}")?,
        None => writeln!(out, "Date:  invalid date {}", commit.timestamp)?,
    }
    if let Some(version) = commit.metadata.get_str(metadata::VERSION) {
        writeln!(out, "Version: {version}")?;
    }
    if commit.subject.is_empty() {
        writeln!(out, "(no subject)")?;
    } else {
        writeln!(out)?;
        indented(out, &commit.subject)?;
    }
    if !commit.body.is_empty() {
        writeln!(out)?;
        indented(out, &commit.body)?;
    }
    writeln!(out)?;
    Ok(())
}

fn indented(out: &mut impl Write, text: &str) -> Result<()> {
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        writeln!(out, "    {line}")?;
    }
    Ok(())
}

/// The GVariant text of serialised bytes, numbers read as big-endian unless `no_byteswap`.
pub fn variant_text(type_string: &str, bytes: &[u8], no_byteswap: bool) -> Result<String> {
    let value = Value::decode(type_string, bytes)?;
    Ok(text::print(&if no_byteswap { value } else { value.byteswap() }, true))
}
