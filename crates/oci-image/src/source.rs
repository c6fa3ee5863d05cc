//! The seam of this crate: where images come from and where they go, on disk or over a network.

use std::io::{Read, Write};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::error::ImageError;

/// A manifest or index exactly as it came, so that its digest stays true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawManifest {
    /// The document's bytes, never re-serialised.
    pub bytes: Vec<u8>,
    /// The media type the source gave, else the document's `mediaType`, else the one its members imply.
    pub media_type: String,
    /// The digest of `bytes`, verified.
    pub digest: Digest,
}

/// One image somewhere, to be read. Implementations can be used from several threads at once.
pub trait ImageSource: Send + Sync {
    /// The image's name for messages and progress, as in `oci:dir:tag` or `docker://host/name:tag`.
    fn name(&self) -> String;

    /// The document the reference names: a manifest, or an index that the caller resolves by platform.
    fn manifest(&self) -> Result<RawManifest, ImageError>;

    /// The manifest (or nested index) an index of this image points to, its digest verified.
    fn manifest_at(&self, descriptor: &Descriptor) -> Result<RawManifest, ImageError>;

    /// The bytes of a blob as they are stored, in one forward pass. They are **not** verified here: wrap the reader in
    /// [`crate::blob::VerifyReader`] and call its `finish`, with the descriptor that [`ImageSource::stored_as`] gives.
    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, ImageError>;

    /// The same, of a blob whose bytes are worth keeping until [`Partials::finish`] is called; `kept` grows by as many of the
    /// first ones as were at hand from an earlier try and need not come from where the image is, each before it is read.
    fn blob_with_kept(
        &self,
        descriptor: &Descriptor,
        kept: &Arc<AtomicU64>,
    ) -> Result<Box<dyn Read + Send>, ImageError> {
        let _ = kept;
        self.blob(descriptor)
    }

    /// Whether readers of blobs fail, rather than end, where the bytes have not the digest of what
    /// [`ImageSource::stored_as`] gives: then nobody need compute it again. No, unless a source says so.
    fn checks_digests(&self) -> bool {
        false
    }

    /// What [`ImageSource::blob`] gives for a descriptor of the manifest. That is the descriptor itself, except where a source
    /// has unpacked what its manifest names, as container storages do: then layers come as uncompressed archives, and this
    /// is the descriptor of the archive, whose digest is the diff-id that the verified configuration gives for the layer.
    fn stored_as(&self, descriptor: &Descriptor) -> Result<Descriptor, ImageError> {
        Ok(descriptor.clone())
    }

    /// What is kept of blobs whose transfer has not ended, where anything is.
    fn partials(&self) -> Option<&dyn Partials> {
        None
    }
}

/// What a source keeps on disk of blobs whose transfer has not ended.
pub trait Partials {
    /// How many of a blob's first bytes are at hand, by what its file says; they are verified when they are read.
    fn at_hand(&self, blob: &Descriptor) -> u64;

    /// Says that what was made of a blob's bytes is wrong, though its reader gave up before their digest could tell: the
    /// bytes next to that place come anew the next time, and all of them when that was of no help.
    fn doubt(&self, blob: &Descriptor);

    /// Says that blobs of `size` bytes in all are about to be read, of which `disk` bytes are made in the same file system:
    /// so much stays free, less what has been read. What is too old is removed.
    fn expect(&self, disk: u64, size: u64);

    /// How many bytes of disk all of it takes that nobody is using.
    fn disk(&self) -> u64;

    /// Says that what was made of these blobs is safe: nothing need be kept of them.
    fn finish(&self, blobs: &[&Descriptor]);

    /// Removes what is kept until that frees `bytes`, first what is not of one of `wanted`, the oldest first.
    fn give_way(&self, wanted: &[&Descriptor], bytes: u64);
}

/// One source may have several readers.
impl<S: ImageSource + ?Sized> ImageSource for Arc<S> {
    fn name(&self) -> String {
        (**self).name()
    }

    fn manifest(&self) -> Result<RawManifest, ImageError> {
        (**self).manifest()
    }

    fn manifest_at(&self, descriptor: &Descriptor) -> Result<RawManifest, ImageError> {
        (**self).manifest_at(descriptor)
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, ImageError> {
        (**self).blob(descriptor)
    }

    fn blob_with_kept(
        &self,
        descriptor: &Descriptor,
        kept: &Arc<AtomicU64>,
    ) -> Result<Box<dyn Read + Send>, ImageError> {
        (**self).blob_with_kept(descriptor, kept)
    }

    fn checks_digests(&self) -> bool {
        (**self).checks_digests()
    }

    fn stored_as(&self, descriptor: &Descriptor) -> Result<Descriptor, ImageError> {
        (**self).stored_as(descriptor)
    }

    fn partials(&self) -> Option<&dyn Partials> {
        (**self).partials()
    }
}

/// A place an image is written to. Blobs first, in any order and from several threads; the manifest last: until
/// [`ImageSink::finish`] returns, nothing names the new image.
pub trait ImageSink: Send + Sync {
    /// The image's name for messages and progress.
    fn name(&self) -> String;

    /// Whether a blob of this digest and size is already there (or could be mounted from elsewhere at no cost).
    fn has_blob(&self, descriptor: &Descriptor) -> Result<bool, ImageError>;

    /// [`ImageSink::has_blob`] of several blobs, in their order; asked side by side where waiting is what takes the time.
    fn has_blobs(&self, descriptors: &[Descriptor]) -> Result<Vec<bool>, ImageError> {
        descriptors.iter().map(|descriptor| self.has_blob(descriptor)).collect()
    }

    /// The diff-ids of the image that has this name now, or else of another one beside it, where looking at it is cheaper
    /// than sending layers: of the registry. Layers with other diff-ids are not there, as far as anybody knows, so that
    /// asking [`ImageSink::has_blob`] about them is not worth computing their digests beforehand. Empty where nothing is
    /// known.
    fn diff_ids(&self) -> Vec<Digest> {
        Vec::new()
    }

    /// How many blobs are worth writing at the same time. One, except where waiting for an answer is what takes the time.
    fn blobs_at_once(&self) -> NonZeroUsize {
        NonZeroUsize::MIN
    }

    /// Starts a blob. A sink that can take one blob at a time (an archive is one file) waits here until the blob that
    /// another thread is writing ended; starting a second one in the same thread is an error there. `known` is its descriptor where that is known beforehand; a sink may use it to send the blob in
    /// one piece.
    fn start_blob(&self, known: Option<&Descriptor>) -> Result<Box<dyn BlobWriter>, ImageError>;

    /// Stores a manifest that is not the image's own top document, as the members of an index are.
    fn put_manifest(&self, manifest: &RawManifest) -> Result<(), ImageError>;

    /// Stores the top document, names it, and makes everything durable. The digest is the one of the document as the
    /// sink stored it.
    fn finish(&self, manifest: &RawManifest) -> Result<Digest, ImageError>;
}

/// A blob being written. Dropping it without [`BlobWriter::commit`] leaves nothing behind.
pub trait BlobWriter: Write + Send {
    /// Ends the blob. `descriptor` holds the digest and size of exactly the bytes that were written.
    fn commit(self: Box<Self>, descriptor: &Descriptor) -> Result<(), ImageError>;
}
