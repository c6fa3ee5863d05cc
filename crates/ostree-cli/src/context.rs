//! What every command is given: the options that belong to none, and the repository they choose.

use std::path::{Path, PathBuf};

use anyhow::Result;
use ostree_repo::Repo;

use crate::exit::UsageError;

/// Options that may stand before or after the command.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Context {
    /// Path to the repository (default: the current directory, $OSTREE_REPO, or $OSTREE_SYSROOT/ostree/repo)
    #[arg(long, global = true, value_name = "PATH", overrides_with = "repo")]
    pub repo: Option<PathBuf>,
    /// Print more about what is done
    #[arg(short, long, global = true, overrides_with = "verbose")]
    pub verbose: bool,
    /// Whether names of images without a registry are looked up, as the other programs do not
    #[arg(skip)]
    pub short_names: bool,
}

impl Context {
    /// Where the repository is: `--repo`, the current directory if it is one, `$OSTREE_REPO`, the system's.
    pub fn repo_path(&self) -> Result<PathBuf> {
        if let Some(path) = &self.repo {
            return Ok(path.clone());
        }
        if Path::new("objects").is_dir() && Path::new("config").is_file() {
            return Ok(PathBuf::from("."));
        }
        if let Some(path) = std::env::var_os("OSTREE_REPO") {
            return Ok(path.into());
        }
        let sysroot = std::env::var_os("OSTREE_SYSROOT").map_or_else(|| PathBuf::from("/"), PathBuf::from);
        let system = sysroot.join("ostree/repo");
        if system.join("objects").is_dir() {
            return Ok(system);
        }
        Err(UsageError("Command requires a --repo argument".to_owned()).into())
    }

    /// Opens the repository for reading.
    pub fn open_repo(&self) -> Result<Repo> {
        Ok(Repo::open(&self.repo_path()?)?)
    }

    /// Opens the repository and makes sure that it can be written.
    pub fn open_writable(&self) -> Result<Repo> {
        let repo = self.open_repo()?;
        repo.check_writable()?;
        Ok(repo)
    }
}
