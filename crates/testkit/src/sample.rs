//! Sample trees and commits that hold every kind of file and directory.

use ostree_core::tree::MutableTree;
use ostree_core::{
    Commit, CommitId, DirMeta, EntryName, FileHeader, FileId, Metadata, ObjectKind, Owner, RawVariant, StoreError,
    Xattrs, mode,
};

use crate::memory_store::Store;

/// The subject of every sample commit.
pub const SUBJECT: &str = "a sample";
/// The timestamp of every sample commit, in seconds since 1970-01-01 UTC.
pub const TIMESTAMP: u64 = 1_700_000_000;

/// A tree being put together in a store. Paths have no leading slash; directories that are missing on the way are made
/// with root's ownership and mode 0755.
pub struct SampleTree<'a> {
    store: &'a dyn Store,
    root: MutableTree,
}

impl<'a> SampleTree<'a> {
    /// A root directory without entries.
    pub fn new(store: &'a dyn Store) -> Result<Self, StoreError> {
        let mut root = MutableTree::new();
        set_meta(store, &mut root, &DirMeta::root_0755())?;
        Ok(Self { store, root })
    }

    /// Makes a directory with this metadata, or gives it to one that is there. An empty path is the root.
    pub fn dir(&mut self, path: &str, meta: &DirMeta) -> Result<(), StoreError> {
        let store = self.store;
        set_meta(store, self.descend(path)?, meta)
    }

    /// Makes a directory that belongs to root, mode 0755.
    pub fn plain_dir(&mut self, path: &str) -> Result<(), StoreError> {
        self.dir(path, &DirMeta::root_0755())
    }

    /// Puts a file or symlink; `content` is ignored for a symlink.
    pub fn put(&mut self, path: &str, header: &FileHeader, content: &[u8]) -> Result<FileId, StoreError> {
        let content = if header.is_symlink() { &[] } else { content };
        let id = self.store.write_file(header, content.len() as u64, &mut &*content, None)?;
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let store = self.store;
        self.descend(parent)?.put_file(store, EntryName::new(name)?, id)?;
        Ok(id)
    }

    /// Puts a file that belongs to root and has no xattrs.
    pub fn file(&mut self, path: &str, permissions: u32, content: &[u8]) -> Result<FileId, StoreError> {
        self.put(path, &FileHeader::regular(Owner::default(), permissions, Xattrs::default()), content)
    }

    /// Puts a symlink that belongs to root and has no xattrs.
    pub fn symlink(&mut self, path: &str, target: &str) -> Result<FileId, StoreError> {
        self.put(path, &FileHeader::symlink(Owner::default(), target, Xattrs::default()), &[])
    }

    /// Writes the tree and a commit of it with this metadata.
    pub fn commit(&self, metadata: Metadata) -> Result<CommitId, StoreError> {
        let (root_tree, root_meta) = self.root.write(self.store)?;
        let commit = Commit {
            metadata,
            parent: None,
            related: Vec::new(),
            subject: SUBJECT.to_owned(),
            body: String::new(),
            timestamp: TIMESTAMP,
            root_tree,
            root_meta,
        };
        self.store.write_metadata(ObjectKind::Commit, &commit.encode(), None).map(CommitId::new)
    }

    fn descend(&mut self, path: &str) -> Result<&mut MutableTree, StoreError> {
        let store = self.store;
        let mut dir = &mut self.root;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            dir = dir.ensure_dir(store, EntryName::new(name)?)?;
            if dir.meta().is_none() {
                set_meta(store, dir, &DirMeta::root_0755())?;
            }
        }
        Ok(dir)
    }
}

fn set_meta(store: &dyn Store, dir: &mut MutableTree, meta: &DirMeta) -> Result<(), StoreError> {
    let id = store.write_metadata(ObjectKind::DirMeta, &meta.encode(), None)?;
    dir.set_meta(ostree_core::DirMetaId::new(id));
    Ok(())
}

/// A set of xattrs from names and values; panics on a set that is none, which is a mistake in the test.
pub fn xattrs(pairs: &[(&str, &[u8])]) -> Xattrs {
    let pairs = pairs.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec()));
    Xattrs::new(pairs.collect()).expect("the names of sample xattrs are valid")
}

/// Bytes that do not compress and differ with `seed`.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed ^ 0x9e37_79b9_7f4a_7c15;
    let mut step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| step()).collect()
}

