//! SELinux labels of a layer's files and directories.

use std::collections::BTreeMap;

use ostree_core::{FileId, ReadObject, StoreError, WriteObject};

use super::name::is_whiteout;
use super::types::Labeller;

/// The xattr that holds a label.
pub(super) const SELINUX: &[u8] = b"security.selinux";

/// Asks for labels and numbers them: there are few, and many files have each.
pub(super) struct Labels<'o> {
    labeller: Option<Labeller<'o>>,
    values: Vec<String>,
    numbers: BTreeMap<String, u32>,
}

impl<'o> Labels<'o> {
    pub(super) fn new(labeller: Option<Labeller<'o>>) -> Self {
        Self { labeller, values: Vec::new(), numbers: BTreeMap::new() }
    }

    /// The label of what stands at `path`, which is relative; `mode` has type bits.
    pub(super) fn of(&mut self, path: &str, mode: u32) -> Option<u32> {
        let labeller = self.labeller.filter(|_| !is_whiteout(path))?;
        let label = labeller(&format!("/{path}"), mode)?;
        if let Some(number) = self.numbers.get(&label) {
            return Some(*number);
        }
        let number = u32::try_from(self.values.len()).ok()?;
        self.values.push(label.clone());
        self.numbers.insert(label, number);
        Some(number)
    }

    /// The label of this number as it stands in the xattr, with the NUL at the end.
    pub(super) fn value(&self, number: u32) -> Option<Vec<u8>> {
        let value = usize::try_from(number).ok().and_then(|number| self.values.get(number))?;
        Some([value.as_bytes(), b"\0"].concat())
    }
}

/// Writes a file once more with another label, or without one, and gives the id of that.
pub(super) fn relabelled(
    read: &dyn ReadObject,
    write: &dyn WriteObject,
    id: &FileId,
    label: Option<Vec<u8>>,
) -> Result<FileId, StoreError> {
    let mut object = read.read_file(id)?.ok_or(StoreError::Missing { name: id.object() })?;
    match label {
        Some(label) => object.header.xattrs.set(SELINUX.to_vec(), label)?,
        None => object.header.xattrs.remove(SELINUX),
    }
    match &mut object.content {
        Some(content) => write.write_file(&object.header, object.size, content, None),
        None => write.write_file(&object.header, 0, &mut std::io::empty(), None),
    }
}
