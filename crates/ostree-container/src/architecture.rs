//! Which processor a commit's programs are for, in the names that images use.

use std::io::Read;

use oci_image::platform::Platform;
use ostree_core::walk::load_dirtree;
use ostree_core::{Commit, DirTreeId, ReadObject, StoreError};

use crate::keys::ARCHITECTURE_METADATA;

/// Programs that systems have, the most telling first.
const PROGRAMS: [&str; 6] =
    ["usr/lib/systemd/systemd", "usr/bin/bash", "usr/bin/dash", "usr/bin/busybox", "bin/busybox", "usr/bin/ls"];

/// The platform of a commit: what its metadata says, else what its programs are built for, else this host.
pub fn platform_of(store: &dyn ReadObject, commit: &Commit) -> Result<Platform, StoreError> {
    if let Some(name) = commit.metadata.get_str(ARCHITECTURE_METADATA) {
        return Ok(Platform::linux(name));
    }
    for program in PROGRAMS {
        if let Some(name) = machine_of(store, commit.root_tree, program)? {
            return Ok(Platform::linux(name));
        }
    }
    Ok(Platform::host())
}

/// The processor of the ELF program at `path`, if it is one.
fn machine_of(store: &dyn ReadObject, root: DirTreeId, path: &str) -> Result<Option<&'static str>, StoreError> {
    let (dirs, name) = path.rsplit_once('/').unwrap_or(("", path));
    let mut tree = load_dirtree(store, &root)?;
    for dir in dirs.split('/').filter(|dir| !dir.is_empty()) {
        let Some(entry) = tree.dir(dir) else { return Ok(None) };
        tree = load_dirtree(store, &entry.tree)?;
    }
    let Some(entry) = tree.file(name) else { return Ok(None) };
    let Some(content) = store.read_file(&entry.file)?.and_then(|file| file.content) else { return Ok(None) };
    let mut head = Vec::new();
    content.take(20).read_to_end(&mut head).map_err(|source| StoreError::Content { source })?;
    Ok(machine_of_elf(&head))
}

/// The processor from the first 20 bytes of an ELF file (`e_ident` and `e_machine` of the ELF specification).
fn machine_of_elf(head: &[u8]) -> Option<&'static str> {
    let [0x7f, b'E', b'L', b'F', class, order, .., low, high] = *head else { return None };
    let machine = if order == 2 { u16::from_be_bytes([low, high]) } else { u16::from_le_bytes([low, high]) };
    Some(match (machine, class, order) {
        (3, ..) => "386",
        (8, 1, 1) => "mipsle",
        (8, 2, 1) => "mips64le",
        (20, ..) => "ppc",
        (21, _, 1) => "ppc64le",
        (21, _, 2) => "ppc64",
        (22, ..) => "s390x",
        (40, ..) => "arm",
        (62, ..) => "amd64",
        (183, ..) => "arm64",
        (243, 2, _) => "riscv64",
        (258, 2, _) => "loong64",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elf_headers() {
        let mut head = *b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0";
        assert_eq!(machine_of_elf(&head), Some("amd64"));
        head[18] = 183;
        assert_eq!(machine_of_elf(&head), Some("arm64"));
        assert_eq!(machine_of_elf(b"#!/bin/sh\n"), None);
        assert_eq!(machine_of_elf(&head[..19]), None);
    }
}
