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
/// Label and annotation of this program alone: the commit whose tree an image has that stands on another image.
pub const TREE_COMMIT_LABEL: &str = "ostree-container.commit";
/// Annotation: the digest of the manifest of the image that this one stands on.
pub const BASE_DIGEST_ANNOTATION: &str = "org.opencontainers.image.base.digest";
/// Annotation: the name of the image that this one stands on.
pub const BASE_NAME_ANNOTATION: &str = "org.opencontainers.image.base.name";
/// Annotation of a layer: the names of the components in it, joined by commas.
pub const COMPONENTS_ANNOTATION: &str = "ostree.components";
/// Commit metadata key: the machine the tree is for, in the kernel's name.
pub const ARCHITECTURE_METADATA: &str = "ostree.architecture";

/// Prefix of the refs that keep layers; the layer's digest follows, escaped.
pub const BLOB_REFS: &str = "ostree/container/blob";
/// Prefix of the refs that name images; the image reference follows, escaped.
pub const IMAGE_REFS: &str = "ostree/container/image";
/// Prefix of refs of other programs that keep images.
pub const BASE_IMAGE_REFS: &str = "ostree/container/baseimage";
/// Merge commit metadata, `s`: the digest of the manifest as the source had it.
pub const MANIFEST_DIGEST: &str = "ostree.manifest-digest";
/// Merge commit metadata, `s`: the manifest as OCI JSON, not the source's bytes.
pub const MANIFEST: &str = "ostree.manifest";
/// Merge commit metadata, `s`: the image configuration as JSON, not the source's bytes; `null` or absent in old commits.
pub const IMAGE_CONFIG: &str = "ostree.container.image-config";
/// Merge commit metadata, `s`: the version of the program that made the commit.
pub const IMPORTER_VERSION: &str = "ostree.importer.version";
/// Merge commit metadata of this program alone, `ay`: the manifest's bytes as the source had them.
pub const ORIGINAL_MANIFEST: &str = "ostree-container.manifest";
/// Merge commit metadata of this program alone, `s`: the media type of [`ORIGINAL_MANIFEST`].
pub const ORIGINAL_MANIFEST_TYPE: &str = "ostree-container.manifest-type";
/// Merge commit metadata of this program alone, `ay`: the image configuration's bytes as the source had them.
pub const ORIGINAL_CONFIG: &str = "ostree-container.config";
/// Detached metadata of a merge commit, `s`: the digest of a newer manifest.
pub const CACHED_MANIFEST_DIGEST: &str = "ostree-ext.cached.manifest-digest";
/// Detached metadata of a merge commit, `s`: the newer manifest as JSON.
pub const CACHED_MANIFEST: &str = "ostree-ext.cached.manifest";
/// Detached metadata of a merge commit, `s`: the newer image's configuration as JSON.
pub const CACHED_CONFIG: &str = "ostree-ext.cached.config";
/// Key of an origin file's group `origin`: the image a deployment came from, with its signature scheme.
pub const ORIGIN_IMAGE: &str = "container-image-reference";
/// Layer commit metadata of this program alone, `s`: what the tree does not say of a derived layer, as JSON.
pub const LAYER_NOTES: &str = "ostree-container.layer";
/// What annotations begin with that describe the very bytes of a layer, and are wrong for any others.
pub const BYTES_ANNOTATIONS: [&str; 3] =
    ["io.github.containers.zstd-chunked.", "containerd.io/snapshot/stargz/", "io.containers.estargz."];
/// Annotation: when the image was made, in the form of RFC 3339.
pub const CREATED_ANNOTATION: &str = "org.opencontainers.image.created";
/// Where the repository in a container of an encapsulated commit keeps its configuration.
pub const CONTAINER_REPO_CONFIG: &str = "sysroot/ostree/repo/config";
/// Where the oldest ones keep it.
pub const OLD_CONTAINER_REPO_CONFIG: &str = "sysroot/config";
