//! Every label, annotation and metadata key of the mapping. Names only; what they mean stands where they are used.

/// Label and annotation: the checksum of the commit an image holds.
pub const COMMIT_LABEL: &str = "ostree.commit";
/// Label and annotation: the diff-id of the last layer that belongs to the commit.
pub const FINAL_DIFFID_LABEL: &str = "ostree.final-diffid";
/// Label and annotation: `true` or `false`, from the commit metadata key of the same name.
pub const BOOTABLE_LABEL: &str = "ostree.bootable";
/// Label and annotation: `1` where the commit says anything about being bootable.
pub const BOOTC_LABEL: &str = "containers.bootc";
/// Label and annotation: the kernel release, from the commit metadata key of the same name.
pub const LINUX_LABEL: &str = "ostree.linux";
/// Label and annotation: the commit's version.
pub const VERSION_LABEL: &str = "org.opencontainers.image.version";
/// Annotation of a layer: the names of the components in it, joined by commas.
pub const COMPONENTS_ANNOTATION: &str = "ostree.components";
/// Commit metadata key: the machine the tree is for, in the kernel's name.
pub const ARCHITECTURE_METADATA: &str = "ostree.architecture";
