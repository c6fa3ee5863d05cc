//! The commit object and the metadata that binds it to refs.

use ostree_core::metadata::{COLLECTION_BINDING, REF_BINDING};
use ostree_core::tree::MutableTree;
use ostree_core::walk::load_commit;
use ostree_core::{
    Commit, CommitId, DirMetaId, DirTreeId, Metadata, ObjectKind, RawVariant, RefName, StoreError, WriteObject,
};

use crate::error::RepoError;
use crate::partial;
use crate::repo::Repo;
use crate::transaction::Transaction;

/// What a commit is to say besides its tree.
#[derive(Debug, Clone, Default)]
pub struct CommitParams {
    /// The metadata, in the order it is stored; bindings included.
    pub metadata: Metadata,
    /// Detached metadata to go with it.
    pub detached: Metadata,
    /// The commit before it.
    pub parent: Option<CommitId>,
    /// One line of description.
    pub subject: String,
    /// Further description.
    pub body: String,
    /// Seconds since 1970-01-01 UTC.
    pub timestamp: u64,
}

/// The refs and the collection a commit is made for.
#[derive(Debug, Clone, Default)]
pub struct Bindings {
    /// The refs, in any order.
    pub refs: Vec<RefName>,
    /// The collection.
    pub collection: Option<String>,
}

/// Appends the bindings to `metadata`: the refs sorted; the collection only where the user did not name one.
pub fn bind(metadata: &mut Metadata, bindings: &Bindings) {
    let mut refs: Vec<&str> = bindings.refs.iter().map(RefName::as_str).collect();
    refs.sort_unstable();
    metadata.push(REF_BINDING, RawVariant::strings(refs));
    if let Some(collection) = &bindings.collection
        && metadata.get(COLLECTION_BINDING).is_none()
    {
        metadata.push(COLLECTION_BINDING, RawVariant::string(collection));
    }
}

/// Writes a commit of the tree with this root, and its detached metadata if there is any.
pub fn write_commit(
    transaction: &Transaction<'_>,
    (root_tree, root_meta): (DirTreeId, DirMetaId),
    params: CommitParams,
) -> Result<CommitId, RepoError> {
    let commit = Commit {
        metadata: params.metadata,
        parent: params.parent,
        related: Vec::new(),
        subject: params.subject,
        body: params.body,
        timestamp: params.timestamp,
        root_tree,
        root_meta,
    };
    let bytes = commit.encode();
    // The reading side refuses what is not well-formed; better not to write it in the first place.
    Commit::decode(&bytes).map_err(StoreError::Invalid)?;
    let id = CommitId::new(transaction.write_metadata(ObjectKind::Commit, &bytes, None)?);
    if !params.detached.is_empty() {
        transaction.write_detached(&id, &params.detached)?;
    }
    Ok(id)
}

/// The tree of a commit that is there, to be laid over another. Of a partial commit it is an error.
pub fn commit_tree(repo: &Repo, id: &CommitId) -> Result<MutableTree, RepoError> {
    if partial::state(repo, id)? != partial::CommitState::Complete {
        return Err(RepoError::Request(format!("Commit {id} is partial")));
    }
    let commit = load_commit(repo, id)?;
    Ok(MutableTree::stored(commit.root_tree, commit.root_meta))
}
