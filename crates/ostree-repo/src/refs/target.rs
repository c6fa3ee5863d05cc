//! Where a ref is kept.

use ostree_core::{RefName, Refspec, RemoteName};

/// A ref that can be read or written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefTarget {
    /// `refs/heads/REF`
    Local(RefName),
    /// `refs/remotes/REMOTE/REF`
    Remote(RemoteName, RefName),
    /// `refs/mirrors/COLLECTION/REF`; the collection id was checked when it was made.
    Mirror(String, RefName),
}

impl RefTarget {
    /// The path relative to the repository.
    pub fn path(&self) -> String {
        match self {
            Self::Local(name) => format!("refs/heads/{name}"),
            Self::Remote(remote, name) => format!("refs/remotes/{remote}/{name}"),
            Self::Mirror(collection, name) => format!("refs/mirrors/{collection}/{name}"),
        }
    }
}

impl From<Refspec> for RefTarget {
    fn from(refspec: Refspec) -> Self {
        match refspec.remote {
            Some(remote) => Self::Remote(remote, refspec.name),
            None => Self::Local(refspec.name),
        }
    }
}

impl From<RefName> for RefTarget {
    fn from(name: RefName) -> Self {
        Self::Local(name)
    }
}
