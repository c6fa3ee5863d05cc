//! What `--version` prints.

/// The release of libostree whose command line this one follows.
const LIBOSTREE: &str = "2026.4";

/// Names of optional parts that scripts written for libostree ask for and that are here.
const FEATURES: [&str; 3] = ["inode64", "libarchive", "release"];

/// The version in the form of the real `ostree`, which scripts take apart.
pub fn ostree() -> String {
    let features: String = FEATURES.iter().map(|feature| format!("  - {feature}\n")).collect();
    format!(
        "libostree:\n Version: '{LIBOSTREE}'\n Implementation: 'ostree-container {}'\n Features:\n{features}",
        env!("CARGO_PKG_VERSION")
    )
}
