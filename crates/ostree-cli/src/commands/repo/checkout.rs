//! `checkout`: a commit becomes files.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use ostree_repo::{CheckoutOptions, LinkPolicy, Repo, UnionMode, refs};

use crate::args::yes_or_no;
use crate::commands::repo::commit::skip_list;
use crate::context::Context;

/// Check out a commit into a filesystem tree
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Do not change file ownership or initialize extended attributes
    #[arg(short = 'U', long)]
    user_mode: bool,
    /// Do not update or use the internal repository uncompressed object cache
    #[arg(long)]
    disable_cache: bool,
    /// Checkout sub-directory PATH
    #[arg(long, value_name = "PATH", overrides_with = "subpath")]
    subpath: Option<String>,
    /// Keep existing directories, overwrite existing files
    #[arg(long)]
    union: bool,
    /// Keep existing files/directories, only add new
    #[arg(long)]
    union_add: bool,
    /// When layering checkouts, error out if a file would be replaced with a different version, but add new files and
    /// directories
    #[arg(long)]
    union_identical: bool,
    /// Process 'whiteout' (Docker style) entries
    #[arg(long)]
    whiteouts: bool,
    /// Enable overlayfs whiteout extraction into char 0:0 devices
    #[arg(long)]
    process_passthrough_whiteouts: bool,
    /// Do nothing if specified path does not exist
    #[arg(long)]
    allow_noent: bool,
    /// Process many checkouts from standard input
    #[arg(long)]
    from_stdin: bool,
    /// Process many checkouts from input file
    #[arg(long, value_name = "FILE", overrides_with = "from_file")]
    from_file: Option<PathBuf>,
    /// Whether to sync the checkout to disk
    #[arg(long, value_name = "POLICY", value_parser = yes_or_no, overrides_with = "fsync")]
    fsync: Option<bool>,
    /// Do not fall back to full copies if hardlinking fails
    #[arg(short = 'H', long)]
    require_hardlinks: bool,
    /// Never hardlink (but may reflink if available)
    #[arg(short = 'C', long)]
    force_copy: bool,
    /// Do not hardlink zero-sized files (they never are)
    #[arg(short = 'z', long)]
    force_copy_zerosized: bool,
    /// Suppress mode bits outside of 0775 for directories (suid, world writable, etc.)
    #[arg(short = 'M', long)]
    bareuseronly_dirs: bool,
    /// File containing list of files to skip
    #[arg(long, value_name = "FILE", overrides_with = "skip_list")]
    skip_list: Option<PathBuf>,
    /// Set SELinux labels based on policy in root filesystem PATH (may be /); implies --force-copy
    #[arg(long, value_name = "PATH", overrides_with = "selinux_policy")]
    selinux_policy: Option<String>,
    /// When setting SELinux labels, prefix all paths by PREFIX
    #[arg(long, value_name = "PREFIX", overrides_with = "selinux_prefix")]
    selinux_prefix: Option<String>,
    /// Create an EROFS composefs image
    #[arg(long)]
    composefs: bool,
    /// Create an EROFS composefs image without fs-verity digests
    #[arg(long)]
    composefs_noverity: bool,
    /// The commit; with --from-stdin or --from-file the destination
    #[arg(value_name = "COMMIT")]
    commit: String,
    /// Where to (default: a directory called as COMMIT)
    #[arg(value_name = "DESTINATION")]
    destination: Option<PathBuf>,
}

/// Checks out one commit, or as many as a list names.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let repo = context.open_repo()?;
    let options = options(args)?;
    if args.from_stdin || args.from_file.is_some() {
        return many(args, &repo, &options);
    }
    let commit = refs::resolve(&repo, &args.commit)?;
    let destination = args.destination.clone().unwrap_or_else(|| PathBuf::from(&args.commit));
    ostree_repo::checkout(&repo, &commit, &destination, &options)?;
    Ok(())
}

fn options(args: &Args) -> Result<CheckoutOptions> {
    let unsupported = [
        (args.selinux_policy.is_some(), "--selinux-policy"),
        (args.composefs, "--composefs"),
        (args.composefs_noverity, "--composefs-noverity"),
    ];
    if args.selinux_prefix.is_some() && args.selinux_policy.is_none() {
        bail!("Cannot specify --selinux-prefix without --selinux-policy");
    }
    if let Some((_, option)) = unsupported.into_iter().find(|(is_asked, _)| *is_asked) {
        bail!("{option} is not supported yet");
    }
    let link = match (args.require_hardlinks, args.force_copy) {
        (true, true) => bail!("Cannot specify both --require-hardlinks and --force-copy"),
        (true, false) => LinkPolicy::RequireHardlinks,
        (false, true) => LinkPolicy::ForceCopy,
        (false, false) => LinkPolicy::Any,
    };
    let union = match (args.union, args.union_add, args.union_identical) {
        (true, true, _) => bail!("Cannot specify both --union and --union-add"),
        (true, _, true) => bail!("Cannot specify both --union and --union-identical"),
        (_, true, true) => bail!("Cannot specify both --union-add and --union-identical"),
        (true, ..) => UnionMode::Replace,
        (_, true, _) => UnionMode::Add,
        (_, _, true) => UnionMode::Identical,
        _ => UnionMode::None,
    };
    Ok(CheckoutOptions {
        user_mode: args.user_mode,
        link,
        union,
        whiteouts: args.whiteouts,
        passthrough_whiteouts: args.process_passthrough_whiteouts,
        subpath: args.subpath.clone().unwrap_or_default(),
        allow_noent: args.allow_noent,
        bareuseronly_dirs: args.bareuseronly_dirs,
        skip_list: args.skip_list.as_deref().map(skip_list).transpose()?.unwrap_or_default(),
        fsync: args.fsync.unwrap_or_default(),
        uncompressed_cache: !args.disable_cache,
        jobs: None,
    })
}

/// Checks out every `REV NUL SUBPATH NUL` of the list over one destination.
fn many(args: &Args, repo: &Repo, options: &CheckoutOptions) -> Result<()> {
    let mut list = Vec::new();
    match &args.from_file {
        Some(path) => list = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?,
        None => drop(std::io::stdin().lock().read_to_end(&mut list).context("reading standard input")?),
    }
    let text = std::str::from_utf8(&list).context("the list of checkouts is not UTF-8")?;
    let mut words = text.split('\0');
    while let Some(rev) = words.next().filter(|rev| !rev.is_empty()) {
        let Some(subpath) = words.next() else { bail!("the list of checkouts ends after '{rev}'") };
        let commit = refs::resolve(repo, rev)?;
        let one = CheckoutOptions { subpath: subpath.to_owned(), ..options.clone() };
        ostree_repo::checkout(repo, &commit, Path::new(&args.commit), &one)?;
    }
    Ok(())
}
