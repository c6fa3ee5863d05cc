//! `config`: read and edit the repository's configuration.

use anyhow::{Context as _, Result, bail};
use ostree_repo::keyfile::KeyFile;

use crate::commands::repo::key_value::{escape, unescape};
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
            let Some(value) = operands.next() else { bail!("KEY and VALUE must be specified") };
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
