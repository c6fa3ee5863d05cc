//! The option to write down which image was made.

use std::path::PathBuf;

use anyhow::Result;
use oci_image::Digest;

use crate::output::{check_place, write_whole};

/// Where the digest of the image goes.
#[derive(Debug, Clone, clap::Args)]
pub struct DigestfileArgs {
    /// Write the digest of the image to FILE
    #[arg(long, value_name = "FILE", overrides_with = "digestfile")]
    digestfile: Option<PathBuf>,
}

impl DigestfileArgs {
    /// Finds out whether the file can be written, before there is an image.
    pub fn check(&self) -> Result<()> {
        self.digestfile.as_ref().map_or(Ok(()), |file| check_place(file))
    }

    /// Writes the file, if one was asked for.
    pub fn write(&self, digest: &Digest) -> Result<()> {
        self.digestfile.as_ref().map_or(Ok(()), |file| write_whole(file, digest.to_string().as_bytes()))
    }
}
