//! The programs under comparison: where they are, and how a case's commands reach them.

use crate::sh::which;
use anyhow::{Context, Result};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// A directory of program names put first in `PATH`, so that one command line serves every subject.
#[derive(Clone, Debug)]
pub struct Subject {
    /// `reference` or `ours`; case files see it as `$SUBJECT`.
    pub name: String,
    /// The directory.
    pub bin: PathBuf,
    /// The names found in it.
    pub programs: Vec<String>,
}

/// The names under which a case calls either program.
pub const FACES: [&str; 3] = ["ostree", "ostree-ext-cli", "ostree-container"];

impl Subject {
    /// A subject whose faces are links to the given programs, made below `scratch`.
    ///
    /// # Errors
    /// A link that cannot be made.
    pub fn new(scratch: &Path, name: &str, faces: &[(&str, &Path)]) -> Result<Self> {
        let bin = scratch.join("bin").join(name);
        fs::create_dir_all(&bin).with_context(|| format!("creating {}", bin.display()))?;
        let mut programs = Vec::new();
        for (face, program) in faces {
            let link = bin.join(face);
            symlink(program, &link).with_context(|| format!("linking {}", link.display()))?;
            programs.push((*face).to_owned());
        }
        Ok(Self { name: name.to_owned(), bin, programs })
    }

    /// The real programs; what is not installed is left out and noticed by the cases that need it.
    ///
    /// # Errors
    /// A link that cannot be made.
    pub fn reference(scratch: &Path, ostree_ext: Option<&Path>) -> Result<Self> {
        let ostree = which("ostree");
        let mut faces: Vec<(&str, &Path)> = Vec::new();
        faces.extend(ostree.as_deref().map(|path| ("ostree", path)));
        faces.extend(ostree_ext.map(|path| ("ostree-ext-cli", path)));
        Self::new(scratch, "reference", &faces)
    }

    /// Our binary under all its faces. A binary called `ostree` is taken for the real one, which has but one face:
    /// with it the suite compares the reference with itself.
    ///
    /// # Errors
    /// A link that cannot be made.
    pub fn ours(scratch: &Path, binary: &Path, ostree_ext: Option<&Path>) -> Result<Self> {
        if binary.file_name().is_some_and(|name| name == "ostree") {
            let mut faces = vec![("ostree", binary)];
            faces.extend(ostree_ext.map(|path| ("ostree-ext-cli", path)));
            return Self::new(scratch, "ours", &faces);
        }
        Self::new(scratch, "ours", &FACES.map(|face| (face, binary)))
    }
}
