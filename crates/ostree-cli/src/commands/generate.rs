//! Shell completions and man pages, made from the command tree.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap_complete::Shell;

use crate::output::Output;

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Write the man pages
#[derive(Debug, clap::Args)]
pub struct ManArgs {
    /// Where to
    #[arg(long, value_name = "DIR")]
    directory: PathBuf,
}

/// Prints the script.
pub fn completions(args: &CompletionsArgs, mut tree: clap::Command) -> Result<()> {
    let name = tree.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut tree, name, &mut script);
    let mut out = Output::stdout();
    std::io::Write::write_all(&mut out, &script)?;
    Ok(std::io::Write::flush(&mut out)?)
}

/// Writes one page a command.
pub fn man(args: &ManArgs, tree: clap::Command) -> Result<()> {
    std::fs::create_dir_all(&args.directory).with_context(|| format!("creating {}", args.directory.display()))?;
    clap_mangen::generate_to(tree, &args.directory)
        .with_context(|| format!("writing man pages to {}", args.directory.display()))
}
