//! `signedIdentity`: which name a signature must vouch for.

use std::fmt;

use crate::error::shown;
use crate::json::At;
use oci_image::named::{self, Named};

/// Which name in a signature is good for an image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum IdentityRule {
    /// The image's own, tag and all.
    MatchExact,
    /// The image's own with its tag; an image by digest may be signed by any tag of its repository.
    #[default]
    MatchRepoDigestOrExact,
    /// Any of the image's repository.
    MatchRepository,
    /// This one.
    ExactReference(Named),
    /// Any of this repository.
    ExactRepository(Named),
    /// As `MatchRepoDigestOrExact`, with the beginning of the image's name replaced.
    Remap {
        /// What the image's name begins with.
        prefix: String,
        /// What stands in its place in signatures.
        signed_prefix: String,
    },
}

impl fmt::Display for IdentityRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MatchExact => f.write_str("matchExact"),
            Self::MatchRepoDigestOrExact => f.write_str("matchRepoDigestOrExact"),
            Self::MatchRepository => f.write_str("matchRepository"),
            Self::ExactReference(name) => write!(f, "exactReference {name}"),
            Self::ExactRepository(name) => write!(f, "exactRepository {}", name.name()),
            Self::Remap { prefix, signed_prefix } => write!(f, "remapIdentity {prefix} to {signed_prefix}"),
        }
    }
}

impl IdentityRule {
    /// Reads the member's value.
    pub(crate) fn read(at: &At<'_>) -> Result<Self, String> {
        let mut members = at.object()?;
        let kind = members.required("type")?;
        let mut name = |member: &str| {
            let at = members.required(member)?;
            Named::parse(at.text()?).map_err(|error| at.wrong(error))
        };
        let rule = match kind.text()? {
            "matchExact" => Self::MatchExact,
            "matchRepoDigestOrExact" => Self::MatchRepoDigestOrExact,
            "matchRepository" => Self::MatchRepository,
            "exactReference" => match name("dockerReference")? {
                name if name.is_bare() => {
                    return Err(at.wrong(format_args!("dockerReference {name} has neither a tag nor a digest")));
                }
                name => Self::ExactReference(name),
            },
            "exactRepository" => Self::ExactRepository(name("dockerRepository")?),
            "remapIdentity" => {
                let mut prefix = |member: &str| {
                    let at = members.required(member)?;
                    match at.text()? {
                        text if named::is_prefix(text) => Ok(text.to_owned()),
                        text => Err(at.wrong(format_args!("{:?} is no prefix of names", shown(text)))),
                    }
                };
                Self::Remap { prefix: prefix("prefix")?, signed_prefix: prefix("signedPrefix")? }
            }
            other => return Err(kind.wrong(format_args!("unknown kind of identity {:?}", shown(other)))),
        };
        members.end()?;
        Ok(rule)
    }

    /// Whether a signature for `signed` is one for `image`. An image without a name has only the identities that the rule
    /// itself names.
    pub fn accepts(&self, image: Option<&Named>, signed: &Named) -> bool {
        match self {
            Self::MatchExact => image.is_some_and(|image| !image.is_bare() && !signed.is_bare() && same(image, signed)),
            Self::MatchRepoDigestOrExact => image.is_some_and(|image| repo_digest_or_exact(image, signed)),
            Self::MatchRepository => image.is_some_and(|image| image.name() == signed.name()),
            Self::ExactReference(name) => name == signed,
            Self::ExactRepository(name) => name.name() == signed.name(),
            Self::Remap { prefix, signed_prefix } => image.is_some_and(|image| {
                remapped(image, prefix, signed_prefix).is_some_and(|image| repo_digest_or_exact(&image, signed))
            }),
        }
    }
}

/// An image by tag and digest is the one of that tag; that it has the digest is checked when it is read.
fn same(image: &Named, signed: &Named) -> bool {
    image == signed || (image.tag().is_some() && image.without_digest() == *signed)
}

fn repo_digest_or_exact(image: &Named, signed: &Named) -> bool {
    match image.tag() {
        _ if signed.is_bare() => false,
        Some(_) => same(image, signed),
        None => image.digest().is_some() && image.name() == signed.name(),
    }
}

