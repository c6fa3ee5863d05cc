//! What a signature says: which manifest it is for, and under which name (container-signature(5)).

use oci_image::{Digest, Named};

use crate::error::shown;
use crate::json::{At, Json};

/// The kinds of payload, by the text in `critical.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadKind {
    /// `atomic container signature`.
    Simple,
    /// `cosign container image signature`.
    Sigstore,
}

/// A payload. Whoever reads one has checked who signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// The digest of the manifest.
    pub digest: Digest,
    /// The name of the image, or with sigstore usually that of its repository.
    pub name: Named,
    /// Who made the signature, in his own words.
    pub creator: Option<String>,
    /// When, in seconds since 1970, by his own clock.
    pub timestamp: Option<i64>,
}

impl PayloadKind {
    /// The text that names it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Simple => "atomic container signature",
            Self::Sigstore => "cosign container image signature",
        }
    }

    /// Reads a payload of this kind, strictly: members that are not known are errors but in `optional`.
    ///
    /// # Errors
    /// What is wrong, and in which member.
    pub fn read(self, bytes: &[u8]) -> Result<Payload, String> {
        let json = Json::parse(bytes)?;
        let mut top = At::top(&json).object()?;
        let critical = top.required("critical")?;
        let optional = top.required("optional")?;
        top.end()?;
        let (creator, timestamp) = self.optional(&optional)?;
        let mut members = critical.object()?;
        let kind = members.required("type")?;
        let image = members.required("image")?;
        let identity = members.required("identity")?;
        members.end()?;
        if kind.text()? != self.text() {
            return Err(kind.wrong(format_args!("{:?} is not {:?}", shown(kind.text()?), self.text())));
        }
        let digest = only(&image, "docker-manifest-digest")?;
        let digest = digest.text()?.parse().map_err(|error| digest.wrong(error))?;
        let name = only(&identity, "docker-reference")?;
        let name = Named::parse(name.text()?).map_err(|error| name.wrong(error))?;
        Ok(Payload { digest, name, creator, timestamp })
    }

    fn optional(self, at: &At<'_>) -> Result<(Option<String>, Option<i64>), String> {
        if self == Self::Sigstore && *at.json == Json::Null {
            return Ok((None, None));
        }
        let mut members = at.object()?;
        let creator = members.optional("creator").map(|at| at.text().map(str::to_owned)).transpose()?;
        let timestamp = members.optional("timestamp").map(|at| at.integer()).transpose()?;
        Ok((creator, timestamp))
    }
}

/// The only member of an object.
fn only<'a>(at: &At<'a>, name: &str) -> Result<At<'a>, String> {
    let mut members = at.object()?;
    let found = members.required(name)?;
    members.end()?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(kind: &str, image: &str, identity: &str, optional: &str) -> String {
        format!(r#"{{"critical":{{"type":"{kind}","image":{image},"identity":{identity}}},"optional":{optional}}}"#)
    }

    #[test]
    fn strict_but_in_what_is_optional() {
        let simple = PayloadKind::Simple;
        let digest = format!("sha256:{}", "0a".repeat(32));
        let image = format!(r#"{{"docker-manifest-digest":"{digest}"}}"#);
        let identity = r#"{"docker-reference":"h.example/a:1"}"#;
        let read = |kind: PayloadKind, text: String| kind.read(text.as_bytes());
        let good =
            read(simple, text(simple.text(), &image, identity, r#"{"creator":"c","timestamp":5,"x":[1.5]}"#)).unwrap();
        assert_eq!(
            (good.digest.to_string(), good.name.to_string(), good.timestamp),
            (digest.clone(), "h.example/a:1".into(), Some(5))
        );
        let sigstore = PayloadKind::Sigstore;
        assert!(read(sigstore, text(sigstore.text(), &image, identity, "null")).is_ok());
        let both = format!(r#"{{"docker-manifest-digest":"{digest}","x":1}}"#);
        let twice = format!(r#"{{"docker-manifest-digest":"{digest}","docker-manifest-digest":"{digest}"}}"#);
        for (bad, reason) in [
            (text(simple.text(), &image, identity, "null"), "optional: expected an object"),
            (text(simple.text(), &image, identity, r#"{"timestamp":1.5}"#), "whole number"),
            (text(sigstore.text(), &image, identity, "{}"), "critical.type: \"cosign"),
            (text(simple.text(), &both, identity, "{}"), "critical.image: unknown key \"x\""),
            (text(simple.text(), &twice, identity, "{}"), "duplicate key"),
            (text(simple.text(), "{}", identity, "{}"), "is missing"),
            (text(simple.text(), r#"{"docker-manifest-digest":"sha256:../x"}"#, identity, "{}"), "invalid digest"),
            (
                text(simple.text(), &image, r#"{"docker-reference":"A b"}"#, "{}"),
                "critical.identity.docker-reference: ",
            ),
            (r#"{"critical":{},"optional":{},"x":1}"#.into(), "unknown key \"x\""),
        ] {
            let found = read(simple, bad.clone()).unwrap_err();
            assert!(found.contains(reason), "{bad}\n{found}");
        }
    }
}
