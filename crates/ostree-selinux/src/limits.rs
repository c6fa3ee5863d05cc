//! The limits on what a policy may be, each with its reason.

/// The largest file of a policy that is read, in bytes. Fedora's `file_contexts`, the largest there is, has half a MiB.
pub const MAX_FILE_SIZE: usize = 16 * 1024 * 1024;

/// The longest line of a policy's files, in bytes: a pattern for a path of `PATH_MAX` bytes with each of them escaped, and a
/// context.
pub const MAX_LINE_LEN: usize = 16 * 1024;

/// How many specifications a policy may have. Distributions have about 6,000.
pub const MAX_SPECS: usize = 100_000;

/// How many substitutions each of the two files may have. They are tried one after the other for every path;
/// distributions have about 20.
pub const MAX_SUBS: usize = 1000;

/// How deeply groups may nest in a pattern: the depth of the stack that reads it.
pub const MAX_PATTERN_DEPTH: u32 = 100;

/// The most memory that the patterns of all specifications may take together once compiled, in bytes. Those of a
/// distribution take about 10 MiB; counted repetitions of counted repetitions would take any amount.
pub const MAX_PATTERNS_SIZE: usize = 64 * 1024 * 1024;

/// The memory each thread uses to remember what it learnt of the patterns, in bytes. When it is full, the thread forgets
/// and starts anew.
pub const LEARNT_SIZE: usize = 8 * 1024 * 1024;
