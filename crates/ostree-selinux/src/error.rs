//! Why a policy cannot be used.

use std::io;

/// Why a policy cannot be used. File names are relative to the root of the tree, or to the policy's `contexts/files` where
/// the policy did not come from a tree. Line numbers start at 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelinuxError {
    /// A file is there, but cannot be read.
    #[error("reading {file} of the SELinux policy")]
    Read {
        /// Which file.
        file: String,
        /// Why not.
        source: io::Error,
    },
    /// A policy is in force, but a file that it must have is missing.
    #[error("the SELinux policy has no {file}")]
    NoFile {
        /// Which file.
        file: String,
    },
    /// The configuration does not say which policy, or names one that cannot be the name of a directory.
    #[error("{file}: {reason}")]
    Config {
        /// Which file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// A line is not a specification or its pattern cannot be used.
    #[error("{file}, line {line}: {reason}")]
    Line {
        /// Which file.
        file: String,
        /// Which line.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A limit of this crate is exceeded.
    #[error("{what} of the SELinux policy: more than {limit}")]
    TooLarge {
        /// What exceeds it.
        what: String,
        /// The limit, see [`limits`](crate::limits).
        limit: usize,
    },
    /// The patterns, each of them fine, cannot be used together.
    #[error("compiling the patterns of the SELinux policy: {reason}")]
    Patterns {
        /// Why not.
        reason: String,
    },
    /// The policy has no label for `/`, which libostree takes for a broken policy.
    #[error("the SELinux policy {policy} has no label for /")]
    NoRootLabel {
        /// The policy's name.
        policy: String,
    },
}
