//! Fuzz targets as library functions: each takes any bytes and panics when a property does not hold.
//!
//! The smoke test runs all of them on mutated seeds with every `cargo test`. For longer runs there are the example `drive`,
//! which needs nothing more, and `cargo fuzz` in `fuzz/cargo-fuzz`.

pub mod archive_header;
pub mod commit;
pub mod dirmeta;
pub mod dirtree;
pub mod file_header;
pub mod gvariant;
pub mod gvariant_text;
pub mod image_archive;
pub mod image_config;
pub mod index;
pub mod keyfile;
pub mod layer;
pub mod manifest;
pub mod metadata;
pub mod mutate;
pub mod ostreemeta;
pub mod reference;
pub mod sample_objects;
pub mod summary;
pub mod tar_commit;
pub mod tar_detached;
pub mod tar_objects;
pub mod tar_repair;
pub mod witness;
pub mod xattrs;

/// A fuzz target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, which is its module's, its corpus folder's and its file's in `fuzz_targets/`.
    pub name: &'static str,
    /// Takes any bytes; panics when a property does not hold.
    pub run: fn(&[u8]),
    /// Valid inputs to start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// A table entry for a module with `run` and `seeds`.
macro_rules! target {
    ($module:ident) => {
        Target { name: stringify!($module), run: $module::run, seeds: $module::seeds }
    };
}

/// Every target, by name.
pub const TARGETS: &[Target] = &[
    target!(archive_header),
    target!(commit),
    target!(dirmeta),
    target!(dirtree),
    target!(file_header),
    target!(gvariant),
    target!(gvariant_text),
    target!(image_archive),
    target!(image_config),
    target!(index),
    target!(keyfile),
    target!(layer),
    target!(manifest),
    target!(metadata),
    target!(ostreemeta),
    target!(reference),
    target!(summary),
    target!(tar_commit),
    target!(tar_detached),
    target!(tar_objects),
    target!(xattrs),
];
