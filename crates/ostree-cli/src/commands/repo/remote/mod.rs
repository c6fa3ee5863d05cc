//! `remote`: which other repositories this one knows.

mod add;
mod delete;
mod gpg_import;
mod gpg_list_keys;
mod known;
mod list;
mod show_url;

use anyhow::Result;

use crate::context::Context;

/// One of the remote commands.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Add a remote repository
    Add(add::Args),
    /// Delete a remote repository
    Delete(delete::Args),
    /// Import GPG keys
    GpgImport(gpg_import::Args),
    /// Show remote GPG keys
    GpgListKeys(gpg_list_keys::Args),
    /// List remote repository names
    List(list::Args),
    /// Show remote repository URL
    ShowUrl(show_url::Args),
}

/// Runs the command.
pub fn run(command: &Command, context: &Context) -> Result<()> {
    match command {
        Command::Add(args) => add::run(args, context),
        Command::Delete(args) => delete::run(args, context),
        Command::GpgImport(args) => gpg_import::run(args, context),
        Command::GpgListKeys(args) => gpg_list_keys::run(args, context),
        Command::List(args) => list::run(args, context),
        Command::ShowUrl(args) => show_url::run(args, context),
    }
}
