//! What a caller may ask of an image.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use oci_image::config::ContainerConfig;
use oci_image::layer::Compression;
use oci_image::platform::Platform;
use ostree_tar::Flavour;

use crate::contentmeta::ContentMeta;

/// What an image is to be like. The same commit with the same options gives the same digests, whatever `jobs` is.
#[derive(Debug, Clone, Default)]
pub struct EncapsulateOptions {
    /// Labels, which are written as annotations too.
    pub labels: BTreeMap<String, String>,
    /// Commit metadata keys that become labels; `true` where the key must be there. Values must be strings.
    pub copy_metadata: Vec<(String, bool)>,
    /// The container configuration to start from.
    pub config: Option<ContainerConfig>,
    /// The default command; else the commit's own, else the one of `config`.
    pub cmd: Option<Vec<String>>,
    /// Which file objects go into which layer; all into one if not set.
    pub content: Option<ContentMeta>,
    /// How layers are compressed.
    pub compression: Compression,
    /// Which variant of the tar format is written.
    pub flavour: Flavour,
    /// What the image runs on; else what the commit's metadata or its programs say.
    pub platform: Option<Platform>,
    /// When the image is said to be made, as RFC 3339 text; else the content metadata's, else the commit's time.
    pub created: Option<String>,
    /// How many threads compress; one for each processor if not set.
    pub jobs: Option<NonZeroUsize>,
}
