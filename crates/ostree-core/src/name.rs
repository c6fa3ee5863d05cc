//! Names of entries in a directory.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use crate::error::ObjectError;
use crate::limits::MAX_NAME_LEN;

/// The name of a file or directory in its parent: valid UTF-8, not empty, not `.` or `..`, without `/` and NUL, at most
/// 255 bytes. Ordered byte-wise, as dirtrees are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryName(String);

impl EntryName {
    /// The name, if it is one.
    pub fn new(name: impl Into<String>) -> Result<Self, ObjectError> {
        let name = name.into();
        Self::check(&name)?;
        Ok(Self(name))
    }

    /// Whether `name` could be an [`EntryName`]; the error says why not.
    pub fn check(name: &str) -> Result<(), ObjectError> {
        let reason = match name {
            "" => "an empty name".to_owned(),
            "." | ".." => format!("Invalid {name} in filename"),
            _ if name.contains('/') => format!("Invalid / in filename {name}"),
            _ if name.contains('\0') => "a NUL byte in a file name".to_owned(),
            _ if name.len() > MAX_NAME_LEN => format!("a file name of {} bytes", name.len()),
            _ => return Ok(()),
        };
        Err(ObjectError::Invalid { what: "file name", reason })
    }

    /// The name from raw bytes, as file systems and tar streams hold it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ObjectError> {
        let text = std::str::from_utf8(bytes).map_err(|_| {
            ObjectError::invalid("file name", format!("Invalid UTF-8 in filename {}", bytes.escape_ascii()))
        })?;
        Self::new(text)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Borrow<str> for EntryName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for EntryName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for EntryName {
    type Err = ObjectError;

    fn from_str(text: &str) -> Result<Self, ObjectError> {
        Self::new(text)
    }
}
