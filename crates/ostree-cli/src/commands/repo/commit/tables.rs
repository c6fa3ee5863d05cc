//! The files that say what of a tree is changed or left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use ostree_repo::commit::{Modifier, StatOverride};

use crate::commands::repo::commit::args::Args;

/// What the options change of every entry.
pub fn modifier(args: &Args) -> Result<Modifier> {
    let mut modifier = Modifier::default();
    modifier.owner_uid = args.owner_uid;
    modifier.owner_gid = args.owner_gid;
    modifier.canonical_permissions = args.canonical_permissions;
    modifier.read_only_executables = args.mode_ro_executables;
    modifier.no_xattrs = args.no_xattrs;
    if let Some(path) = &args.statoverride {
        modifier.stat_overrides = stat_overrides(path)?;
    }
    if let Some(path) = &args.skip_list {
        modifier.skip = skip_list(path)?;
    }
    Ok(modifier)
}

/// A file of one path a line, to be left out.
pub fn skip_list(path: &Path) -> Result<BTreeSet<String>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

/// Lines of `MODE PATH`, whose bits are added, or `=MODE PATH`, whose bits replace the permissions; in decimal.
fn stat_overrides(path: &Path) -> Result<BTreeMap<String, StatOverride>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let mut found = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let Some((mode, entry)) = line.split_once(' ') else { bail!("Malformed statoverride file (no space found)") };
        let (digits, replaces) = match mode.strip_prefix('=') {
            Some(digits) => (digits, true),
            None => (mode, false),
        };
        let bits = leading_number(digits);
        let change = if replaces { StatOverride::Replace(bits) } else { StatOverride::Add(bits) };
        found.insert(entry.to_owned(), change);
    }
    Ok(found)
}

/// The number a text starts with, 0 if none: a mode of letters changes nothing, as in the reference program.
fn leading_number(text: &str) -> u32 {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    text.get(..end).and_then(|digits| digits.parse().ok()).unwrap_or_default()
}

/// Refuses paths in the tables that no entry had.
pub fn check_matched(args: &Args, modifier: &Modifier) -> Result<()> {
    let unmatched = modifier.unmatched_overrides();
    if args.statoverride.is_some() && !unmatched.is_empty() {
        unmatched.iter().for_each(|path| eprintln!("Unmatched statoverride path: {path}"));
        bail!("Unmatched statoverride paths");
    }
    let unmatched = modifier.unmatched_skips();
    if args.skip_list.is_some() && !unmatched.is_empty() {
        unmatched.iter().for_each(|path| eprintln!("Unmatched skip-list path: {path}"));
        bail!("Unmatched skip-list paths");
    }
    Ok(())
}
