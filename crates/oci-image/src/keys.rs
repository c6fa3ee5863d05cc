//! Annotation keys that mean something to this crate.

/// The annotation that names an entry of an image directory's index.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";
