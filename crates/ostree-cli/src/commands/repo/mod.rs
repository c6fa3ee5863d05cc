//! The repository commands of `ostree`.

pub mod cat;
pub mod checkout;
pub mod checksum;
pub mod commit;
pub mod config;
pub mod diff;
pub mod export;
pub mod fsck;
pub mod gpg_sign;
pub mod init;
pub mod key_value;
pub mod log;
pub mod log_block;
pub mod ls;
pub mod prune;
pub mod pull_local;
pub mod refs;
pub mod remote;
pub mod reset;
pub mod rev_parse;
pub mod show;
pub mod sign;
pub mod signing;
pub mod sizes;
pub mod summary;
pub mod tree_path;

use anyhow::Result;

use crate::context::Context;

/// One of the repository commands.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Concatenate contents of files
    Cat(cat::Args),
    /// Check out a commit into a filesystem tree
    Checkout(checkout::Args),
    /// Checksum a file or directory
    Checksum(checksum::Args),
    /// Commit a new revision
    Commit(Box<commit::Args>),
    /// Change repo configuration settings
    Config(config::Args),
    /// Compare directory TARGETDIR against revision REV
    Diff(diff::Args),
    /// Stream COMMIT to stdout in tar format
    Export(export::Args),
    /// Check the repository for consistency
    Fsck(fsck::Args),
    /// Sign a commit with GPG keys
    GpgSign(gpg_sign::Args),
    /// Initialize a new empty repository
    Init(init::Args),
    /// Show log starting at commit or ref
    Log(log::Args),
    /// List file paths
    Ls(ls::Args),
    /// Search for unreachable objects
    Prune(prune::Args),
    /// Copy data from SRC_REPO
    PullLocal(pull_local::Args),
    /// List refs
    Refs(refs::Args),
    /// Edit which remote repositories are known
    #[command(subcommand)]
    Remote(remote::Command),
    /// Reset a REF to a previous COMMIT
    Reset(reset::Args),
    /// Output the target of a rev
    RevParse(rev_parse::Args),
    /// Output a metadata object
    Show(show::Args),
    /// Sign a commit
    Sign(sign::Args),
    /// Manage summary metadata
    Summary(summary::Args),
}

/// Runs the command.
pub fn run(command: &Command, context: &Context) -> Result<()> {
    match command {
        Command::Cat(args) => cat::run(args, context),
        Command::Checkout(args) => checkout::run(args, context),
        Command::Checksum(args) => checksum::run(args),
        Command::Commit(args) => commit::run(args, context),
        Command::Config(args) => config::run(args, context),
        Command::Diff(args) => diff::run(args, context),
        Command::Export(args) => export::run(args, context),
        Command::Fsck(args) => fsck::run(args, context),
        Command::GpgSign(args) => gpg_sign::run(args, context),
        Command::Init(args) => init::run(args, context),
        Command::Log(args) => log::run(args, context),
        Command::Ls(args) => ls::run(args, context),
        Command::Prune(args) => prune::run(args, context),
        Command::PullLocal(args) => pull_local::run(args, context),
        Command::Refs(args) => refs::run(args, context),
        Command::Remote(command) => remote::run(command, context),
        Command::Reset(args) => reset::run(args, context),
        Command::RevParse(args) => rev_parse::run(args, context),
        Command::Show(args) => show::run(args, context),
        Command::Sign(args) => sign::run(args, context),
        Command::Summary(args) => summary::run(args, context),
    }
}
