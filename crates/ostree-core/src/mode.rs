//! File modes: the type bits and permission bits that objects hold.

/// The bits of a mode that hold the file type.
pub const TYPE_MASK: u32 = 0o170000;
/// The bits of a mode that hold permissions, set-uid, set-gid and sticky.
pub const PERMISSION_MASK: u32 = 0o7777;
/// The type bits of a regular file.
pub const REGULAR: u32 = 0o100000;
/// The type bits of a directory.
pub const DIRECTORY: u32 = 0o040000;
/// The type bits of a symlink.
pub const SYMLINK: u32 = 0o120000;
/// The mode of every symlink.
pub const SYMLINK_MODE: u32 = SYMLINK | 0o777;

/// Whether `mode` has the type bits of a regular file.
pub const fn is_regular(mode: u32) -> bool {
    mode & TYPE_MASK == REGULAR
}

/// Whether `mode` has the type bits of a directory.
pub const fn is_directory(mode: u32) -> bool {
    mode & TYPE_MASK == DIRECTORY
}

/// Whether `mode` has the type bits of a symlink.
pub const fn is_symlink(mode: u32) -> bool {
    mode & TYPE_MASK == SYMLINK
}
