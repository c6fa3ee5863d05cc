//! How long layers will be, without reading the content of files.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::thread;

use ostree_core::tree::MutableTree;
use ostree_core::{CommitId, FileId, ReadObject};

use super::encode::TarOut;
use super::layer::{ChunkOptions, write_file};
use super::objects::{ExportOptions, Flavour, ObjectWriter, open};
use super::plan::{DirMap, FileMap};
use super::raw::{RawOptions, raw_layer};
use super::skeleton::skeleton;
use super::tree::write_tree;
use crate::error::TarError;

/// How many files one thread opens at least: for fewer it is not worth being started.
const FILES_PER_THREAD: usize = 1000;

/// The length in bytes of what [`super::write_commit_layer`] writes.
///
/// # Errors
/// [`TarError::Export`] for an object that cannot be read.
pub fn measure_commit_layer(
    store: &dyn ReadObject,
    commit: &CommitId,
    remainder: &FileMap,
    options: ExportOptions,
) -> Result<u64, TarError> {
    let mut writer = ObjectWriter::new(store, TarOut::measuring(), options.flavour);
    write_tree(&mut writer, commit, false)?;
    measure_files(writer, remainder, None)
}

/// The length in bytes of what [`super::write_chunk_layer`] writes.
///
/// # Errors
/// [`TarError::Export`] for an object that cannot be read.
pub fn measure_chunk_layer(
    store: &dyn ReadObject,
    files: &FileMap,
    options: ChunkOptions<'_>,
) -> Result<u64, TarError> {
    let mut writer = ObjectWriter::new(store, TarOut::measuring(), options.flavour);
    skeleton(&mut writer.out)?;
    measure_files(writer, files, options.parent_dirs)
}

/// The length in bytes of what [`super::write_raw_layer`] writes.
///
/// # Errors
/// [`TarError::Export`] for an object that cannot be read.
pub fn measure_raw_layer(
    store: &dyn ReadObject,
    tree: &mut MutableTree,
    options: RawOptions<'_>,
) -> Result<u64, TarError> {
    Ok(raw_layer(store, tree, options, TarOut::measuring())?.stream_bytes)
}

/// The length of a stream that ends with files. Where no file's entries depend on those before it, threads share them.
fn measure_files(mut writer: ObjectWriter<'_>, files: &FileMap, parents: Option<&DirMap>) -> Result<u64, TarError> {
    let apart = writer.flavour == Flavour::Links && parents.is_none();
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(files.len() / FILES_PER_THREAD);
    if !apart || threads < 2 {
        pass(&mut writer, files.iter(), parents)?;
        return Ok(writer.finish()?.stream_bytes);
    }
    let (store, flavour) = (writer.store, writer.flavour);
    let share = files.len().div_ceil(threads);
    let measure = |index: usize| {
        let mut part = ObjectWriter::new(store, TarOut::measuring(), flavour);
        pass(&mut part, files.iter().skip(index * share).take(share), None)?;
        Ok(part.out.measured())
    };
    let lengths: Vec<Result<u64, TarError>> = thread::scope(|scope| {
        let parts: Vec<_> = (1..threads).map(|index| scope.spawn(move || measure(index))).collect();
        let own = measure(0);
        let others = parts.into_iter().map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        std::iter::once(own).chain(others).collect()
    });
    let ended = writer.finish()?.stream_bytes;
    lengths.into_iter().try_fold(ended, |sum, length| Ok(sum + length?))
}

fn pass<'p>(
    writer: &mut ObjectWriter<'_>,
    files: impl Iterator<Item = (&'p FileId, &'p Vec<String>)>,
    parents: Option<&DirMap>,
) -> Result<(), TarError> {
    let mut written = HashSet::new();
    for (id, paths) in files {
        let mut file = open(writer.store, id)?;
        file.content = None;
        write_file(writer, (id, paths, file), parents, &mut written)?;
    }
    Ok(())
}
