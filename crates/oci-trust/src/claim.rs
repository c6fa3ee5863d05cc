//! Whether what a signature says is said of the image in question.

use oci_image::{Digest, DigestHasher, Named, RawManifest};

use crate::policy::IdentityRule;

/// What signatures are held against: the image that was asked for, and the document that came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim<'a> {
    /// The image's name; images in files have none.
    pub(crate) image: Option<&'a Named>,
    pub(crate) manifest: &'a RawManifest,
    pub(crate) identity: &'a IdentityRule,
}

impl Claim<'_> {
    /// Whether a signature for this digest is one for the document.
    pub(crate) fn digest(&self, signed: &Digest) -> Result<(), String> {
        let mut hasher = DigestHasher::new(signed.algorithm());
        hasher.update(&self.manifest.bytes);
        if hasher.finish() == *signed {
            return Ok(());
        }
        Err(format!("Signature for digest {signed} does not match"))
    }

    /// Whether a signature for this name is one for the image.
    pub(crate) fn name(&self, signed: &Named) -> Result<(), String> {
        if self.identity.accepts(self.image, signed) {
            return Ok(());
        }
        let hint = match (self.identity, self.image) {
            (IdentityRule::MatchExact | IdentityRule::MatchRepoDigestOrExact, Some(_)) if signed.is_bare() => {
                "; it names no tag: only signedIdentity matchRepository or exactRepository accepts such"
            }
            (IdentityRule::ExactReference(_) | IdentityRule::ExactRepository(_), _) | (_, Some(_)) => "",
            (_, None) => "; the image has no name: only signedIdentity exactReference or exactRepository accepts such",
        };
        Err(format!("Signature for identity {signed} is not accepted ({}{hint})", self.identity))
    }
}
