//! The options of `commit`.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::args::yes_or_no;
use crate::commands::repo::signing::SignOptions;

/// Commit a new revision
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ostree-container repo commit --repo repo --branch os/stable --tree dir=rootfs\n  \
    ostree-container repo commit --repo repo --branch os/stable --tree dir=rootfs \\\n    \
    --gpg-homedir secret.asc --gpg-sign release@example.org"
)]
pub struct Args {
    /// Parent commit checksum, or "none"
    #[arg(long, value_name = "COMMIT", overrides_with = "parent")]
    pub parent: Option<String>,
    /// One line subject
    #[arg(short, long, value_name = "SUBJECT", overrides_with = "subject")]
    pub subject: Option<String>,
    /// Full description
    #[arg(short = 'm', long, value_name = "BODY", overrides_with = "body")]
    pub body: Option<String>,
    /// Commit message from FILE path
    #[arg(short = 'F', long, value_name = "FILE", overrides_with = "body_file")]
    pub body_file: Option<PathBuf>,
    /// Use an editor to write the commit message
    #[arg(short, long)]
    pub editor: bool,
    /// Branch
    #[arg(short, long, value_name = "BRANCH", overrides_with = "branch")]
    pub branch: Option<String>,
    /// Create a commit without writing a ref
    #[arg(long)]
    pub orphan: bool,
    /// Do not write any ref bindings
    #[arg(long)]
    pub no_bindings: bool,
    /// Add a ref to ref binding commit metadata
    #[arg(long, value_name = "BRANCH")]
    pub bind_ref: Vec<String>,
    /// Start from the given commit as a base (no modifiers apply)
    #[arg(long, value_name = "REV", overrides_with = "base")]
    pub base: Option<String>,
    /// Overlay the given argument as a tree
    #[arg(long, value_name = "dir=PATH or tar=TARFILE or ref=COMMIT")]
    pub tree: Vec<String>,
    /// Add a key/value pair to metadata
    #[arg(long, value_name = "KEY=VALUE")]
    pub add_metadata_string: Vec<String>,
    /// Add a key/value pair to metadata, where the KEY is a string, and VALUE is in GVariant Text Format
    #[arg(long, value_name = "KEY=VALUE")]
    pub add_metadata: Vec<String>,
    /// Keep metadata KEY and its associated VALUE from parent
    #[arg(long, value_name = "KEY")]
    pub keep_metadata: Vec<String>,
    /// Add a key/value pair to detached metadata
    #[arg(long, value_name = "KEY=VALUE")]
    pub add_detached_metadata_string: Vec<String>,
    /// Set file ownership user id
    #[arg(long, value_name = "UID", overrides_with = "owner_uid")]
    pub owner_uid: Option<u32>,
    /// Set file ownership group id
    #[arg(long, value_name = "GID", overrides_with = "owner_gid")]
    pub owner_gid: Option<u32>,
    /// Canonicalize permissions in the same way bare-user does for hardlinked files
    #[arg(long)]
    pub canonical_permissions: bool,
    /// Flag this commit as a bootable OSTree (e.g. contains a Linux kernel)
    #[arg(long)]
    pub bootable: bool,
    /// Ensure executable files are not writable
    #[arg(long)]
    pub mode_ro_executables: bool,
    /// Do not import extended attributes
    #[arg(long)]
    pub no_xattrs: bool,
    /// Set SELinux labels based on policy in root filesystem PATH (may be /)
    #[arg(long, value_name = "PATH", overrides_with = "selinux_policy")]
    pub selinux_policy: Option<String>,
    /// Set SELinux labels based on first --tree argument
    #[arg(short = 'P', long)]
    pub selinux_policy_from_base: bool,
    /// Configure SELinux label rules; 0 is the default, 1 equals /usr/etc to /etc
    #[arg(long, value_name = "EPOCH", overrides_with = "selinux_labeling_epoch")]
    pub selinux_labeling_epoch: Option<u32>,
    /// Optimize for commits of trees composed of hardlinks into the repository
    #[arg(long)]
    pub link_checkout_speedup: bool,
    /// Assume hardlinked objects are unmodified; implies --link-checkout-speedup
    #[arg(short = 'I', long)]
    pub devino_canonical: bool,
    /// When loading tar archives, automatically create parent directories as needed
    #[arg(long)]
    pub tar_autocreate_parents: bool,
    /// When loading tar archives, use REGEX,REPLACEMENT against path names
    #[arg(long, value_name = "REGEX,REPLACEMENT", overrides_with = "tar_pathname_filter")]
    pub tar_pathname_filter: Option<String>,
    /// If the contents are unchanged from previous commit, do nothing
    #[arg(long)]
    pub skip_if_unchanged: bool,
    /// File containing list of modifications to make to permissions
    #[arg(long, value_name = "PATH", overrides_with = "statoverride")]
    pub statoverride: Option<PathBuf>,
    /// File containing list of files to skip
    #[arg(long, value_name = "PATH", overrides_with = "skip_list")]
    pub skip_list: Option<PathBuf>,
    /// Consume (delete) content after commit (for local directories)
    #[arg(long)]
    pub consume: bool,
    /// Output more information in a KEY: VALUE format
    #[arg(long)]
    pub table_output: bool,
    /// Who signs the commit
    #[command(flatten)]
    pub signing: SignOptions,
    /// Generate size information along with commit metadata
    #[arg(long)]
    pub generate_sizes: bool,
    /// Generate composefs metadata
    #[arg(long)]
    pub generate_composefs_metadata: bool,
    /// Do not sync anything to disk
    #[arg(long)]
    pub disable_fsync: bool,
    /// Whether to sync everything to disk
    #[arg(long, value_name = "POLICY", value_parser = yes_or_no, overrides_with = "fsync")]
    pub fsync: Option<bool>,
    /// Override the timestamp of the commit
    #[arg(long, value_name = "TIMESTAMP", overrides_with = "timestamp")]
    pub timestamp: Option<String>,
    /// The directory to commit where no --tree is given (default: the current one)
    #[arg(value_name = "PATH")]
    pub path: Option<PathBuf>,
}

impl Args {
    /// Refuses options that contradict each other, and what is not there yet rather than leaving it out of the commit.
    pub fn check(&self) -> Result<()> {
        let asked = [(self.generate_composefs_metadata, "--generate-composefs-metadata"), (self.editor, "--editor")];
        if self.canonical_permissions && self.owner_uid.is_some_and(|uid| uid != 0) {
            bail!("Cannot specify both --canonical-permissions and non-zero --owner-uid");
        }
        if self.canonical_permissions && self.owner_gid.is_some_and(|gid| gid != 0) {
            bail!("Cannot specify both --canonical-permissions and non-zero --owner-gid");
        }
        match asked.into_iter().find(|(is_asked, _)| *is_asked) {
            Some((_, option)) => bail!("{option} is not supported yet"),
            None => Ok(()),
        }
    }
}
