//! Writing the layers of an image, one after the other, each compressed by several threads.

use std::collections::BTreeMap;
use std::io::{self, Write};

use oci_image::layer::{LayerWriter, Workers, WrittenLayer};
use oci_image::{BlobWriter, Descriptor, ImageSink};
use ostree_core::{Commit, CommitId, ReadObject};
use ostree_tar::{ChunkOptions, ExportOptions, TarError, write_chunk_layer, write_commit_layer};

use crate::encapsulate::options::EncapsulateOptions;
use crate::encapsulate::plan::{Chunk, Plan};
use crate::error::ContainerError;
use crate::keys::COMPONENTS_ANNOTATION;
use crate::progress::{Event, Listener};

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
    plan: Plan,
    (sink, options): (&dyn ImageSink, &EncapsulateOptions),
    listener: &dyn Listener,
) -> Result<Vec<ImageLayer>, ContainerError> {
    let jobs = options.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, usize::from);
    let workers = Workers::new(jobs).map_err(|source| ContainerError::WriteLayer {
        layer: "0".into(),
        image: sink.name(),
        source,
    })?;
    let mut job = LayerJob { sink, options, workers, listener, done: 0, index: 0 };
    let created_by = match commit.subject.as_str() {
        "" => format!("ostree export of commit {id}"),
        subject => subject.to_owned(),
    };
    let export = ExportOptions { flavour: options.flavour };
    let written = job.write(&format!("of commit {id}"), &|out| {
        write_commit_layer(store, id, &plan.remainder, export, out).map(|_| ())
    })?;
    let mut layers = vec![ImageLayer { written, annotations: BTreeMap::new(), created_by }];
    for chunk in plan.chunks {
        let Chunk { created_by, components, files } = chunk;
        let chunk_options = ChunkOptions { flavour: options.flavour, parent_dirs: None };
        let name = if components.is_empty() { &created_by } else { &components };
        let written = job.write(name, &|out| write_chunk_layer(store, &files, chunk_options, out).map(|_| ()))?;
        let annotations = BTreeMap::from([(COMPONENTS_ANNOTATION.to_owned(), components)]);
        layers.push(ImageLayer { written, annotations, created_by });
    }
    Ok(layers)
}

/// Produces a layer's uncompressed bytes; must give the same each time it is called.
type Produce<'a> = &'a dyn Fn(&mut dyn Write) -> Result<(), TarError>;

struct LayerJob<'a> {
    sink: &'a dyn ImageSink,
    options: &'a EncapsulateOptions,
    workers: Workers,
    listener: &'a dyn Listener,
    /// Uncompressed bytes of the layers that are finished.
    done: u64,
    index: usize,
}

impl LayerJob<'_> {
    fn write(&mut self, name: &str, produce: Produce<'_>) -> Result<WrittenLayer, ContainerError> {
        self.listener.event(Event::Layer { index: self.index, name: name.to_owned() });
        self.index += 1;
        let known = match self.sink.costly() {
            // Computing the digest beforehand costs a pass over the objects, and may save sending the layer at all.
            true => {
                let (written, _) = self.compress(name, produce, io::sink(), true)?;
                Some(written)
            }
            false => None,
        };
        if let Some(written) = &known
            && self.sink.has_blob(&written.descriptor())?
        {
            self.done += written.uncompressed;
            return Ok(written.clone());
        }
        let descriptor = known.as_ref().map(WrittenLayer::descriptor);
        let blob = self.sink.start_blob(descriptor.as_ref())?;
        let (written, blob) = self.compress(name, produce, blob, known.is_none())?;
        blob.commit(&written.descriptor())?;
        self.done += written.uncompressed;
        Ok(written)
    }

    fn compress<W: Write>(
        &self,
        name: &str,
        produce: Produce<'_>,
        inner: W,
        report: bool,
    ) -> Result<(WrittenLayer, W), ContainerError> {
        let failed = |source| ContainerError::WriteLayer { layer: name.to_owned(), image: self.sink.name(), source };
        let writer = LayerWriter::with_workers(inner, self.options.compression, &self.workers).map_err(failed)?;
        let mut counting = Counting { writer, listener: report.then_some(self.listener), done: self.done };
        produce(&mut counting).map_err(|source| ContainerError::Layer { layer: name.to_owned(), source })?;
        counting.writer.finish().map_err(failed)
    }
}

/// Reports the bytes that pass through.
struct Counting<'a, W: Write> {
    writer: LayerWriter<W>,
    listener: Option<&'a dyn Listener>,
    done: u64,
}

impl<W: Write> Write for Counting<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(bytes)?;
        self.done += written as u64;
        if let Some(listener) = self.listener {
            listener.event(Event::Bytes(self.done));
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Stores bytes whose digest is known, unless the sink has them.
pub fn put_bytes(sink: &dyn ImageSink, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), ContainerError> {
    if sink.has_blob(descriptor)? {
        return Ok(());
    }
    let mut blob: Box<dyn BlobWriter> = sink.start_blob(Some(descriptor))?;
    blob.write_all(bytes).map_err(|source| ContainerError::WriteLayer {
        layer: descriptor.digest.to_string(),
        image: sink.name(),
        source,
    })?;
    Ok(blob.commit(descriptor)?)
}
