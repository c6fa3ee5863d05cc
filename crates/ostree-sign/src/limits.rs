//! The limits on foreign input, each with its reason.

/// The largest keyring or key file that is read, in bytes. The largest public keyrings of distributions, with thousands of
/// keys, take about 30 MiB.
pub const MAX_KEY_FILE: u64 = 64 * 1024 * 1024;

/// The most files that are read of one directory of keys. A directory with more is a mistake, and each file is parsed.
pub const MAX_KEY_FILES: usize = 4096;

/// The largest OpenPGP signature, or group of signatures, in bytes. Real ones have less than 2 KiB.
pub const MAX_SIGNATURE: usize = 256 * 1024;

/// The most signatures of one kind that are looked at. Each takes up to milliseconds of arithmetic for every key that it may
/// be of.
pub const MAX_SIGNATURES: usize = 256;

/// The largest content of an OpenPGP message that carries it along, in bytes, also after decompression. What is signed that
/// way are JSON documents of some hundred bytes.
pub const MAX_SIGNED_CONTENT: usize = 4 * 1024 * 1024;
