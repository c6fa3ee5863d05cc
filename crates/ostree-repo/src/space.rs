//! The free-space budget of a transaction (`core.min-free-space-*`).

use std::sync::atomic::{AtomicI64, Ordering};

use crate::config::MinFreeSpace;
use crate::error::RepoError;
use crate::repo::Repo;

/// How many blocks a transaction may still write.
#[derive(Debug)]
pub struct SpaceBudget {
    blocks: AtomicI64,
    block_size: u64,
    setting: Option<String>,
}

impl SpaceBudget {
    /// The budget of a transaction that starts now.
    pub fn new(repo: &Repo) -> Result<Self, RepoError> {
        let unlimited = Self { blocks: AtomicI64::new(i64::MAX), block_size: 4096, setting: None };
        let stat = rustix::fs::fstatvfs(repo.dir()).map_err(|e| repo.dir().fail("querying free space of", "", e))?;
        let block_size = stat.f_frsize.max(1);
        let (reserved, setting) = match repo.config().min_free_space {
            MinFreeSpace::Percent(0) | MinFreeSpace::Size(0) => return Ok(unlimited),
            MinFreeSpace::Percent(percent) => {
                (stat.f_blocks / 100 * percent, format!("min-free-space-percent '{percent}%'"))
            }
            MinFreeSpace::Size(mib) => {
                (mib.saturating_mul(1 << 20) / block_size, format!("min-free-space-size {mib}MB"))
            }
        };
        let free = if rustix::process::geteuid().is_root() { stat.f_bfree } else { stat.f_bavail };
        let blocks = i64::try_from(free.saturating_sub(reserved)).unwrap_or(i64::MAX);
        Ok(Self { blocks: AtomicI64::new(blocks), block_size, setting: Some(setting) })
    }

    /// Takes the space of an object of `size` bytes, or says how much is lacking.
    pub fn charge(&self, size: u64) -> Result<(), RepoError> {
        let Some(setting) = &self.setting else { return Ok(()) };
        let wanted = self.blocks_for(size);
        let left = self.blocks.fetch_sub(wanted, Ordering::Relaxed).saturating_sub(wanted);
        if left >= 0 {
            return Ok(());
        }
        let needed = left.unsigned_abs().saturating_mul(self.block_size);
        Err(RepoError::NoSpace { setting: setting.clone(), needed })
    }

    /// Gives back the space of an object that turned out to be there already.
    pub fn credit(&self, size: u64) {
        if self.setting.is_some() {
            self.blocks.fetch_add(self.blocks_for(size), Ordering::Relaxed);
        }
    }

    fn blocks_for(&self, size: u64) -> i64 {
        i64::try_from(size / self.block_size + 1).unwrap_or(i64::MAX)
    }
}
