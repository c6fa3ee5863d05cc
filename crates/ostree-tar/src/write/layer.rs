//! The layers of an image: one with the commit, any number with file objects.

use std::collections::HashSet;
use std::io::Write;

use ostree_core::{CommitId, FileId, ReadObject};

use super::encode::TarOut;
use super::links::{self, Position};
use super::objects::{ExportOptions, Flavour, ObjectWriter, OpenFile, Stats};
use super::plan::{DirMap, FileMap};
use super::prefetch::for_each_file;
use super::skeleton::skeleton;
use super::tree::write_tree;
use crate::error::TarError;

/// How a layer of file objects is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct ChunkOptions<'a> {
    /// The variant of the format.
    pub flavour: Flavour,
    /// The directories of the checkout, as [`super::dirs_of`] gives them, if the parents of every path are to be written
    /// before it. Without, whoever unpacks the layer alone makes them up.
    pub parent_dirs: Option<&'a DirMap>,
}

/// Writes the first layer of an image: commit, detached metadata, all dirtrees and dirmetas with the directories of the
/// checkout, then the file objects of `remainder` by checksum, each followed by its paths. With all files of the commit as
/// remainder this is the layer of an image that has one only.
pub fn write_commit_layer(
    store: &dyn ReadObject,
    commit: &CommitId,
    remainder: &FileMap,
    options: ExportOptions,
    mut out: impl Write,
) -> Result<Stats, TarError> {
    let mut writer = ObjectWriter::new(store, TarOut::new(&mut out), options.flavour);
    write_tree(&mut writer, commit, false)?;
    write_files(&mut writer, remainder, None)?;
    writer.finish()
}

/// Writes a further layer: the file objects of `files` by checksum, each followed by its paths.
pub fn write_chunk_layer(
    store: &dyn ReadObject,
    files: &FileMap,
    options: ChunkOptions<'_>,
    mut out: impl Write,
) -> Result<Stats, TarError> {
    let mut writer = ObjectWriter::new(store, TarOut::new(&mut out), options.flavour);
    skeleton(&mut writer.out)?;
    write_files(&mut writer, files, options.parent_dirs)?;
    writer.finish()
}

fn write_files(writer: &mut ObjectWriter<'_>, files: &FileMap, parents: Option<&DirMap>) -> Result<(), TarError> {
    let mut written = HashSet::new();
    for_each_file(writer.store, files, &mut |id, paths, file| {
        write_file(writer, (id, paths, file), parents, &mut written)
    })
}

/// Writes a file object and its paths, with the parents of those as far as they are not in `written`.
pub(super) fn write_file<'p>(
    writer: &mut ObjectWriter<'_>,
    (id, paths, file): (&FileId, &'p [String], OpenFile),
    parents: Option<&DirMap>,
    written: &mut HashSet<&'p str>,
) -> Result<(), TarError> {
    let attributes = writer.file(id, file)?;
    for path in paths {
        if let Some(dirs) = parents {
            write_parents(&mut writer.out, path, dirs, written)?;
        }
        links::file(&mut writer.out, path, id, &attributes, Position::Layer)?;
    }
    Ok(())
}

/// Writes the directories above a path that are not in `written` yet, from the top down.
fn write_parents<'p>(
    out: &mut TarOut<'_>,
    path: &'p str,
    dirs: &DirMap,
    written: &mut HashSet<&'p str>,
) -> Result<(), TarError> {
    for (at, _) in path.match_indices('/') {
        let parent = path.get(..at).unwrap_or_default();
        if let (Some(dir), true) = (dirs.get(parent), written.insert(parent)) {
            links::directory(out, parent, (dir.permissions, dir.owner), Flavour::Links)?;
        }
    }
    Ok(())
}
