//! `tar import`: a tar stream becomes a commit.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use ostree_core::{CommitId, ReadObject, Refspec};
use ostree_repo::partial::{self, CommitState};
use ostree_tar::{ImportOptions, check_complete, import};

use crate::context::Context;
use crate::output::line;

/// Import a tar stream that holds an OSTree commit
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Create an OSTree ref pointing to the imported commit
    #[arg(long, value_name = "REF", overrides_with = "write_ref")]
    write_ref: Option<Refspec>,
    /// The stream (default: standard input)
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,
}

/// Prints the commit.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let repo = context.open_writable()?;
    let stream: Box<dyn Read> = match &args.path {
        Some(path) => Box::new(File::open(path).with_context(|| format!("opening {}", path.display()))?),
        None => Box::new(io::stdin().lock()),
    };
    let transaction = repo.transaction(Default::default())?;
    // A commit that is here and whole stays so, whatever becomes of this import.
    let mark = |commit: &CommitId| match repo.has_object(&commit.object())? {
        true => Ok(()),
        false => Ok(partial::mark(&repo, commit, CommitState::Partial)?),
    };
    let writers = oci_image::default_jobs().get();
    let options = ImportOptions { verify: None, on_commit: Some(&mark), writers };
    let commit = import(stream, &transaction, options)?.commit;
    check_complete(&transaction, &commit)?;
    if let Some(name) = &args.write_ref {
        transaction.set_ref(name.clone(), Some(commit));
    }
    transaction.commit()?;
    partial::clear(&repo, &commit)?;
    line(format_args!("Imported: {commit}"))
}
