//! The OCI image model: digests, references, manifests, verified blobs, layer (de)compression and images on disk.
//!
//! This crate opens no socket. A registry is one more [`ImageSource`] and [`ImageSink`], implemented in `oci-registry`.

pub mod again;
pub mod blob;
pub mod config;
pub mod copy;
pub mod descriptor;
pub mod digest;
pub mod disk;
pub mod document;
pub mod each;
pub mod error;
pub mod index;
pub mod json;
pub mod keys;
pub mod layer;
pub mod limits;
pub mod manifest;
pub mod media_type;
pub mod named;
pub mod platform;
pub mod reference;
mod reference_error;
mod repack;
pub mod source;
pub mod validate;

pub use again::again;
pub use blob::VerifyReader;
pub use config::ImageConfig;
pub use descriptor::Descriptor;
pub use digest::{Digest, DigestHasher};
pub use document::Document;
pub use each::{Stop, default_jobs, each};
pub use error::ImageError;
pub use index::Index;
pub use layer::{Compression, LayerReader, LayerWriter};
pub use manifest::Manifest;
pub use named::{InvalidName, Named};
pub use platform::Platform;
pub use reference::{ImageReference, OstreeImageReference, SignatureSource, Transport};
pub use source::{BlobWriter, ImageSink, ImageSource, RawManifest};
