//! The dirtree object: the entries of one directory (GVariant `(a(say)a(sayay))`).

use gvariant::{Marker, Structure, gv};

use crate::checksum::Checksum;
use crate::error::ObjectError;
use crate::gvariant::check_normal;
use crate::id::{DirMetaId, DirTreeId, FileId};
use crate::name::EntryName;

/// A file in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Its name.
    pub name: EntryName,
    /// Its object.
    pub file: FileId,
}

/// A subdirectory in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry {
    /// Its name.
    pub name: EntryName,
    /// Its entries.
    pub tree: DirTreeId,
    /// Its metadata.
    pub meta: DirMetaId,
}

/// The entries of one directory: files and subdirectories, each sorted byte-wise by name; no name stands twice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DirTree {
    files: Vec<FileEntry>,
    dirs: Vec<DirEntry>,
}

impl DirTree {
    /// Sorts the entries. A name that stands twice is refused.
    pub fn new(mut files: Vec<FileEntry>, mut dirs: Vec<DirEntry>) -> Result<Self, ObjectError> {
        files.sort_by(|a, b| a.name.cmp(&b.name));
        dirs.sort_by(|a, b| a.name.cmp(&b.name));
        let tree = Self { files, dirs };
        tree.check_order()?;
        Ok(tree)
    }

    /// The files, sorted by name.
    pub fn files(&self) -> &[FileEntry] {
        &self.files
    }

    /// The subdirectories, sorted by name.
    pub fn dirs(&self) -> &[DirEntry] {
        &self.dirs
    }

    /// The file of this name.
    pub fn file(&self, name: &str) -> Option<&FileEntry> {
        self.files.binary_search_by(|entry| entry.name.as_str().cmp(name)).ok().and_then(|at| self.files.get(at))
    }

    /// The subdirectory of this name.
    pub fn dir(&self, name: &str) -> Option<&DirEntry> {
        self.dirs.binary_search_by(|entry| entry.name.as_str().cmp(name)).ok().and_then(|at| self.dirs.get(at))
    }

    fn check_order(&self) -> Result<(), ObjectError> {
        let unordered = |name: &EntryName| {
            Err(ObjectError::invalid("dirtree", format!("entry '{name}' is repeated or out of order")))
        };
        if let Some(pair) = self.files.windows(2).find(|pair| pair[0].name >= pair[1].name) {
            return unordered(&pair[1].name);
        }
        if let Some(pair) = self.dirs.windows(2).find(|pair| pair[0].name >= pair[1].name) {
            return unordered(&pair[1].name);
        }
        match self.dirs.iter().find(|dir| self.file(dir.name.as_str()).is_some()) {
            Some(dir) => unordered(&dir.name),
            None => Ok(()),
        }
    }

    /// Reads a dirtree object. Refused: bytes not in normal form, names that are no [`EntryName`], checksums that are not
    /// 32 bytes long, entries that are out of order or share a name.
    pub fn decode(bytes: &[u8]) -> Result<Self, ObjectError> {
        check_normal("dirtree", "(a(say)a(sayay))", bytes)?;
        let value = gv!("(a(say)a(sayay))").from_bytes(bytes);
        let (files, dirs) = value.to_tuple();
        let files = files
            .iter()
            .map(|entry| {
                let (name, file) = entry.to_tuple();
                Ok(FileEntry { name: EntryName::new(name.to_str())?, file: FileId::new(Checksum::from_bytes(file)?) })
            })
            .collect::<Result<_, ObjectError>>()?;
        let dirs = dirs
            .iter()
            .map(|entry| {
                let (name, tree, meta) = entry.to_tuple();
                Ok(DirEntry {
                    name: EntryName::new(name.to_str())?,
                    tree: DirTreeId::new(Checksum::from_bytes(tree)?),
                    meta: DirMetaId::new(Checksum::from_bytes(meta)?),
                })
            })
            .collect::<Result<_, ObjectError>>()?;
        let tree = Self { files, dirs };
        tree.check_order()?;
        Ok(tree)
    }

    /// The object's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let files: Vec<(&str, &[u8])> =
            self.files.iter().map(|entry| (entry.name.as_str(), &entry.file.checksum().as_bytes()[..])).collect();
        let dirs: Vec<(&str, &[u8], &[u8])> = self
            .dirs
            .iter()
            .map(|entry| {
                let tree = &entry.tree.checksum().as_bytes()[..];
                (entry.name.as_str(), tree, &entry.meta.checksum().as_bytes()[..])
            })
            .collect();
        gv!("(a(say)a(sayay))").serialize_to_vec(&(&files, &dirs))
    }

    /// The name of the object.
    pub fn id(&self) -> DirTreeId {
        DirTreeId::new(Checksum::of(&self.encode()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> FileEntry {
        FileEntry { name: EntryName::new(name).unwrap(), file: FileId::new(Checksum::of(name.as_bytes())) }
    }

    #[test]
    fn the_empty_directory_is_one_zero_byte() {
        let empty = DirTree::default();
        assert_eq!(empty.encode(), [0]);
        assert_eq!(empty.id().to_string(), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        assert_eq!(DirTree::decode(&[0]).unwrap(), empty);
    }

    #[test]
    fn entries_are_sorted_found_and_unique() {
        let names: Vec<_> = (0..300).map(|n| file(&format!("f{n}"))).collect();
        let tree = DirTree::new(names, Vec::new()).unwrap();
        assert_eq!(DirTree::decode(&tree.encode()).unwrap(), tree);
        assert_eq!(tree.file("f17").unwrap(), &file("f17"));
        assert!(tree.file("g").is_none());
        assert!(DirTree::new(vec![file("a"), file("a")], Vec::new()).is_err());
    }

    #[test]
    fn lying_bytes_are_refused() {
        let mut bytes = DirTree::new(vec![file("ab")], Vec::new()).unwrap().encode();
        assert!(DirTree::decode(&bytes[..bytes.len() - 1]).is_err());
        bytes[0] = b'/';
        assert!(DirTree::decode(&bytes).unwrap_err().to_string().contains("Invalid / in filename"));
    }
}
