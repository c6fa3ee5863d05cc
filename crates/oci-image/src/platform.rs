//! Platforms: operating system, architecture and variant, in the names Go has for them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What an image runs on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Platform {
    /// The processor, as in `amd64`.
    pub architecture: String,
    /// The operating system, as in `linux`.
    pub os: String,
    /// The processor's variant, as in `v8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// Why a text is no platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid platform {0:?}: expected OS/ARCHITECTURE[/VARIANT]")]
pub struct InvalidPlatform(String);

impl Platform {
    /// The platform this program was built for.
    pub fn host() -> Self {
        let (architecture, variant) = go_architecture(std::env::consts::ARCH);
        Self {
            architecture: architecture.to_owned(),
            os: std::env::consts::OS.to_owned(),
            variant: variant.map(str::to_owned),
        }
    }

    /// A Linux platform by its architecture, in Go's or the kernel's name (`amd64` or `x86_64`).
    pub fn linux(architecture: &str) -> Self {
        let (architecture, variant) = go_architecture(architecture);
        Self { architecture: architecture.to_owned(), os: "linux".to_owned(), variant: variant.map(str::to_owned) }
    }

    /// How well an image for `offered` runs here: 0 is best, `None` is not at all. On 32-bit ARM older variants run on
    /// newer processors and an absent variant is any of them; elsewhere an image for a variant must be asked for.
    pub fn rank(&self, offered: &Self) -> Option<usize> {
        if self.os != offered.os || self.architecture != offered.architecture {
            return None;
        }
        let default = if self.architecture == "arm64" { Some("v8") } else { None };
        let (want, have) = (self.variant.as_deref().or(default), offered.variant.as_deref().or(default));
        match (want, have) {
            (want, have) if want == have => Some(0),
            (None, Some(have)) if self.architecture == "arm" => Some(1 + arm_age(have)),
            (Some(_), None) => Some(50),
            (Some(want), Some(have)) if self.architecture == "arm" => {
                arm_age(have).checked_sub(arm_age(want)).filter(|_| arm_age(have) < 4)
            }
            _ => None,
        }
    }
}

/// How far a 32-bit ARM variant is behind the newest; 4 for an unknown one.
fn arm_age(variant: &str) -> usize {
    ["v8", "v7", "v6", "v5"].iter().position(|known| *known == variant).unwrap_or(4)
}

/// Go's name of an architecture, and the variant where the given name implies one.
fn go_architecture(name: &str) -> (&str, Option<&str>) {
    match name {
        "x86_64" | "x86-64" => ("amd64", None),
        "x86" | "i386" | "i486" | "i586" | "i686" => ("386", None),
        "aarch64" => ("arm64", None),
        "armhf" | "armv7" | "armv7l" | "armv7hl" => ("arm", Some("v7")),
        "armel" | "armv6l" => ("arm", Some("v6")),
        "powerpc64le" | "ppc64el" => ("ppc64le", None),
        "powerpc64" if cfg!(target_endian = "little") => ("ppc64le", None),
        "powerpc64" => ("ppc64", None),
        "loongarch64" => ("loong64", None),
        "mips64el" => ("mips64le", None),
        "mipsel" => ("mipsle", None),
        other => (other, None),
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.iter().try_for_each(|variant| write!(f, "/{variant}"))
    }
}

impl FromStr for Platform {
    type Err = InvalidPlatform;

    /// Reads `OS/ARCHITECTURE[/VARIANT]`; the architecture may have the kernel's name.
    fn from_str(text: &str) -> Result<Self, InvalidPlatform> {
        let refuse = || InvalidPlatform(text.chars().take(100).collect());
        let good = |part: &&str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        let parts: Vec<&str> = text.split('/').filter(good).collect();
        if parts.len() != text.split('/').count() {
            return Err(refuse());
        }
        let (os, architecture, variant) = match parts.as_slice() {
            [os, architecture] => (os, architecture, None),
            [os, architecture, variant] => (os, architecture, Some(*variant)),
            _ => return Err(refuse()),
        };
        let (architecture, implied) = go_architecture(architecture);
        Ok(Self {
            architecture: architecture.to_owned(),
            os: (*os).to_owned(),
            variant: variant.or(implied).map(str::to_owned),
        })
    }
}

/// The platform an image configuration names, with its other members left out.
pub(crate) fn from_config_members(
    architecture: &str,
    os: &str,
    extra: &BTreeMap<String, serde_json::Value>,
) -> Platform {
    let variant = extra.get("variant").and_then(serde_json::Value::as_str).filter(|variant| !variant.is_empty());
    Platform { architecture: architecture.to_owned(), os: os.to_owned(), variant: variant.map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        text.parse().unwrap()
    }

    #[test]
    fn texts_round_trip() {
        for text in ["linux/amd64", "linux/arm/v7", "windows/amd64"] {
            assert_eq!(platform(text).to_string(), text);
        }
        assert_eq!(platform("linux/aarch64"), platform("linux/arm64"));
        for bad in ["", "linux", "linux/", "/amd64", "a/b/c/d", "linux/a b"] {
            assert!(bad.parse::<Platform>().is_err(), "{bad}");
        }
    }

    #[test]
    fn variants_rank() {
        let rank = |want: &str, have: &str| platform(want).rank(&platform(have));
        assert_eq!(rank("linux/amd64", "linux/amd64"), Some(0));
        assert_eq!(rank("linux/amd64", "linux/arm64"), None);
        assert_eq!(rank("linux/arm64", "linux/arm64/v8"), Some(0));
        assert_eq!(rank("linux/arm/v7", "linux/arm/v6"), Some(1));
        assert_eq!(rank("linux/arm/v6", "linux/arm/v7"), None);
        assert_eq!(rank("linux/amd64", "linux/amd64/v3"), None);
        assert_eq!(rank("linux/amd64/v2", "linux/amd64/v3"), None);
    }
}
