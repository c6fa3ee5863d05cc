//! Streams whose detached metadata is replaced.

use ostree_core::{Metadata, RawVariant, ReadObject};
use ostree_tar::{ImportOptions, import, replace_detached};

use crate::tar_repair::both;
use crate::witness::Witness;

/// Where the old stream and the new one are both accepted, they differ in the detached metadata alone; what is accepted
/// before is accepted after.
pub fn run(data: &[u8]) {
    both(data, |stream| {
        let metadata = Metadata::from_iter([("fuzz", RawVariant::boolean(true))]);
        let mut replaced = Vec::new();
        let done = replace_detached(stream, &mut replaced, Some(&metadata.encode()));
        let options = || ImportOptions { writers: 0, ..ImportOptions::default() };
        let before = Witness::default();
        let Ok(imported) = import(stream, &before, options()) else { return };
        assert_eq!(done.expect("what can be imported can be replaced"), imported.commit);
        let after = Witness::default();
        import(&replaced[..], &after, options()).expect("what was replaced can be imported");
        assert_eq!(after.0.names(), before.0.names());
        assert_eq!(after.0.read_detached(&imported.commit).ok().flatten(), Some(metadata));
    });
}

/// As those of `tar_commit`.
pub fn seeds() -> Vec<Vec<u8>> {
    crate::tar_commit::seeds()
}
