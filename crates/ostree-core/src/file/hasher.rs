//! The checksum of a file object.

use crate::checksum::{Checksum, ChecksumHasher};
use crate::file::header::FileHeader;
use crate::id::FileId;

/// Computes the id of a file object: SHA-256 over the length-prefixed header and, for a regular file, its content.
#[derive(Debug, Clone)]
pub struct FileHasher(ChecksumHasher);

impl FileHasher {
    /// A hasher that has seen the header.
    pub fn new(header: &FileHeader) -> Self {
        let mut hasher = ChecksumHasher::new();
        hasher.update(&header.encode());
        Self(hasher)
    }

    /// Takes the next bytes of a regular file's content.
    pub fn update(&mut self, content: &[u8]) {
        self.0.update(content);
    }

    /// The id of the object.
    pub fn finish(self) -> FileId {
        FileId::new(self.checksum())
    }

    fn checksum(self) -> Checksum {
        self.0.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::owner::Owner;
    use crate::xattr::Xattrs;

    #[test]
    fn reference_vectors() {
        let root = Owner::default();
        let xattrs = Xattrs::new(vec![(b"user.foo".to_vec(), b"bar".to_vec())]).unwrap();
        let mut hasher = FileHasher::new(&FileHeader::regular(root, 0o644, xattrs));
        hasher.update(b"hello\n");
        let expect = "28af666cd8036303fcab1a13f2ef7f9c9e92b6a392206017d50b932c8ff4daf9";
        assert_eq!(hasher.finish().to_string(), expect);
        let link = FileHeader::symlink(root, "../a", Xattrs::default());
        let expect = "b7fce0a14fd47780c57d30e047616fe30f5c130976c77572676c9e8ef95691fb";
        assert_eq!(FileHasher::new(&link).finish().to_string(), expect);
        let empty = FileHeader::regular(root, 0o4755, Xattrs::default());
        let expect = "2ed2a8cdda46c87a3d257743a7d08c46c6202c399a8008665a4f25176974004b";
        assert_eq!(FileHasher::new(&empty).finish().to_string(), expect);
    }
}
