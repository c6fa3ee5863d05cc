//! Access tokens as registries read them: JSON with an RSA signature and the certificate that made it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// How much longer than it says `docker-registry` takes a token, in seconds.
const GRACE: u64 = 60;

/// Who signs.
#[derive(Debug)]
pub struct Signer {
    key: PathBuf,
    /// The certificate as in a PEM file, without its first and last line.
    certificate: String,
}

/// What a token says.
#[derive(Debug)]
pub struct Claims<'a> {
    /// For which registry it is.
    pub service: &'a str,
    /// Who has it; nobody's name is empty.
    pub user: &'a str,
    /// What it allows, as the registry reads it.
    pub access: Vec<Value>,
    /// For how many seconds a registry takes it.
    pub life: u64,
}

impl Signer {
    /// Somebody with the RSA key in the PEM file `key`, and its certificate.
    ///
    /// # Errors
    /// The certificate cannot be read.
    pub fn new(key: &Path, certificate: &Path) -> Result<Self> {
        let pem = std::fs::read_to_string(certificate).with_context(|| format!("reading {}", certificate.display()))?;
        Ok(Self { key: key.to_owned(), certificate: pem.lines().filter(|line| !line.starts_with("--")).collect() })
    }

    /// A token in its compact form.
    ///
    /// # Errors
    /// `openssl` does not sign.
    pub fn token(&self, claims: Claims<'_>) -> Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let header = json!({"typ": "JWT", "alg": "RS256", "x5c": [self.certificate]});
        let payload = json!({
            "iss": "issuer", "sub": claims.user, "aud": claims.service, "jti": "1", "access": claims.access,
            "iat": now, "nbf": now - 2 * GRACE, "exp": now + claims.life - GRACE,
        });
        let parts = [header, payload].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = parts.join(".");
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(self.sign(signed.as_bytes())?)))
    }

    fn sign(&self, text: &[u8]) -> Result<Vec<u8>> {
        let mut openssl = Command::new("openssl")
            .args(["dgst", "-sha256", "-sign"])
            .arg(&self.key)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting openssl")?;
        openssl.stdin.take().context("openssl has no standard input")?.write_all(text)?;
        let output = openssl.wait_with_output()?;
        ensure!(output.status.success(), "openssl does not sign");
        Ok(output.stdout)
    }
}
