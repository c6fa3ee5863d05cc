//! Every bound on what a policy, a registry or a signature store may make this crate read, each with its reason.

/// The largest `policy.json`, in bytes: the largest known ones have a few hundred scopes of some hundred bytes, and keys may
/// be inside.
pub const POLICY_BYTES: u64 = 4 << 20;

/// The largest file of `registries.d`, in bytes: real ones have a few hundred.
pub const REGISTRIES_D_BYTES: u64 = 1 << 20;

/// How many files of `registries.d` are read. Real hosts have fewer than ten.
pub const REGISTRIES_D_FILES: usize = 1024;

/// The largest key or certificate file that a policy names, in bytes: keyrings of a distribution have some hundred KiB.
pub const KEY_BYTES: u64 = 4 << 20;

/// The largest single signature with what belongs to it, in bytes: real ones have a few KiB, with certificates ten.
pub const SIGNATURE_BYTES: u64 = 4 << 20;

/// The most that all signatures of one image in one store may have together, in bytes: they are held at once.
pub const ALL_SIGNATURES_BYTES: u64 = 16 << 20;

/// How many signatures of one image are looked at in one store. Images that are signed each month for years have some
/// tens; a store that has more of them is broken or wants to keep us busy.
pub const SIGNATURES: usize = 128;

/// How many members a signature may have in its `optional` part and a policy in one object.
pub const MEMBERS: usize = 65_536;

/// The most of a foreign text that is shown in a message, in characters.
pub const SHOWN_CHARS: usize = 300;

/// The most work that a private key's passphrase may take, as scrypt's logarithm of N: all programs write 15 or 16.
pub const SCRYPT_LOG_N: u32 = 20;

/// The same, as scrypt's product of r and p: all programs write 8. With [`SCRYPT_LOG_N`] this is 2 GiB at most.
pub const SCRYPT_BLOCKS: u64 = 16;
