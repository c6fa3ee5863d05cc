//! The summary of a repository (GVariant `(a(s(taya{sv}))a{sv})`): which refs it offers.

use std::collections::BTreeMap;

use gvariant::{Marker, Structure, gv};

use crate::checksum::Checksum;
use crate::error::ObjectError;
use crate::gvariant::{Type, Value, check_normal};
use crate::id::CommitId;
use crate::metadata::{Metadata, RawVariant};

/// Ref metadata key: the commit's time in seconds since 1970, `t` in big-endian order.
pub const COMMIT_TIMESTAMP: &str = "ostree.commit.timestamp";
/// Ref metadata key: the commit's version, `s`.
pub const COMMIT_VERSION: &str = "ostree.commit.version";
/// Metadata key: the mode of the repository in the words of its configuration, `s`.
pub const MODE: &str = "ostree.summary.mode";
/// Metadata key: when the summary was made, in seconds since 1970, `t` in big-endian order.
pub const LAST_MODIFIED: &str = "ostree.summary.last-modified";
/// Metadata key: until when the summary is meant to be used, `t` in big-endian order.
pub const EXPIRES: &str = "ostree.summary.expires";
/// Metadata key: whether deleted commits leave a trace, `b`.
pub const TOMBSTONES: &str = "ostree.summary.tombstone-commits";
/// Metadata key: whether deltas have indexes of their own, `b`.
pub const INDEXED_DELTAS: &str = "ostree.summary.indexed-deltas";
/// Metadata key: the collection that the refs belong to, `s`.
pub const COLLECTION_ID: &str = "ostree.summary.collection-id";
/// Metadata key: refs of other collections, `a{sa(s(taya{sv}))}`.
pub const COLLECTION_MAP: &str = "ostree.summary.collection-map";

/// The type of a list of refs.
const REFS: &str = "a(s(taya{sv}))";

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

/// Metadata as a value.
fn metadata_value(metadata: &Metadata) -> Result<Value, ObjectError> {
    Value::decode("a{sv}", &metadata.encode())
}

/// A list of refs as a value.
fn refs_value(refs: &[SummaryRef]) -> Result<Value, ObjectError> {
    let one = |entry: &SummaryRef| {
        let commit = Value::Bytes(entry.commit.checksum().as_bytes().to_vec());
        let info = vec![Value::Uint64(entry.commit_size), commit, metadata_value(&entry.metadata)?];
        Ok(Value::Tuple(vec![Value::String(entry.name.clone()), Value::Tuple(info)]))
    };
    let refs = refs.iter().map(one).collect::<Result<Vec<_>, ObjectError>>()?;
    Ok(Value::Array(known_type("(s(taya{sv}))")?, refs))
}

fn known_type(text: &str) -> Result<Type, ObjectError> {
    Type::parse(text).ok_or_else(|| ObjectError::invalid("GVariant type", text))
}

/// The refs of a serialised list, whose type has no name.
macro_rules! read_refs {
    ($refs:expr) => {
        $refs
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
            .collect::<Result<Vec<_>, ObjectError>>()
    };
}

/// Refs of collections as the value of [`COLLECTION_MAP`], by collection id, each list sorted by name.
///
/// # Errors
/// A ref's metadata was not read from normal form.
pub fn collection_map(collections: &BTreeMap<String, Vec<SummaryRef>>) -> Result<RawVariant, ObjectError> {
    let one = |(id, refs): (&String, &Vec<SummaryRef>)| {
        Ok(Value::DictEntry(Box::new(Value::String(id.clone())), Box::new(refs_value(refs)?)))
    };
    let entries = collections.iter().map(one).collect::<Result<Vec<_>, ObjectError>>()?;
    Ok(RawVariant::from(&Value::Array(known_type("{sa(s(taya{sv}))}")?, entries)))
}

/// The refs of collections in the value of [`COLLECTION_MAP`]; `None` if it is none.
pub fn collections(value: &RawVariant) -> Option<BTreeMap<String, Vec<SummaryRef>>> {
    if value.type_string != format!("a{{s{REFS}}}") {
        return None;
    }
    let map = gv!("a{sa(s(taya{sv}))}").from_bytes(&value.bytes);
    let entries = map.iter().map(|entry| {
        let (id, refs) = entry.to_tuple();
        Some((id.to_str().to_owned(), read_refs!(refs).ok()?))
    });
    entries.collect()
}

impl Summary {
    /// Serialises the summary. Readers look refs up by halving, so they must be sorted by name.
    ///
    /// # Errors
    /// Metadata was not read from normal form.
    pub fn encode(&self) -> Result<Vec<u8>, ObjectError> {
        Ok(Value::Tuple(vec![refs_value(&self.refs)?, metadata_value(&self.metadata)?]).encode())
    }

    /// Reads a summary. Refused: bytes not in normal form, and checksums of a wrong length. The commit size is read in
    /// little-endian order, in which every little-endian writer leaves it.
    pub fn decode(bytes: &[u8]) -> Result<Self, ObjectError> {
        check_normal("summary", "(a(s(taya{sv}))a{sv})", bytes)?;
        let value = gv!("(a(s(taya{sv}))a{sv})").from_bytes(bytes);
        let (refs, metadata) = value.to_tuple();
        let refs = read_refs!(refs)?;
        let metadata = Metadata::from_wire(metadata.iter().map(|entry| {
            let (key, value) = entry.to_tuple();
            (key.to_str(), value)
        }))?;
        Ok(Self { refs, metadata })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let entry = |name: &str| SummaryRef {
            name: name.into(),
            commit_size: 134,
            commit: CommitId::new(Checksum::of(name.as_bytes())),
            metadata: [(COMMIT_VERSION, RawVariant::string("1"))].into_iter().collect(),
        };
        let map = BTreeMap::from([("org.example.Os".to_owned(), vec![entry("x")])]);
        let metadata = [(MODE, RawVariant::string("archive-z2")), (COLLECTION_MAP, collection_map(&map).unwrap())];
        let summary = Summary { refs: vec![entry("a"), entry("b/c")], metadata: metadata.into_iter().collect() };
        let again = Summary::decode(&summary.encode().unwrap()).unwrap();
        assert_eq!(again, summary);
        assert_eq!(again.metadata.get(COLLECTION_MAP).and_then(collections), Some(map));
        let empty = Summary { refs: Vec::new(), metadata: Metadata::default() };
        assert_eq!(Summary::decode(&empty.encode().unwrap()).unwrap(), empty);
    }
}
