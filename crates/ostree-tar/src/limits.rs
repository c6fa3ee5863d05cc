//! The limits on foreign input and the sizes of buffers, each with its reason.

/// The largest set of xattrs of one file, in bytes. No file system holds more than 64 KiB a value or, with XFS, some
/// 600 KiB a file; ostree-ext refuses beyond the same bound.
pub const MAX_XATTRS_SIZE: u64 = 1024 * 1024;

/// All xattr sets kept while a stream is read, in bytes. Sets come once and may be named by any later file, so they must
/// be kept; real systems have a few hundred sets of below 100 bytes, so this is reached by hostile streams only.
pub const MAX_XATTRS_TOTAL: usize = 64 * 1024 * 1024;

/// What keeping one xattr set costs besides its bytes, in bytes: map entry and allocations.
pub const XATTRS_OVERHEAD: usize = 160;

/// The largest commit, dirtree, dirmeta or detached metadata in a stream, in bytes. ostree-ext refuses beyond the same
/// bound, so a stream with more would be one that it cannot read; a directory of 100,000 files needs about 5 MB.
pub const MAX_METADATA_SIZE: u64 = 10 * 1024 * 1024;

/// How many objects one commit may name. Each costs some 70 bytes while the stream is read; the largest distributions
/// have below 400,000.
pub const MAX_OBJECTS: usize = 4 * 1024 * 1024;

/// The extension headers of one entry together, in bytes: a whole xattr set as PAX records, with as much again for the
/// names around it.
pub const MAX_EXTENSION_SIZE: u32 = 2 * 1024 * 1024;

/// How many extension headers may precede one entry. Name, link target and PAX make three; some writers repeat one.
pub const MAX_EXTENSIONS: usize = 8;

/// How many pieces a sparse file may have. The export format has no sparse files, so they are only skipped over.
pub const MAX_SPARSE_ENTRIES: usize = 1024;

/// How many pieces a sparse file of an ordinary archive may have. Each costs 16 bytes while its file is read; GNU tar makes
/// one for every 512 bytes of data between holes at most, virtual machine images have some thousands.
pub const MAX_SPARSE_PIECES: usize = 16 * 1024;

/// How much memory unpacking xz may take, in KiB: that of `xz -9` and some, not the 4 GiB that the format could ask for.
pub const MAX_XZ_MEMORY: u32 = 256 * 1024;

/// How many bytes may stand behind the end mark of an archive. Writers pad to a record of 10 KiB, some to more; a layer that
/// goes on for longer hides something, or is made to keep the reader busy.
pub const MAX_TRAILING: u64 = 1024 * 1024;

/// How many small files may wait for the threads that write them. With as many bytes each as a small file can have, this is
/// 8 MiB.
pub const MAX_WAITING: usize = 64;

/// Up to this size, in bytes, a file is handed whole to a writer thread; larger ones are streamed. Nine of ten files of an
/// operating system are smaller.
pub const SMALL_FILE_SIZE: u64 = 128 * 1024;

/// How many bytes may wait for the writer threads.
pub const MAX_IN_FLIGHT: usize = 2 * 1024 * 1024;

/// What a waiting object costs besides its content, in bytes.
pub const JOB_OVERHEAD: usize = 512;

/// The buffer that the stream is read and written through, in bytes: some hundred headers, or most whole files.
pub const BUFFER_SIZE: usize = 64 * 1024;

/// How many bytes of files are read ahead while a stream is written.
pub const MAX_READ_AHEAD: usize = 8 * 1024 * 1024;

/// What is kept of one layer while it is read, in bytes: the names of its entries, where they stand, the targets of its hard
/// links. This is a million entries; the largest layers have some 300,000.
pub const MAX_LAYER_MEMORY: usize = 512 * 1024 * 1024;

/// What one entry of a layer costs besides its name, in bytes: its place among the names, its object's id, its place in the
/// tree.
pub const LAYER_ENTRY_OVERHEAD: usize = 480;

/// How many bytes of paths one list of what was left out of a layer may hold, which is some 100,000 paths: nobody reads on.
pub const MAX_LISTED: usize = 8 * 1024 * 1024;
