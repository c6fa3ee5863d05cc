//! A commit with its tree: everything in one stream, or its metadata and directories alone.

use std::io::Write;

use ostree_core::walk::load_commit;
use ostree_core::{CommitId, DirMetaId, DirTree, DirTreeId, FileId, Owner, ReadObject};

use super::checkout::Checkout;
use super::encode::TarOut;
use super::links::{self, Position};
use super::objects::{ExportOptions, Flavour, ObjectWriter, Stats, open};
use super::skeleton::skeleton;
use super::walk::{Visitor, walk};
use crate::error::TarError;

/// Writes a commit as one stream, each file where the tree first names it. Every object that is reachable from the commit
/// is written, once; every path of the checkout has one entry.
pub fn export(
    store: &dyn ReadObject,
    commit: &CommitId,
    options: ExportOptions,
    mut out: impl Write,
) -> Result<Stats, TarError> {
    let mut writer = ObjectWriter::new(store, TarOut::new(&mut out), options.flavour);
    write_tree(&mut writer, commit, true)?;
    writer.finish()
}

/// Writes the repository's skeleton, the commit, its dirtrees and dirmetas and the directories of the checkout; with
/// `files` the files too.
pub(super) fn write_tree(writer: &mut ObjectWriter<'_>, id: &CommitId, files: bool) -> Result<(), TarError> {
    let failed = TarError::export(id.object());
    let commit = load_commit(writer.store, id).map_err(failed)?;
    let mut checkout = Checkout::new(writer.store, &commit).map_err(failed)?;
    let (_, permissions, owner) = writer.read_dirmeta(&commit.root_meta)?;
    links::directory(&mut writer.out, "", (permissions, owner), writer.flavour)?;
    skeleton(&mut writer.out)?;
    writer.commit(id)?;
    writer.dirmeta(&commit.root_meta)?;
    let mut visitor = TreeWriter { writer, files, var: None, var_tmp: false };
    walk(commit.root_tree, &mut checkout, &mut visitor)?;
    visitor.standard_var()
}

struct TreeWriter<'w, 'a> {
    writer: &'w mut ObjectWriter<'a>,
    files: bool,
    /// Whether the checkout has `var`, and whether that is a directory.
    var: Option<bool>,
    /// Whether the checkout has `var/tmp`.
    var_tmp: bool,
}

impl TreeWriter<'_, '_> {
    fn note_var(&mut self, path: &str, is_dir: bool) {
        match path {
            "var" => self.var = Some(is_dir),
            "var/tmp" => self.var_tmp = true,
            _ => {}
        }
    }

    /// Writes the directory `var/tmp` that a container needs, if the commit has none: `/var` is empty in most commits and
    /// filled by systemd, which containers do not run.
    fn standard_var(&mut self) -> Result<(), TarError> {
        if self.var_tmp || self.var == Some(false) {
            return Ok(());
        }
        let (out, flavour) = (&mut self.writer.out, self.writer.flavour);
        if self.var.is_none() && flavour == Flavour::Links {
            links::directory(out, "var", (0o755, Owner::default()), flavour)?;
        }
        links::directory(out, "var/tmp", (0o1777, Owner::default()), flavour)
    }
}

impl Visitor for TreeWriter<'_, '_> {
    fn dirtree(&mut self, id: &DirTreeId) -> Result<DirTree, TarError> {
        self.writer.dirtree(id)
    }

    fn file(&mut self, id: &FileId, shown: Option<&str>) -> Result<(), TarError> {
        if let Some(path) = shown {
            self.note_var(path, false);
        }
        if !self.files {
            return Ok(());
        }
        let (attributes, position) = match self.writer.written(id) {
            Some(known) => (known, Position::WalkApart),
            None => {
                let file = open(self.writer.store, id)?;
                (self.writer.file(id, file)?, Position::Walk)
            }
        };
        match shown {
            Some(path) => links::file(&mut self.writer.out, path, id, &attributes, position),
            None => Ok(()),
        }
    }

    fn dir(&mut self, meta: &DirMetaId, shown: Option<&str>) -> Result<(), TarError> {
        let attributes = self.writer.dirmeta(meta)?;
        let Some(path) = shown else { return Ok(()) };
        self.note_var(path, true);
        links::directory(&mut self.writer.out, path, attributes, self.writer.flavour)
    }
}
