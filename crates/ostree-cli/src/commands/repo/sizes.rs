//! How much of a commit is still to be fetched, from its `ostree.sizes`.

use std::io::Write;

use anyhow::{Context as _, Result, bail};
use ostree_core::walk::load_commit;
use ostree_core::{Checksum, CommitId, ObjectKind, ObjectName, ReadObject, metadata};
use ostree_repo::{Repo, format_size};

use crate::output::Output;

/// Sums over objects.
#[derive(Default)]
struct Sums {
    archived: u64,
    unpacked: u64,
    objects: u64,
}

impl Sums {
    fn add(&mut self, archived: u64, unpacked: u64) {
        self.archived = self.archived.saturating_add(archived);
        self.unpacked = self.unpacked.saturating_add(unpacked);
        self.objects += 1;
    }
}

/// Prints how much of the commit is missing and how large it is.
pub fn print(repo: &Repo, id: &CommitId) -> Result<()> {
    let commit = load_commit(repo, id)?;
    let entries = commit.metadata.get(metadata::SIZES).context("No metadata key ostree.sizes in commit")?;
    let (mut needed, mut total) = (Sums::default(), Sums::default());
    for entry in entries.as_byte_arrays().context("ostree.sizes is no array of byte arrays")? {
        let (name, archived, unpacked) = decode(&entry)?;
        total.add(archived, unpacked);
        if !repo.has_object(&name)? {
            needed.add(archived, unpacked);
        }
    }
    let mut out = Output::stdout();
    writeln!(out, "Compressed size (needed/total): {}/{}", format_size(needed.archived), format_size(total.archived))?;
    writeln!(out, "Unpacked size (needed/total): {}/{}", format_size(needed.unpacked), format_size(total.unpacked))?;
    writeln!(out, "Number of objects (needed/total): {}/{}", needed.objects, total.objects)?;
    Ok(out.flush()?)
}

/// Checksum, size in an archive, size unpacked, kind; old writers leave the kind away.
fn decode(entry: &[u8]) -> Result<(ObjectName, u64, u64)> {
    let (checksum, rest) = entry.split_at_checked(Checksum::LEN).context("a short entry in ostree.sizes")?;
    let (archived, rest) = varint(rest)?;
    let (unpacked, rest) = varint(rest)?;
    let kind = match rest.first() {
        None => ObjectKind::File,
        Some(byte) => {
            let known = ObjectKind::ALL.into_iter().find(|kind| *kind as u8 == *byte);
            known.context("an unknown kind of object in ostree.sizes")?
        }
    };
    Ok((ObjectName::new(kind, Checksum::from_bytes(checksum)?), archived, unpacked))
}

fn varint(bytes: &[u8]) -> Result<(u64, &[u8])> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f).checked_shl(u32::try_from(index)? * 7).unwrap_or_default();
        if byte & 0x80 == 0 {
            return Ok((value, bytes.get(index + 1..).unwrap_or_default()));
        }
    }
    bail!("an unending number in ostree.sizes")
}
