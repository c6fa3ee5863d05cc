//! `tar export`: a commit as a tar stream.

use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use ostree_repo::{Repo, refs};
use ostree_tar::{ExportOptions, Flavour, export};

use crate::commands::container::image_options::FormatArg;
use crate::context::Context;
use crate::output::Output;

/// Write a commit to standard output, as a tar stream that can be imported again
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Accepted for old scripts; only one version of the format is written
    #[arg(long, hide = true, value_name = "N", overrides_with = "format_version")]
    format_version: Option<u32>,
    /// How xattrs stand in the stream
    #[arg(long, value_enum, default_value = "links", value_name = "NAME", overrides_with = "format")]
    format: FormatArg,
    /// Write to a file instead
    #[arg(short, long, value_name = "FILE", overrides_with = "output")]
    output: Option<PathBuf>,
    /// The ref or checksum of the commit
    #[arg(value_name = "REV")]
    rev: String,
}

/// Writes the stream.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let repo = context.open_repo()?;
    match &args.output {
        Some(path) => {
            let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
            write(args, &repo, BufWriter::with_capacity(256 * 1024, file))
        }
        None if std::io::stdout().is_terminal() => bail!("a tar stream is not written to a terminal; see --output"),
        None => write(args, &repo, Output::stdout()),
    }
}

fn write(args: &Args, repo: &Repo, mut out: impl Write) -> Result<()> {
    let commit = refs::resolve(repo, &args.rev)?;
    let flavour = match args.format {
        FormatArg::Links => Flavour::Links,
        FormatArg::Shared => Flavour::Shared,
    };
    export(repo, &commit, ExportOptions { flavour }, &mut out)?;
    Ok(out.flush()?)
}
