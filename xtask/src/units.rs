//! Sizes, times, counts and bytes as people read them, and the sizes of trees.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

/// Bytes in decimal units: `312 MB`, `1.24 GB`.
pub fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{} kB", count / 1_000),
        1_000_000..10_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        10_000_000..1_000_000_000 => format!("{} MB", count / 1_000_000),
        _ => format!("{:.2} GB", count as f64 / 1e9),
    }
}

/// Bytes as lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Seconds with as many places as matter.
pub fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 10.0 { format!("{seconds:.2} s") } else { format!("{seconds:.1} s") }
}

/// Regular files below `dir` and the sum of their lengths; what cannot be read counts nothing.
///
/// # Errors
/// `dir` itself cannot be read.
pub fn tree_size(dir: &Path) -> Result<(u64, u64)> {
    let (mut files, mut length) = (0, 0);
    for entry in std::fs::read_dir(dir).with_context(|| format!("read {}", dir.display()))?.flatten() {
        let Ok(meta) = entry.path().symlink_metadata() else { continue };
        if meta.is_dir() {
            let (more_files, more_length) = tree_size(&entry.path()).unwrap_or_default();
            files += more_files;
            length += more_length;
        } else if meta.is_file() {
            files += 1;
            length += meta.len();
        }
    }
    Ok((files, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_short() {
        let shown: Vec<_> = [999, 12_345, 1_250_000, 312_000_000, 1_240_000_000].map(bytes).into();
        assert_eq!(shown, ["999 B", "12 kB", "1.2 MB", "312 MB", "1.24 GB"]);
        assert_eq!(seconds(Duration::from_millis(1234)), "1.23 s");
        assert_eq!(seconds(Duration::from_millis(61_234)), "61.2 s");
    }
}
