//! The crate table of the design as data: which package may name which.

/// A package and those of ours that it may name.
#[derive(Debug)]
pub struct Row {
    /// The package, which is its folder's name.
    pub name: &'static str,
    /// Ours that may stand among its dependencies.
    pub may_name: &'static [&'static str],
}

/// The libraries, which `fuzz` and the binary may all name.
const LIBRARIES: &[&str] = &[
    "ostree-core",
    "oci-image",
    "ostree-selinux",
    "ostree-repo",
    "ostree-tar",
    "ostree-sign",
    "oci-registry",
    "oci-storage",
    "oci-trust",
    "ostree-container",
    "ostree-remote",
    "ostree-sysroot",
];

/// The table, from the lowest level up; siblings never name each other.
pub const TABLE: &[Row] = &[
    Row { name: "ostree-core", may_name: &[] },
    Row { name: "oci-image", may_name: &[] },
    Row { name: "ostree-selinux", may_name: &[] },
    Row { name: "ostree-repo", may_name: &["ostree-core"] },
    Row { name: "ostree-tar", may_name: &["ostree-core"] },
    Row { name: "ostree-sign", may_name: &["ostree-core"] },
    Row { name: "oci-registry", may_name: &["oci-image"] },
    Row { name: "oci-storage", may_name: &["oci-image"] },
    Row { name: "oci-trust", may_name: &["oci-image", "ostree-sign"] },
    Row {
        name: "ostree-container",
        may_name: &["ostree-core", "ostree-selinux", "ostree-repo", "ostree-tar", "oci-image"],
    },
    Row { name: "ostree-remote", may_name: &["ostree-core", "ostree-repo"] },
    Row { name: "ostree-sysroot", may_name: &["ostree-core", "ostree-repo"] },
    Row { name: "ostree-cli", may_name: LIBRARIES },
    Row { name: "testkit", may_name: &["ostree-core", "oci-image"] },
    Row { name: "fuzz", may_name: LIBRARIES },
    Row { name: "xtask", may_name: &[] },
];

/// The package that stands beside the levels: tests may name it, nothing shipped may.
pub const TEST_ONLY: &str = "testkit";

/// Packages that may use `anyhow`, which has no place in a library's errors.
pub const MAY_USE_ANYHOW: &[&str] = &["ostree-cli", "xtask"];
