//! Tar archives as part of a commit's tree.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use ostree_core::tree::MutableTree;
use ostree_repo::Transaction;
use ostree_repo::commit::Modifier;
use ostree_tar::{TreeOptions, add_archive};
use regex_lite::Regex;

use crate::commands::repo::commit::args::Args;

/// Lays the archive at `path`, or on standard input for `-`, over `tree`.
pub fn add(
    args: &Args,
    transaction: &Transaction<'_>,
    tree: &mut MutableTree,
    path: &Path,
    modifier: &Modifier,
) -> Result<()> {
    let stream: Box<dyn Read> = match path == Path::new("-") {
        true => Box::new(io::stdin().lock()),
        false => Box::new(File::open(path).with_context(|| format!("opening {}", path.display()))?),
    };
    let filter = args.tar_pathname_filter.as_deref().map(PathFilter::parse).transpose()?;
    let rename = filter.as_ref().map(|filter| move |path: &str| filter.apply(path));
    let options = TreeOptions {
        autocreate_parents: args.tar_autocreate_parents,
        rename: rename.as_ref().map(|rename| rename as &dyn Fn(&str) -> String),
        writers: oci_image::default_jobs().get(),
    };
    add_archive(tree, stream, transaction, modifier, &options)
        .with_context(|| format!("tar archive {}", path.display()))
}

/// What `--tar-pathname-filter` makes of paths.
struct PathFilter {
    pattern: Regex,
    replacement: String,
}

impl PathFilter {
    fn parse(text: &str) -> Result<Self> {
        let Some((pattern, replacement)) = text.split_once(',') else {
            bail!("Missing ',' in --tar-pathname-filter={text}");
        };
        let pattern = Regex::new(pattern).with_context(|| format!("--tar-pathname-filter: {pattern}"))?;
        Ok(Self { pattern, replacement: replacement_of(replacement) })
    }

    fn apply(&self, path: &str) -> String {
        self.pattern.replace_all(path, self.replacement.as_str()).into_owned()
    }
}

/// GLib writes the group of a match as `\1`; here it is `${1}`, and a dollar is written twice.
fn replacement_of(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '$' => out.push_str("$$"),
            '\\' => match chars.next() {
                Some(digit) if digit.is_ascii_digit() => out.extend(["${", &digit.to_string(), "}"]),
                Some(other) => out.push(other),
                None => {}
            },
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_renamed_as_glib_does() {
        let filter = PathFilter::parse("^etc/,usr/etc/").unwrap();
        assert_eq!(filter.apply("etc/passwd"), "usr/etc/passwd");
        assert_eq!(filter.apply("var/etc/x"), "var/etc/x");
        assert_eq!(PathFilter::parse("(a+)/b,$\\1c").unwrap().apply("aa/b"), "$aac");
        assert!(PathFilter::parse("a").is_err());
        assert!(PathFilter::parse("(,a").is_err());
    }
}
