//! The OCI image model: digests, references, manifests, verified blobs, layer (de)compression and images on disk.
//!
//! This crate opens no socket. A registry is one more [`ImageSource`] and [`ImageSink`], implemented in `oci-registry`.

pub mod descriptor;
pub mod digest;
pub mod error;
pub mod source;

pub use descriptor::Descriptor;
pub use digest::{Digest, DigestHasher};
pub use error::ImageError;
pub use source::{BlobWriter, ImageSink, ImageSource, RawManifest};
