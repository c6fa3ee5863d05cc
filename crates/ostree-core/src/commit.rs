//! The commit object (GVariant `(a{sv}aya(say)sstayay)`).

use gvariant::{Marker, Structure, gv};

use crate::checksum::{Checksum, ChecksumHasher};
use crate::error::ObjectError;
use crate::gvariant::check_normal;
use crate::id::{CommitId, DirMetaId, DirTreeId};
use crate::metadata::Metadata;

/// A commit: a root directory with a subject, a time, a parent and metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The metadata, in the order it is stored.
    pub metadata: Metadata,
    /// The commit this one follows.
    pub parent: Option<CommitId>,
    /// "Related objects": a remnant that nothing writes. Kept so that a commit that has some keeps its bytes.
    pub related: Vec<(String, Vec<u8>)>,
    /// One line of description; may be empty.
    pub subject: String,
    /// Further description; may be empty.
    pub body: String,
    /// Seconds since 1970-01-01 UTC.
    pub timestamp: u64,
    /// The entries of the root directory.
    pub root_tree: DirTreeId,
    /// The metadata of the root directory.
    pub root_meta: DirMetaId,
}

impl Commit {
    /// Reads a commit object. Refused: bytes not in normal form, empty metadata keys, checksums of a wrong length.
    pub fn decode(bytes: &[u8]) -> Result<Self, ObjectError> {
        check_normal("commit", "(a{sv}aya(say)sstayay)", bytes)?;
        let value = gv!("(a{sv}aya(say)sstayay)").from_bytes(bytes);
        let (metadata, parent, related, subject, body, timestamp, tree, meta) = value.to_tuple();
        let metadata = Metadata::from_wire(metadata.iter().map(|entry| {
            let (key, value) = entry.to_tuple();
            (key.to_str(), value)
        }))?;
        let related = related.iter().map(|entry| {
            let (name, checksum) = entry.to_tuple();
            (name.to_str().to_owned(), checksum.to_vec())
        });
        Ok(Self {
            metadata,
            parent: match parent {
                [] => None,
                parent => Some(CommitId::new(Checksum::from_bytes(parent)?)),
            },
            related: related.collect(),
            subject: subject.to_str().to_owned(),
            body: body.to_str().to_owned(),
            timestamp: u64::from_be(*timestamp),
            root_tree: DirTreeId::new(Checksum::from_bytes(tree)?),
            root_meta: DirMetaId::new(Checksum::from_bytes(meta)?),
        })
    }

    /// The object's bytes. A NUL in subject or body ends it, because the format has no other way.
    pub fn encode(&self) -> Vec<u8> {
        let metadata = self.metadata.wire();
        let parent: &[u8] = self.parent.as_ref().map_or(&[], |parent| parent.checksum().as_bytes());
        let related: Vec<(&str, &[u8])> =
            self.related.iter().map(|(name, checksum)| (name.as_str(), checksum.as_slice())).collect();
        let text = |text: &str| text.split('\0').next().unwrap_or_default().to_owned();
        gv!("(a{sv}aya(say)sstayay)").serialize_to_vec(&(
            &metadata,
            parent,
            &related,
            text(&self.subject).as_str(),
            text(&self.body).as_str(),
            self.timestamp.to_be(),
            &self.root_tree.checksum().as_bytes()[..],
            &self.root_meta.checksum().as_bytes()[..],
        ))
    }

    /// The name of the object.
    pub fn id(&self) -> CommitId {
        CommitId::new(Checksum::of(&self.encode()))
    }

    /// The checksum of the tree alone, equal for commits of the same content.
    pub fn content_checksum(&self) -> Checksum {
        let mut hasher = ChecksumHasher::new();
        hasher.update(self.root_tree.checksum().as_bytes());
        hasher.update(self.root_meta.checksum().as_bytes());
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::RawVariant;

    #[test]
    fn reference_vector() {
        // Made by `ostree commit` 2022.7; its tree is known by the first and last bytes only, so the id is not compared.
        let mut metadata = Metadata::default();
        metadata.push("version", RawVariant::string("1.0"));
        metadata.push("k", RawVariant { type_string: "u".into(), bytes: 5u32.to_le_bytes().to_vec() });
        metadata.push("ostree.ref-binding", RawVariant::strings(["main"]));
        let commit = Commit {
            metadata,
            parent: None,
            related: Vec::new(),
            subject: "subj".into(),
            body: "body text".into(),
            timestamp: 1_700_000_000,
            root_tree: DirTreeId::new(Checksum::of(b"x")),
            root_meta: "446a0ef11b7cc167f3b603e585c7eeeeb675faa412d5ec73f62988eb0b6c5488".parse().unwrap(),
        };
        let bytes = commit.encode();
        assert_eq!(bytes.len(), 166);
        assert_eq!(&bytes[..16], b"version\x001.0\0\0s\x08\0");
        assert_eq!(&bytes[160..], [0x80, 0x54, 0x4a, 0x45, 0x45, 0x45]);
        assert_eq!(Commit::decode(&bytes).unwrap(), commit);
        assert!(Commit::decode(&bytes[1..]).is_err());
    }
}
