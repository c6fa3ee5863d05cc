//! Which file object goes into which layer.

use std::collections::BTreeMap;

use ostree_core::{CommitId, FileId, ReadObject};
use ostree_tar::{ChunkOptions, ExportOptions, FileMap, Flavour, files_of, measure_chunk_layer, measure_commit_layer};

use crate::contentmeta::ContentMeta;
use crate::error::ContainerError;

/// What the reserved last layer of a chunked image is called in the history.
const RESERVED: &str = "Reserved for new packages";

/// A layer of file objects to be written.
#[derive(Debug)]
pub struct Chunk {
    /// What the history says of the layer.
    pub created_by: String,
    /// The names of the components in the layer.
    pub components: String,
    /// Its objects.
    pub files: FileMap,
}

/// The layers of an image.
#[derive(Debug)]
pub struct Plan {
    /// The objects that go into the first layer, beside the commit.
    pub remainder: FileMap,
    /// The other layers, in order.
    pub chunks: Vec<Chunk>,
}

impl Plan {
    /// How many bytes all layers will have, uncompressed. This opens every file, and reads none.
    pub fn bytes(&self, store: &dyn ReadObject, commit: &CommitId, flavour: Flavour) -> Result<u64, ContainerError> {
        let failed = |source| ContainerError::Layer { layer: format!("of commit {commit}"), source };
        let own = measure_commit_layer(store, commit, &self.remainder, ExportOptions { flavour }).map_err(failed)?;
        self.chunks.iter().try_fold(own, |sum, chunk| {
            let options = ChunkOptions { flavour, parent_dirs: None };
            Ok(sum + measure_chunk_layer(store, &chunk.files, options).map_err(failed)?)
        })
    }
}

/// Puts every file object of the commit into exactly one layer: the one the content metadata names, else the first. A
/// chunked image ends with an empty layer, which keeps a place for objects that later builds add.
pub fn plan(store: &dyn ReadObject, commit: &CommitId, content: Option<&ContentMeta>) -> Result<Plan, ContainerError> {
    let files = files_of(store, commit)
        .map_err(|source| ContainerError::Layer { layer: format!("of commit {commit}"), source })?;
    let Some(content) = content else { return Ok(Plan { remainder: files, chunks: Vec::new() }) };
    let assigned: BTreeMap<FileId, usize> = content.assignments()?;
    let mut remainder = FileMap::new();
    let mut layers: Vec<FileMap> = content.layers.0.iter().map(|_| FileMap::new()).collect();
    for (id, paths) in files {
        let layer = assigned.get(&id).and_then(|position| layers.get_mut(*position));
        layer.unwrap_or(&mut remainder).insert(id, paths);
    }
    let named = content.layers.0.iter().zip(layers);
    // Components without objects get no layer, as in the reference program.
    let mut chunks: Vec<Chunk> = named
        .filter(|(_, files)| !files.is_empty())
        .map(|((id, name), files)| Chunk { created_by: id.clone(), components: name.clone(), files })
        .collect();
    if !chunks.is_empty() {
        chunks.push(Chunk { created_by: RESERVED.into(), components: String::new(), files: FileMap::new() });
    }
    Ok(Plan { remainder, chunks })
}
