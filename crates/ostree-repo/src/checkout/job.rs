//! What all threads of one checkout share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ostree_core::walk::load_dirmeta;
use ostree_core::{DirMeta, DirMetaId};

use crate::checkout::options::{CheckoutOptions, Counters};
use crate::error::RepoError;
use crate::fs::Dir;
use crate::fs::reflink::CopyAbilities;
use crate::repo::Repo;

/// How many directory metadata objects are remembered. A tree has a few dozen different ones at most; a hostile one, in
/// which all differ, gains nothing from more.
const REMEMBERED_METAS: usize = 256;

/// One checkout.
pub struct Job<'r> {
    pub repo: &'r Repo,
    pub options: CheckoutOptions,
    pub counters: Counters,
    pub abilities: CopyAbilities,
    /// Where user checkouts from an archive keep decompressed files.
    pub cache: Option<Dir>,
    metas: Mutex<HashMap<DirMetaId, Arc<DirMeta>>>,
    temporaries: AtomicU64,
}

impl<'r> Job<'r> {
    /// A checkout from `repo` with options that were resolved for it.
    pub fn new(repo: &'r Repo, options: CheckoutOptions) -> Self {
        Self {
            repo,
            options,
            counters: Counters::default(),
            abilities: CopyAbilities::default(),
            metas: Mutex::default(),
            cache: None,
            temporaries: AtomicU64::new(0),
        }
    }

    /// The metadata of a directory.
    pub fn meta(&self, id: &DirMetaId) -> Result<Arc<DirMeta>, RepoError> {
        if let Some(meta) = self.metas.lock().unwrap_or_else(PoisonError::into_inner).get(id) {
            return Ok(Arc::clone(meta));
        }
        let meta = Arc::new(load_dirmeta(self.repo, id)?);
        let mut metas = self.metas.lock().unwrap_or_else(PoisonError::into_inner);
        if metas.len() >= REMEMBERED_METAS {
            metas.clear();
        }
        metas.insert(*id, Arc::clone(&meta));
        Ok(meta)
    }

    /// A name that nothing in the destination has.
    pub fn temporary_name(&self) -> String {
        let number = self.temporaries.fetch_add(1, Ordering::Relaxed);
        format!(".ostree-checkout.{}.{number}.tmp", std::process::id())
    }
}
