//! The OCI image model: digests, references, manifests, verified blobs, layer (de)compression and images on disk.
//!
//! This crate opens no socket. A registry is one more [`ImageSource`] and [`ImageSink`], implemented in `oci-registry`.

pub mod blob;
pub mod descriptor;
pub mod digest;
pub mod error;
pub mod layer;
pub mod limits;
pub mod media_type;
mod reference_error;
pub mod source;

pub use blob::VerifyReader;
pub use descriptor::Descriptor;
pub use digest::{Digest, DigestHasher};
pub use error::ImageError;
pub use layer::{Compression, LayerReader, LayerWriter};
pub use source::{BlobWriter, ImageSink, ImageSource, RawManifest};
