//! The owner of a file or directory.

/// Numeric owner of a file or directory, as the object's own bytes hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Owner {
    /// The user id.
    pub uid: u32,
    /// The group id.
    pub gid: u32,
}
