//! `config`: read and edit the repository's configuration.

use anyhow::{Context as _, Result, bail};
use ostree_repo::keyfile::KeyFile;

use crate::context::Context;
use crate::exit::UsageError;
use crate::output::line;

/// Change repo configuration settings
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The group of KEY
    #[arg(long, value_name = "GROUP", overrides_with = "group")]
    group: Option<String>,
    /// get, set or unset
    #[arg(value_name = "OPERATION")]
    operation: String,
    /// SECTION.KEY, or KEY with --group; for set followed by the value
    #[arg(value_name = "KEY [VALUE]")]
    operands: Vec<String>,
}

/// Reads or edits one key.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let repo = context.open_repo()?;
    let mut operands = args.operands.iter();
    let known = matches!(args.operation.as_str(), "get" | "set" | "unset");
    if !known {
        return Err(UsageError(format!("Unknown operation {}", args.operation)).into());
    }
    let Some(key) = operands.next() else { bail!("KEY must be specified") };
    let (group, key) = match &args.group {
        Some(group) => (group.as_str(), key.as_str()),
        None => key.split_once('.').context("Key must be of the form \"sectionname.keyname\"")?,
    };
    if operands.len() > usize::from(args.operation == "set") {
        bail!("Too many arguments given");
    }
    let mut file = repo.config().file.clone();
    match args.operation.as_str() {
        "get" => {
            let raw = file.get(group, key).with_context(|| missing(&file, group, key))?;
            return line(unescape(raw));
        }
        "set" => {
            let Some(value) = operands.next() else { bail!("VALUE must be specified") };
            file.set(group, key, &escape(value));
        }
        _ => drop(file.unset(group, key)),
    }
    repo.check_writable()?;
    Ok(repo.write_config(&file)?)
}

fn missing(file: &KeyFile, group: &str, key: &str) -> String {
    if file.groups().contains(&group) {
        format!("Key file does not have key “{key}” in group “{group}”")
    } else {
        format!("Key file does not have group “{group}”")
    }
}

/// A value as GLib writes it: leading blanks and control characters would not survive as they are.
fn escape(value: &str) -> String {
    let mut out = String::new();
    let mut leading = true;
    for c in value.chars() {
        match c {
            ' ' if leading => out.push_str("\\s"),
            '\t' if leading => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\\' => out.push_str("\\\\"),
            other => {
                leading = false;
                out.push(other);
            }
        }
    }
    out
}

fn unescape(raw: &str) -> String {
    let mut out = String::new();
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('s') => out.push(' '),
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_the_key_file() {
        for text in ["a;b;", "  two blanks", "a\nb\\c", "\tx\ty", ""] {
            assert_eq!(unescape(&escape(text)), text);
        }
        assert_eq!(escape(" a b\\"), "\\sa b\\\\");
    }
}