/// The image's name with another beginning; as it is where it begins otherwise.
fn remapped(image: &Named, prefix: &str, signed_prefix: &str) -> Option<Named> {
    let name = image.name();
    let rest = name.strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    match rest {
        None => Some(image.clone()),
        Some(_) => {
            let full = image.to_string();
            Named::parse(&format!("{signed_prefix}{}", full.strip_prefix(prefix)?)).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;

    fn rule(text: &str) -> Result<IdentityRule, String> {
        let json = Json::parse(text.as_bytes()).unwrap();
        IdentityRule::read(&At::top(&json))
    }

    fn accepts(rule: &IdentityRule, image: &str, signed: &str) -> bool {
        rule.accepts(Some(&Named::parse(image).unwrap()), &Named::parse(signed).unwrap())
    }

    #[test]
    fn what_each_kind_accepts() {
        let digest = format!("@sha256:{}", "0a".repeat(32));
        let by_digest = format!("h.example/a{digest}");
        let cases = [
            (IdentityRule::MatchExact, "h.example/a:1", "h.example/a:1", true),
            (IdentityRule::MatchExact, "h.example/a:1", "h.example/a:2", false),
            (IdentityRule::MatchExact, by_digest.as_str(), "h.example/a:1", false),
            (IdentityRule::MatchExact, "h.example/a:1", "h.example/a", false),
            (IdentityRule::MatchRepoDigestOrExact, by_digest.as_str(), "h.example/a:1", true),
            (IdentityRule::MatchRepoDigestOrExact, by_digest.as_str(), "h.example/a", false),
            (IdentityRule::MatchRepoDigestOrExact, by_digest.as_str(), "h.example/b:1", false),
            (IdentityRule::MatchRepoDigestOrExact, "h.example/a:1", "h.example/a:2", false),
            (IdentityRule::MatchRepository, "h.example/a:1", "h.example/a", true),
            (IdentityRule::MatchRepository, "h.example/a:1", "h.example/a/b", false),
            (IdentityRule::ExactReference(Named::parse("x/y:1").unwrap()), "h.example/a:1", "x/y:1", true),
            (IdentityRule::ExactReference(Named::parse("x/y:1").unwrap()), "h.example/a:1", "x/y:2", false),
            (IdentityRule::ExactRepository(Named::parse("x/y").unwrap()), "h.example/a:1", "x/y:2", true),
            (IdentityRule::ExactRepository(Named::parse("x/y").unwrap()), "x/z", "x/z", false),
        ];
        for (rule, image, signed, expected) in cases {
            assert_eq!(accepts(&rule, image, signed), expected, "{rule}: {image} signed as {signed}");
        }
        assert!(!IdentityRule::MatchRepository.accepts(None, &Named::parse("x/y").unwrap()));
    }

    #[test]
    fn prefixes_are_replaced_at_their_border() {
        let remap = rule(r#"{"type":"remapIdentity","prefix":"m.example:5000/v","signedPrefix":"v.example"}"#).unwrap();
        assert!(accepts(&remap, "m.example:5000/v/a:1", "v.example/a:1"));
        assert!(!accepts(&remap, "m.example:5000/v/a:1", "m.example:5000/v/a:1"));
        assert!(accepts(&remap, "m.example:5000/vx/a:1", "m.example:5000/vx/a:1"));
    }

    #[test]
    fn what_is_no_rule() {
        for (text, reason) in [
            (r#"{"type":"matchExact","x":1}"#, "unknown key \"x\""),
            (r#"{"type":"q"}"#, "type: unknown kind of identity \"q\""),
            (r#"{"type":"exactReference","dockerReference":"busybox"}"#, "neither a tag nor a digest"),
            (r#"{"type":"exactRepository"}"#, "\"dockerRepository\" is missing"),
            (r#"{"type":"remapIdentity","prefix":"a/b:1","signedPrefix":"b"}"#, "prefix: \"a/b:1\" is no prefix"),
            ("5", "expected an object, found a number"),
        ] {
            assert!(rule(text).unwrap_err().contains(reason), "{text}");
        }
    }
}
