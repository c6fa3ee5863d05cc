//! Free space in a repository's file system, and the budget that a transaction has of it (`core.min-free-space-*`).

use std::sync::atomic::{AtomicI64, Ordering};

use crate::config::MinFreeSpace;
use crate::error::RepoError;
use crate::repo::Repo;

/// The space in the file system of a repository, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreeSpace {
    /// What this process could write, all of it: for root that is more than for others.
    pub free: u64,
    /// What of it the repository's configuration leaves to others.
    pub reserved: u64,
    /// The setting that reserves it, with its value; `None` where nothing is reserved.
    pub setting: Option<String>,
    /// The size of a block.
    block_size: u64,
}

impl FreeSpace {
    /// The space as it is now.
    ///
    /// # Errors
    /// The file system cannot be asked.
    pub fn of(repo: &Repo) -> Result<Self, RepoError> {
        let stat = rustix::fs::fstatvfs(repo.dir()).map_err(|e| repo.dir().fail("querying free space of", "", e))?;
        let block_size = stat.f_frsize.max(1);
        let (reserved, setting) = match repo.config().min_free_space {
            MinFreeSpace::Percent(0) | MinFreeSpace::Size(0) => (0, None),
            MinFreeSpace::Percent(percent) => {
                (stat.f_blocks / 100 * percent, Some(format!("min-free-space-percent '{percent}%'")))
            }
            MinFreeSpace::Size(mib) => {
                (mib.saturating_mul(1 << 20) / block_size, Some(format!("min-free-space-size {mib}MB")))
            }
        };
        let free = if rustix::process::geteuid().is_root() { stat.f_bfree } else { stat.f_bavail };
        let bytes = |blocks: u64| blocks.saturating_mul(block_size);
        Ok(Self { free: bytes(free), reserved: bytes(reserved), setting, block_size })
    }

    /// What the repository may grow by.
    pub fn available(&self) -> u64 {
        self.free.saturating_sub(self.reserved)
    }

    /// How many bytes must become free until `needed` bytes can be written; 0 if there is room for them. That is more than
    /// `needed` where less is free than is reserved.
    pub fn shortfall(&self, needed: u64) -> u64 {
        match needed {
            0 => 0,
            needed => needed.saturating_add(self.reserved).saturating_sub(self.free),
        }
    }
}

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
        let space = FreeSpace::of(repo)?;
        let blocks = match space.setting {
            Some(_) => i64::try_from(space.available() / space.block_size).unwrap_or(i64::MAX),
            None => i64::MAX,
        };
        Ok(Self { blocks: AtomicI64::new(blocks), block_size: space.block_size, setting: space.setting })
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

#[cfg(test)]
mod tests {
    use super::FreeSpace;

    #[test]
    fn what_is_reserved_is_short_too() {
        let space = |free, reserved| FreeSpace { free, reserved, setting: None, block_size: 4096 };
        for (free, reserved, needed, short) in
            [(10, 3, 7, 0), (10, 3, 8, 1), (10, 3, 0, 0), (2, 9, 4, 11), (2, 9, 0, 0), (0, u64::MAX, 1, u64::MAX)]
        {
            assert_eq!(space(free, reserved).shortfall(needed), short, "{free} {reserved} {needed}");
        }
        assert_eq!((space(10, 3).available(), space(2, 9).available()), (7, 0));
    }
}
