//! The commits that keep the files of a chunk.

use ostree_core::{
    Commit, CommitId, DirMeta, DirMetaId, DirTree, DirTreeId, EntryName, FileEntry, FileId, Metadata, ObjectKind,
    StoreError, WriteObject,
};

/// Writes the commit that keeps the files of a chunk: each stands in the root under its own checksum.
pub fn write(store: &dyn WriteObject, files: &[FileId]) -> Result<CommitId, StoreError> {
    let entry = |file: &FileId| Ok(FileEntry { name: EntryName::new(file.checksum().to_string())?, file: *file });
    let entries = files.iter().map(entry).collect::<Result<_, StoreError>>()?;
    let tree = DirTree::new(entries, Vec::new())?.encode();
    let root_tree = DirTreeId::new(store.write_metadata(ObjectKind::DirTree, &tree, None)?);
    let meta = DirMeta::root_0755().encode();
    let root_meta = DirMetaId::new(store.write_metadata(ObjectKind::DirMeta, &meta, None)?);
    let commit = plain(Metadata::default(), root_tree, root_meta);
    Ok(CommitId::new(store.write_metadata(ObjectKind::Commit, &commit.encode(), None)?))
}

/// The files that a commit made by [`write`] keeps; `None` if `commit` is none.
pub fn files(commit: &Commit, root: &DirTree) -> Option<Vec<FileId>> {
    let flat = commit.metadata.is_empty() && commit.timestamp == 0 && root.dirs().is_empty();
    let named = |entry: &FileEntry| entry.name.as_str() == entry.file.checksum().to_string();
    (flat && root.files().iter().all(named)).then(|| root.files().iter().map(|entry| entry.file).collect())
}

/// A commit that says nothing about itself, not even when it was made.
pub fn plain(metadata: Metadata, root_tree: DirTreeId, root_meta: DirMetaId) -> Commit {
    Commit {
        metadata,
        parent: None,
        related: Vec::new(),
        subject: String::new(),
        body: String::new(),
        timestamp: 0,
        root_tree,
        root_meta,
    }
}
