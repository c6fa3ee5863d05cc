//! `reset`: let a ref point to another commit.

use anyhow::{Result, bail};
use ostree_core::ReadObject;
use ostree_core::{Refspec, StoreError};
use ostree_repo::refs::{self, RefTarget};

use crate::context::Context;

/// Reset a REF to a previous COMMIT
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The ref
    #[arg(value_name = "REF")]
    name: String,
    /// The commit
    #[arg(value_name = "COMMIT")]
    commit: String,
}

/// Moves the ref; it must be there already.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let repo = context.open_writable()?;
    let commit = refs::resolve(&repo, &args.commit)?;
    let known = args
        .name
        .parse::<Refspec>()
        .ok()
        .filter(|name| refs::read(&repo, &RefTarget::from(name.clone())).is_ok_and(|found| found.is_some()));
    let Some(refspec) = known else { bail!("Invalid ref '{}'", args.name) };
    let name = commit.object();
    if !repo.has_object(&name)? {
        return Err(StoreError::Missing { name }.into());
    }
    let transaction = repo.transaction(Default::default())?;
    transaction.set_ref(refspec, Some(commit));
    transaction.commit()?;
    Ok(())
}
