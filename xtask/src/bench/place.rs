//! Where the measured work happens, and what has to be there before it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::disk::Disk;
use super::tree::Tree;
use crate::sh::{self, Cmd, cmd};

/// The ref that everything is about.
pub const REF: &str = "bench/tree";

/// The folders of a bench and the programs in it.
#[derive(Debug)]
pub struct Place {
    /// What is kept between benches.
    pub home: PathBuf,
    /// What is written by measured work, emptied between the runs; on the same file system as the inputs.
    pub scratch: PathBuf,
    /// Ours.
    binary: PathBuf,
    /// ostree-ext's.
    ostree_ext: PathBuf,
    /// What all of this is on.
    _disk: Disk,
}

impl Place {
    /// The place on a file system of its own, whose file is `target/bench/disk.img`.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new(binary: PathBuf, ostree_ext: PathBuf) -> Result<Self> {
        let disk = Disk::mount(&sh::target_dir().join("bench"), "disk")?;
        let home = disk.root().to_owned();
        let scratch = home.join("scratch");
        std::fs::create_dir_all(&scratch).with_context(|| format!("make {}", scratch.display()))?;
        Ok(Self { home, scratch, binary, ostree_ext, _disk: disk })
    }

    /// Ours with arguments.
    pub fn ours(&self, args: &[&str]) -> Cmd {
        cmd(&self.binary).args(args)
    }

    /// ostree with arguments.
    pub fn ostree(&self, args: &[&str]) -> Cmd {
        cmd("ostree").args(args)
    }

    /// ostree-ext's container commands with arguments.
    pub fn ostree_ext(&self, args: &[&str]) -> Cmd {
        cmd(&self.ostree_ext).arg("container").args(args)
    }

    /// The bare repository with the tree's commit, by the real ostree.
    pub fn repo(&self) -> PathBuf {
        self.home.join("input/repo")
    }

    /// The image of that commit, by ostree-ext.
    pub fn image(&self) -> PathBuf {
        self.home.join("input/image")
    }

    /// A path in the scratch folder, as text.
    pub fn out(&self, name: &str) -> String {
        text(&self.scratch.join(name))
    }

    /// Makes the scratch folder empty.
    ///
    /// # Errors
    /// It cannot be emptied.
    pub fn clear(&self) -> Result<()> {
        sh::remove_tree(&self.scratch)?;
        std::fs::create_dir_all(&self.scratch).with_context(|| format!("make {}", self.scratch.display()))
    }

    /// Makes repository and image of `tree` by the peers' programs alone, unless they are there.
    ///
    /// # Errors
    /// A peer fails.
    pub fn prepare(&self, tree: &Tree) -> Result<()> {
        let input = self.home.join("input");
        let mark = input.join("made-of");
        let wanted = text(&tree.dir);
        if std::fs::read_to_string(&mark).is_ok_and(|made_of| made_of == wanted) {
            return Ok(());
        }
        println!("making repository and image of {wanted}");
        sh::remove_tree(&input)?;
        std::fs::create_dir_all(&input).with_context(|| format!("make {}", input.display()))?;
        let repo = format!("--repo={}", text(&self.repo()));
        let image = format!("oci:{}", text(&self.image()));
        self.ostree(&["init", &repo, "--mode=bare"]).read()?;
        self.ostree(&["commit", &repo, "-b", REF, &format!("--tree=dir={wanted}")]).read()?;
        self.ostree_ext(&["encapsulate", &repo, REF, &image]).read()?;
        std::fs::write(&mark, wanted).with_context(|| format!("write {}", mark.display()))
    }
}

/// A path as text; ours are made of names that are.
pub fn text(path: &Path) -> String {
    path.display().to_string()
}
