//! The summary of a repository (GVariant `(a(s(taya{sv}))a{sv})`), read only.

use gvariant::{Marker, Structure, gv};

use crate::checksum::Checksum;
use crate::error::ObjectError;
use crate::gvariant::check_normal;
use crate::id::CommitId;
use crate::metadata::Metadata;

/// One ref in a summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SummaryRef {
    /// The name of the ref, as the summary has it.
    pub name: String,
    /// The size of the commit object in bytes.
    pub commit_size: u64,
    /// The commit the ref points to.
    pub commit: CommitId,
    /// Further facts about the commit, such as `ostree.commit.timestamp`.
    pub metadata: Metadata,
}

/// A repository's refs and facts, in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The refs, in the order of the file (sorted by name).
    pub refs: Vec<SummaryRef>,
    /// Facts about the repository.
    pub metadata: Metadata,
}

impl Summary {
    /// Reads a summary. Refused: bytes not in normal form, and checksums of a wrong length. The commit size is read in
    /// little-endian order, in which every little-endian writer leaves it.
    pub fn decode(bytes: &[u8]) -> Result<Self, ObjectError> {
        check_normal("summary", "(a(s(taya{sv}))a{sv})", bytes)?;
        let value = gv!("(a(s(taya{sv}))a{sv})").from_bytes(bytes);
        let (refs, metadata) = value.to_tuple();
        let refs = refs
            .iter()
            .map(|entry| {
                let (name, info) = entry.to_tuple();
                let (size, commit, metadata) = info.to_tuple();
                Ok(SummaryRef {
                    name: name.to_str().to_owned(),
                    commit_size: *size,
                    commit: CommitId::new(Checksum::from_bytes(commit)?),
                    metadata: Metadata::from_wire(metadata.iter().map(|entry| {
                        let (key, value) = entry.to_tuple();
                        (key.to_str(), value)
                    }))?,
                })
            })
            .collect::<Result<_, ObjectError>>()?;
        let metadata = Metadata::from_wire(metadata.iter().map(|entry| {
            let (key, value) = entry.to_tuple();
            (key.to_str(), value)
        }))?;
        Ok(Self { refs, metadata })
    }
}
