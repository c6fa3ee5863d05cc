//! Names of refs and remotes, and refspecs that join the two.

use std::fmt;
use std::str::FromStr;

use crate::checksum::Checksum;
use crate::error::ObjectError;

/// Whether `text` is one fragment of a ref name: it starts with a letter, digit or `_` of any script, and goes on with
/// those, `-` and `.`.
fn is_fragment(text: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    text.starts_with(word) && text.chars().all(|c| word(c) || c == '-' || c == '.')
}

/// The name of a ref: fragments joined by `/`. It is therefore safe as a relative path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RefName(String);

impl RefName {
    /// The name, if it is one. A name that looks like a checksum is refused, because a ref of that name could never be
    /// resolved.
    pub fn new(name: impl Into<String>) -> Result<Self, ObjectError> {
        let name = name.into();
        if !name.split('/').all(is_fragment) {
            return Err(ObjectError::invalid("ref name", format!("Invalid ref name {name}")));
        }
        if name.parse::<Checksum>().is_ok() {
            return Err(ObjectError::invalid("ref name", format!("Rev name '{name}' looks like a checksum")));
        }
        Ok(Self(name))
    }

    /// Whether `fragment` may stand between the slashes of a ref name.
    pub fn is_fragment(fragment: &str) -> bool {
        is_fragment(fragment)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for RefName {
    type Err = ObjectError;

    fn from_str(text: &str) -> Result<Self, ObjectError> {
        Self::new(text)
    }
}

/// The name of a remote: one fragment of a ref name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RemoteName(String);

impl RemoteName {
    /// The name, if it is one.
    pub fn new(name: impl Into<String>) -> Result<Self, ObjectError> {
        let name = name.into();
        if !is_fragment(&name) {
            return Err(ObjectError::invalid("remote name", format!("Invalid remote name {name}")));
        }
        Ok(Self(name))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RemoteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for RemoteName {
    type Err = ObjectError;

    fn from_str(text: &str) -> Result<Self, ObjectError> {
        Self::new(text)
    }
}

/// A ref, of a remote or of the repository itself; written `[REMOTE:]REF`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Refspec {
    /// The remote, or `None` for a local ref.
    pub remote: Option<RemoteName>,
    /// The ref.
    pub name: RefName,
}

impl Refspec {
    /// The refspec of a local ref.
    pub fn local(name: RefName) -> Self {
        Self { remote: None, name }
    }
}

impl fmt::Display for Refspec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.remote {
            Some(remote) => write!(f, "{remote}:{}", self.name),
            None => self.name.fmt(f),
        }
    }
}

impl FromStr for Refspec {
    type Err = ObjectError;

    fn from_str(text: &str) -> Result<Self, ObjectError> {
        let invalid = |_| ObjectError::invalid("refspec", format!("Invalid refspec {text}"));
        match text.split_once(':') {
            Some((remote, name)) => Ok(Self {
                remote: Some(RemoteName::new(remote).map_err(invalid)?),
                name: RefName::new(name).map_err(invalid)?,
            }),
            // A name that looks like a checksum is told from one that breaks the grammar.
            None if text.split('/').all(is_fragment) => Ok(Self { remote: None, name: RefName::new(text)? }),
            None => Err(ObjectError::invalid("refspec", format!("Invalid refspec {text}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grammar() {
        for good in ["main", "os/x86_64/main", "_a-b.c", "remote:os/main", "ü/日本"] {
            assert_eq!(good.parse::<Refspec>().unwrap().to_string(), good);
        }
        for bad in ["", "-a", ".a", "a/", "/a", "a//b", "a/../b", "a b", "☺", "a:b:c", "r:", &"0a".repeat(32)] {
            assert!(bad.parse::<Refspec>().is_err(), "{bad}");
        }
    }
}
