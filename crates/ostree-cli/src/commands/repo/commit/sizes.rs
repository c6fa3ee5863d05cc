//! The sizes of a commit's objects, for those who want to know what a pull costs.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use ostree_core::walk::load_dirtree;
use ostree_core::{FileId, ObjectKind, ObjectName, RawVariant, ReadObject};
use ostree_repo::Transaction;

use crate::commands::repo::commit::root::Root;

/// The value of `ostree.sizes`: for each object, sorted, its checksum, the length of its file in the archive, its length
/// unpacked, and its kind.
pub fn collect(transaction: &Transaction<'_>, (tree, meta): Root) -> Result<RawVariant> {
    let mut objects = BTreeSet::from([meta.object()]);
    let mut pending = vec![tree];
    while let Some(id) = pending.pop() {
        if !objects.insert(id.object()) {
            continue;
        }
        let tree = load_dirtree(transaction, &id)?;
        objects.extend(tree.files().iter().map(|entry| entry.file.object()));
        for dir in tree.dirs() {
            objects.insert(dir.meta.object());
            pending.push(dir.tree);
        }
    }
    let entries = objects.iter().map(|name| entry(transaction, name)).collect::<Result<Vec<_>>>()?;
    Ok(RawVariant::byte_arrays(entries.iter().map(Vec::as_slice)))
}

fn entry(transaction: &Transaction<'_>, name: &ObjectName) -> Result<Vec<u8>> {
    let missing = || format!("object {name} is not there");
    let archived = transaction.stored_size(name)?.with_context(missing)?;
    let unpacked = match name.kind {
        ObjectKind::File => {
            let object = transaction.read_file(&FileId::new(name.checksum))?.with_context(missing)?;
            if object.header.is_symlink() { object.header.symlink_target.len() as u64 } else { object.size }
        }
        _ => archived,
    };
    let mut bytes = name.checksum.as_bytes().to_vec();
    push_varint(&mut bytes, archived);
    push_varint(&mut bytes, unpacked);
    bytes.push(name.kind as u8);
    Ok(bytes)
}

/// Seven bits a byte, the lowest first; the high bit says that more follow.
fn push_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}
