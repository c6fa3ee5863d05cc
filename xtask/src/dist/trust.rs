//! Signing and verifying in a root that holds the binary, the keys and nothing else.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::job::REF;
use crate::sh::{self, Cmd, cmd};

/// Where the keys are in the root.
const KEYS: &str = "keys";

/// A policy by which images in directories must be signed with the key.
const POLICY: &str = r#"{"default": [{"type": "reject"}], "transports": {"dir": {"": [{"type": "sigstoreSigned",
"keyPath": "/keys/sigstore.pub", "signedIdentity": {"type": "exactRepository",
"dockerRepository": "registry.example.com/os"}}]}}}"#;

/// Signs a commit and an image of the repository at `work/source-repo`, takes both back where their keys are trusted, and
/// is refused where they are not.
///
/// # Errors
/// The keys cannot be copied, or a step comes out otherwise.
pub fn try_out(root: &Path, enter: &dyn Fn() -> Cmd, mode: &str) -> Result<()> {
    copy_keys(&root.join(KEYS))?;
    let ok = |words: &str| enter().args(words.split(' ')).read().with_context(|| words.to_owned());
    let refused = |words: &str| {
        ensure!(!enter().args(words.split(' ')).succeeds(), "{words}: it should have been refused");
        Ok(())
    };
    ok(&format!("repo gpg-sign --repo=work/source-repo --gpg-homedir=/keys/home {REF} alice@example.org"))?;
    ok(&format!("encapsulate --repo=work/source-repo {REF} oci:work/signed"))?;
    ok(&format!("repo init --repo=work/host --mode={mode}"))?;
    for (remote, key) in [("friend", "trusted"), ("stranger", "designated")] {
        ok(&format!(
            "repo remote add --repo=work/host --gpg-import=/keys/{key}.gpg {remote} https://{remote}.example.com"
        ))?;
    }
    refused("image pull work/host ostree-remote-image:stranger:oci:work/signed")?;
    ok("image pull work/host ostree-remote-image:friend:oci:work/signed")?;
    ok(&format!(
        "encapsulate --repo=work/source-repo --sign-by-sigstore-private-key=/keys/sigstore.key \
        --sign-passphrase-file=/keys/passphrase --sign-identity=registry.example.com/os:1 {REF} dir:work/dir"
    ))?;
    refused("verify --policy=/keys/policy.json ostree-image-signed:oci:work/signed")?;
    ok("verify --policy=/keys/policy.json ostree-image-signed:dir:work/dir")?;
    println!("  signed, verified and refused: a commit by OpenPGP, an image by sigstore");
    Ok(())
}

/// The keys of the tests.
fn copy_keys(keys: &Path) -> Result<()> {
    std::fs::create_dir(keys).context("make a folder for keys")?;
    let crates = sh::workspace_root().join("crates");
    for name in [
        "ostree-sign/testdata/home",
        "ostree-sign/testdata/trusted.gpg",
        "ostree-sign/testdata/designated.gpg",
        "oci-trust/testdata/sigstore.key",
        "oci-trust/testdata/sigstore.pub",
    ] {
        cmd("cp").arg("-R").arg(crates.join(name)).arg(keys).read()?;
    }
    for (name, text) in [("passphrase", "hunter2"), ("policy.json", POLICY)] {
        std::fs::write(keys.join(name), text).with_context(|| format!("write {name}"))?;
    }
    Ok(())
}
