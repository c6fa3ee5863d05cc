//! `remote list`: which remotes there are.

use std::io::Write;

use anyhow::Result;

use crate::commands::repo::remote::known;
use crate::context::Context;
use crate::output::Output;

/// List remote repository names
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show remote URLs in list
    #[arg(short = 'u', long)]
    show_urls: bool,
}

/// Prints one remote a line.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let repo = context.open_repo()?;
    let file = &repo.config().file;
    let names = known::names(file);
    let width = names.iter().map(|name| name.as_str().len()).max().unwrap_or_default();
    let mut out = Output::stdout();
    for name in &names {
        if args.show_urls {
            writeln!(out, "{name:width$}  {}", known::url(file, name)?)?;
        } else {
            writeln!(out, "{name}")?;
        }
    }
    Ok(out.flush()?)
}
