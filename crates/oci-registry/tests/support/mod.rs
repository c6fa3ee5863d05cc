//! What the tests of the registry client share.

use std::error::Error;

use oci_image::{Descriptor, Digest};
use oci_registry::{RegistryOptions, RegistrySource};
use testkit::registry::Registry;

/// The media type of [`MANIFEST`].
pub const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
/// A manifest that names nothing.
pub const MANIFEST: &[u8] = br#"{"schemaVersion":2,"config":{},"layers":[]}"#;
/// A mebibyte.
pub const MIB: usize = 1 << 20;

/// The image `a/b:t` on a registry, to be read.
pub fn source(registry: &Registry, options: &RegistryOptions) -> RegistrySource {
    RegistrySource::open(&format!("{}/a/b:t", registry.host()), options).expect("the name is good")
}

/// Bytes that are not the same anywhere.
pub fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i.wrapping_mul(2_654_435_761) >> 11) as u8).collect()
}

/// The descriptor of a blob.
pub fn descriptor(bytes: &[u8]) -> Descriptor {
    Descriptor::new("application/octet-stream", Digest::sha256(bytes), bytes.len() as u64)
}

/// An error with all its causes, as a user sees it.
pub fn whole(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}
