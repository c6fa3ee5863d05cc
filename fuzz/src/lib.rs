//! Fuzz targets as library functions: each takes any bytes and panics when a property does not hold.
//!
//! The smoke test runs all of them on mutated seeds with every `cargo test`. For longer runs there are the example `drive`,
//! which needs nothing more, and `cargo fuzz` in `fuzz/cargo-fuzz`.

pub mod archive_header;
pub mod auth_json;
pub mod commit;
pub mod dirmeta;
pub mod dirtree;
pub mod file_header;
pub mod gvariant;
pub mod gvariant_text;
pub mod image_archive;
pub mod image_config;
pub mod image_payload;
pub mod index;
pub mod keyfile;
pub mod layer;
pub mod manifest;
pub mod metadata;
pub mod mutate;
pub mod openpgp_keys;
pub mod openpgp_signature;
pub mod ostreemeta;
pub mod policy;
pub mod reference;
pub mod registries_conf;
pub mod registries_d;
pub mod sample_objects;
pub mod signing_keys;
pub mod sigstore;
pub mod storage_records;
pub mod summary;
pub mod tar_commit;
pub mod tar_detached;
pub mod tar_layer;
pub mod tar_objects;
pub mod tar_repair;
pub mod tar_split;
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
    /// How many mutations the smoke test tries: fewer where one takes long.
    pub mutations: usize,
}

/// A table entry for a module with `run` and `seeds`.
macro_rules! target {
    ($module:ident, $mutations:expr) => {
        Target { name: stringify!($module), run: $module::run, seeds: $module::seeds, mutations: $mutations }
    };
}

/// Every target, by name.
pub const TARGETS: &[Target] = &[
    target!(archive_header, 5_000),
    target!(auth_json, 5_000),
    target!(commit, 5_000),
    target!(dirmeta, 5_000),
    target!(dirtree, 5_000),
    target!(file_header, 5_000),
    target!(gvariant, 5_000),
    target!(gvariant_text, 5_000),
    target!(image_archive, 200),
    target!(image_config, 5_000),
    target!(image_payload, 5_000),
    target!(index, 5_000),
    target!(keyfile, 5_000),
    target!(layer, 300),
    target!(manifest, 5_000),
    target!(metadata, 5_000),
    target!(openpgp_keys, 500),
    target!(openpgp_signature, 500),
    target!(ostreemeta, 5_000),
    target!(policy, 2_000),
    target!(reference, 5_000),
    target!(registries_conf, 5_000),
    target!(registries_d, 1_000),
    target!(sigstore, 2_000),
    target!(storage_records, 5_000),
    target!(signing_keys, 2_000),
    target!(summary, 5_000),
    target!(tar_commit, 400),
    target!(tar_detached, 400),
    target!(tar_layer, 2_000),
    target!(tar_objects, 400),
    target!(tar_split, 5_000),
    target!(xattrs, 5_000),
];