/// Files: empty, small, one block exactly, larger than any buffer; several paths of one object; set-uid; foreign owners.
fn add_files(tree: &mut SampleTree<'_>) -> Result<(), StoreError> {
    tree.file("usr/bin/hello", 0o755, b"#!/bin/sh\necho hello\n")?;
    tree.file("usr/bin/again", 0o755, b"#!/bin/sh\necho hello\n")?;
    tree.file("usr/bin/su", 0o4755, b"set-uid")?;
    tree.file("usr/share/empty", 0o644, b"")?;
    tree.file("usr/share/empty-too", 0o644, b"")?;
    tree.file("usr/share/block", 0o644, &noise(1, 512))?;
    tree.file("usr/lib/large", 0o600, &noise(2, 400_000))?;
    tree.file("usr/etc/hostname", 0o644, b"sample\n")?;
    tree.file("usr/etc/conf.d/a.conf", 0o640, b"a=1\n")?;
    tree.file("usr/etcetera/not-etc", 0o644, b"stays\n")?;
    let foreign = FileHeader::regular(Owner { uid: 3_000_000, gid: 65_534 }, 0o640, Xattrs::default());
    tree.put("usr/share/foreign", &foreign, b"owned by somebody\n")?;
    let capability = xattrs(&[
        ("security.capability", b"\x01\0\0\x02\0\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        ("security.selinux", b"system_u:object_r:bin_t:s0\0"),
        ("user.multi", b"line one\nline two\n"),
    ]);
    let header = FileHeader::regular(Owner::default(), 0o755, capability);
    tree.put("usr/bin/ping", &header, b"ping\n")?;
    Ok(())
}

/// Names and targets at and beyond what a tar header holds.
fn add_names(tree: &mut SampleTree<'_>) -> Result<(), StoreError> {
    tree.file("usr/share/größe/ünïcödé", 0o644, b"utf-8\n")?;
    let deep = "usr/share/".to_owned() + &"d".repeat(80);
    tree.file(&format!("{deep}/{}", "n".repeat(9)), 0o644, b"a path of 100 bytes\n")?;
    tree.file(&format!("{deep}/{}", "n".repeat(10)), 0o644, b"a path of 101 bytes\n")?;
    tree.file(&format!("{deep}/{}", "x".repeat(255)), 0o644, b"the longest name\n")?;
    tree.symlink("usr/bin/link", "hello")?;
    tree.symlink("usr/bin/link-too", "hello")?;
    tree.symlink("usr/lib/denormal", "../..//usr/./bin/hello")?;
    tree.symlink("usr/lib/absolute", "/usr/lib/../bin/hello/.")?;
    tree.symlink("usr/lib/far", &format!("../{}/{}", "t".repeat(60), "u".repeat(200)))?;
    let label = xattrs(&[("security.selinux", b"system_u:object_r:lib_t:s0\0")]);
    tree.put("usr/lib/labelled", &FileHeader::symlink(Owner { uid: 7, gid: 8 }, "large", label), &[])?;
    Ok(())
}

/// Directories: odd modes and owners, with xattrs, empty ones, an empty `/sysroot`, `/var/tmp`.
fn add_dirs(tree: &mut SampleTree<'_>) -> Result<(), StoreError> {
    let sticky = DirMeta { owner: Owner::default(), mode: mode::DIRECTORY | 0o1777, xattrs: Xattrs::default() };
    tree.dir("var/tmp", &sticky)?;
    tree.dir("tmp", &sticky)?;
    let owned = DirMeta {
        owner: Owner { uid: 1000, gid: 1000 },
        mode: mode::DIRECTORY | 0o2750,
        xattrs: xattrs(&[("user.dir", b"\0\n\0")]),
    };
    tree.dir("home/user", &owned)?;
    tree.plain_dir("sysroot")
}

/// A commit with every kind of file and directory, signed-looking detached metadata included.
pub fn commit(store: &dyn Store) -> Result<CommitId, StoreError> {
    let mut tree = SampleTree::new(store)?;
    add_files(&mut tree)?;
    add_names(&mut tree)?;
    add_dirs(&mut tree)?;
    let metadata = Metadata::from_iter([
        ("version", RawVariant::string("1.0")),
        ("ostree.bootable", RawVariant::boolean(true)),
        ("ostree.linux", RawVariant::string("6.1.0-sample")),
    ]);
    let id = tree.commit(metadata)?;
    let signatures = RawVariant::byte_arrays([&b"no signature"[..]]);
    store.write_detached(&id, &Metadata::from_iter([("ostree.gpgsigs", signatures)]))?;
    Ok(id)
}

/// A commit of one file in one directory.
pub fn small_commit(store: &dyn Store) -> Result<CommitId, StoreError> {
    let mut tree = SampleTree::new(store)?;
    tree.file("usr/hello", 0o644, b"hello\n")?;
    tree.commit(Metadata::default())
}

/// A commit whose only directory is an empty `/sysroot`.
pub fn sysroot_only_commit(store: &dyn Store) -> Result<CommitId, StoreError> {
    let mut tree = SampleTree::new(store)?;
    tree.plain_dir("sysroot")?;
    tree.file("marker", 0o644, b"x")?;
    tree.commit(Metadata::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory_store::MemoryStore;

    #[test]
    fn samples_are_complete_and_reproducible() {
        for make in [commit, small_commit, sysroot_only_commit] {
            let (a, b) = (MemoryStore::new(), MemoryStore::new());
            let id = make(&a).expect("written");
            assert_eq!(make(&b).expect("written"), id);
            assert!(ostree_core::walk::missing(&a, &id).expect("walked").is_empty());
        }
    }

    #[test]
    fn noise_differs_with_the_seed() {
        assert_eq!(noise(5, 64), noise(5, 64));
        assert_ne!(noise(5, 64), noise(6, 64));
    }
}
