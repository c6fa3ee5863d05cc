//! The layers of an image: the commit's, then those of the plan.

use std::collections::BTreeMap;
use std::io::Write;

use oci_image::ImageSink;
use oci_image::layer::WrittenLayer;
use ostree_core::{Commit, CommitId, ReadObject};
use ostree_tar::{ChunkOptions, ExportOptions, write_chunk_layer, write_commit_layer};

use crate::encapsulate::options::EncapsulateOptions;
use crate::encapsulate::plan::{Chunk, Plan};
use crate::error::ContainerError;
use crate::keys::COMPONENTS_ANNOTATION;
use crate::progress::Listener;
use crate::write_layer::LayerJob;

/// A layer of the image.
#[derive(Debug)]
pub struct ImageLayer {
    /// The layer as it was written.
    pub written: WrittenLayer,
    /// Its annotations in the manifest.
    pub annotations: BTreeMap<String, String>,
    /// What the history says of it.
    pub created_by: String,
}

/// Writes every layer to the sink, in order.
pub fn write(
    store: &dyn ReadObject,
    (id, commit): (&CommitId, &Commit),
    plan: &Plan,
    (sink, options): (&dyn ImageSink, &EncapsulateOptions),
    listener: &dyn Listener,
) -> Result<Vec<ImageLayer>, ContainerError> {
    let job = LayerJob::new(sink, options.jobs, listener)?;
    let created_by = match commit.subject.as_str() {
        "" => format!("ostree export of commit {id}"),
        subject => subject.to_owned(),
    };
    let export = ExportOptions { flavour: options.flavour };
    let of_commit = |index| {
        let produce = |out: &mut dyn Write| write_commit_layer(store, id, &plan.remainder, export, out).map(|_| ());
        let written = job.write((index, &format!("of commit {id}")), options.compression, &produce)?;
        Ok(ImageLayer { written, annotations: BTreeMap::new(), created_by: created_by.clone() })
    };
    let of_chunk = |index, chunk: &Chunk| {
        let Chunk { created_by, components, files } = chunk;
        let chunk_options = ChunkOptions { flavour: options.flavour, parent_dirs: None };
        let name = if components.is_empty() { created_by } else { components };
        let produce = |out: &mut dyn Write| write_chunk_layer(store, files, chunk_options, out).map(|_| ());
        let written = job.write((index, name), options.compression, &produce)?;
        let annotations = BTreeMap::from([(COMPONENTS_ANNOTATION.to_owned(), components.clone())]);
        Ok(ImageLayer { written, annotations, created_by: created_by.clone() })
    };
    let all: Vec<Option<&Chunk>> = std::iter::once(None).chain(plan.chunks.iter().map(Some)).collect();
    job.each(&all, |index, chunk| match chunk {
        None => of_commit(index),
        Some(chunk) => of_chunk(index, chunk),
    })
}
