//! `pull-local`: copy commits from another repository on disk.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::{Result, bail};
use ostree_core::{RemoteName, VerifyCommit};
use ostree_repo::Repo;
use ostree_repo::copy::{CopyOptions, pull_local};
use ostree_repo::summary;
use ostree_sign::{CommitVerifier, RemoteTrust, SignVerify};

use crate::context::Context;
use crate::output::{line, local_date};
use crate::trust;

/// Copy data from SRC_REPO
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Fetch only the commit metadata
    #[arg(long)]
    commit_metadata_only: bool,
    /// Add REMOTE to refspec
    #[arg(long, value_name = "REMOTE", overrides_with = "remote")]
    remote: Option<RemoteName>,
    /// Do not invoke fsync()
    #[arg(long)]
    disable_fsync: bool,
    /// Perform writes in such a way that avoids stalling concurrent processes
    #[arg(long)]
    per_object_fsync: bool,
    /// Verify checksums of local sources (always enabled for HTTP pulls)
    #[arg(long)]
    untrusted: bool,
    /// Reject regular files with mode outside of 0775 (world writable, suid, etc.)
    #[arg(long)]
    bareuseronly_files: bool,
    /// Require static deltas
    #[arg(long)]
    require_static_deltas: bool,
    /// Do not use static deltas (none are used)
    #[arg(long)]
    disable_static_deltas: bool,
    /// GPG verify commits (must specify --remote)
    #[arg(long)]
    gpg_verify: bool,
    /// GPG verify summary (must specify --remote)
    #[arg(long)]
    gpg_verify_summary: bool,
    /// Verify signatures of commits by the keys of engines (must specify --remote)
    #[arg(long)]
    sign_verify: bool,
    /// Do not verify commit bindings
    #[arg(long)]
    disable_verify_bindings: bool,
    /// Traverse DEPTH parents (-1=infinite) (default: 0)
    #[arg(long, value_name = "DEPTH", allow_negative_numbers = true, default_value_t = 0, overrides_with = "depth")]
    depth: i64,
    /// The repository to copy from
    #[arg(value_name = "SRC_REPO")]
    source: PathBuf,
    /// Refs or checksums (default: all local refs)
    #[arg(value_name = "REFS")]
    refs: Vec<String>,
}

/// Copies, and tells how much.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let unsupported = [(args.require_static_deltas, "--require-static-deltas")];
    if let Some((_, option)) = unsupported.into_iter().find(|(is_asked, _)| *is_asked) {
        bail!("{option} is not supported yet");
    }
    let destination = context.open_writable()?;
    let source = Repo::open(&args.source)?;
    let verifier = args.verifier(&destination, &source)?;
    let names: Vec<&str> = args.refs.iter().map(String::as_str).collect();
    let options = CopyOptions {
        remote: args.remote.as_ref(),
        depth: u64::try_from(args.depth).ok(),
        commit_metadata_only: args.commit_metadata_only,
        untrusted: args.untrusted,
        fsync: args.disable_fsync.then_some(false),
        per_object_fsync: args.per_object_fsync.then_some(true),
        disable_verify_bindings: args.disable_verify_bindings,
        bareuseronly_files: args.bareuseronly_files,
        verifier: verifier.as_ref().map(|verifier| verifier as &dyn VerifyCommit),
        jobs: None,
    };
    let on_terminal = std::io::stderr().is_terminal();
    let stats = pull_local(&source, &destination, &names, &options, &mut |stats| {
        if on_terminal {
            // Progress that cannot be shown is no reason to stop.
            let _ = write!(std::io::stderr(), "\r\x1b[K{stats}");
        }
    })?;
    if on_terminal {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
    line(stats)
}

impl Args {
    /// What checks commits, if they are to be checked: signatures are asked for by option alone. Checks the summary of the
    /// source where that is asked for.
    fn verifier(&self, destination: &Repo, source: &Repo) -> Result<Option<CommitVerifier>> {
        if !self.gpg_verify && !self.gpg_verify_summary && !self.sign_verify {
            return Ok(None);
        }
        let Some(remote) = &self.remote else { bail!("Must specify remote name to enable gpg verification") };
        let configured = trust::remote(destination, remote)?;
        let sign_verify = match configured.sign_verify.clone() {
            _ if !self.sign_verify => SignVerify::Off,
            SignVerify::Off => SignVerify::Any,
            asked => asked,
        };
        let asked = RemoteTrust {
            gpg_verify: self.gpg_verify,
            gpg_verify_summary: self.gpg_verify_summary,
            sign_verify,
            sign_verify_summary: SignVerify::Off,
            ..configured
        };
        let verifier = CommitVerifier::new(&asked, SystemTime::now(), local_date)?;
        if self.gpg_verify_summary {
            let Some(files) = summary::read(source)? else {
                bail!(
                    "GPG verification enabled, but no summary found (use gpg-verify-summary=false in remote config to disable)"
                )
            };
            verifier.verify_summary(&files.summary, files.signatures.as_deref())?;
        }
        Ok(Some(verifier))
    }
}
