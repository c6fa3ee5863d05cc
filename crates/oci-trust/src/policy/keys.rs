//! Where the keys of a requirement are: in files, or in the policy itself.

use std::fmt;
use std::io::Read;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::error::TrustError;
use crate::json::{At, Members};
use crate::limits::KEY_BYTES;

/// One source of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A file, read when it is needed.
    File(PathBuf),
    /// Bytes in the policy, in the member of that name.
    Inline(&'static str, Vec<u8>),
}

/// All sources of keys of a requirement: a key of any of them will do.
pub type KeySources = Vec<KeySource>;

/// Keys as they were read, and where from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBytes {
    /// For messages: the file, or the policy's member.
    pub origin: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Inline(member, _) => f.write_str(member),
        }
    }
}

impl KeySource {
    /// Reads the keys.
    ///
    /// # Errors
    /// [`TrustError::Io`] with the file that is not there or too large.
    pub fn read(&self) -> Result<KeyBytes, TrustError> {
        let bytes = match self {
            Self::Inline(_, bytes) => bytes.clone(),
            Self::File(path) => {
                let failed = |source| TrustError::Io { action: "reading the policy's key", path: path.clone(), source };
                let mut bytes = Vec::new();
                let file = std::fs::File::open(path).map_err(failed)?;
                file.take(KEY_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
                if bytes.len() as u64 > KEY_BYTES {
                    return Err(failed(std::io::Error::other(format!("larger than {KEY_BYTES} bytes"))));
                }
                bytes
            }
        };
        Ok(KeyBytes { origin: self.to_string(), bytes })
    }
}

/// The names of the members that a source of keys may be in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyMembers {
    pub(crate) path: &'static str,
    pub(crate) paths: Option<&'static str>,
    pub(crate) data: &'static str,
    pub(crate) datas: Option<&'static str>,
}

impl KeyMembers {
    /// Takes the one of these members that is there.
    pub(crate) fn take(self, members: &mut Members<'_>, at: &At<'_>) -> Result<Option<KeySources>, String> {
        let mut found = Vec::new();
        if let Some(path) = members.optional(self.path) {
            found.push(vec![file(&path)?]);
        }
        if let Some(paths) = self.paths.and_then(|name| members.optional(name)) {
            found.push(paths.list()?.iter().map(file).collect::<Result<_, _>>()?);
        }
        if let Some(data) = members.optional(self.data) {
            found.push(vec![inline(self.data, &data)?]);
        }
        if let Some((name, datas)) = self.datas.and_then(|name| Some((name, members.optional(name)?))) {
            found.push(datas.list()?.iter().map(|data| inline(name, data)).collect::<Result<_, _>>()?);
        }
        match found.len() {
            0 => Ok(None),
            1 => Ok(found.pop()),
            _ => Err(at.wrong(format_args!("exactly one of {self} may be there"))),
        }
    }

    /// The same, where one must be there.
    pub(crate) fn require(self, members: &mut Members<'_>, at: &At<'_>) -> Result<KeySources, String> {
        self.take(members, at)?.ok_or_else(|| at.wrong(format_args!("exactly one of {self} must be there")))
    }
}

impl fmt::Display for KeyMembers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> =
            [Some(self.path), self.paths, Some(self.data), self.datas].into_iter().flatten().collect();
        f.write_str(&names.join(", "))
    }
}

fn file(at: &At<'_>) -> Result<KeySource, String> {
    match at.text()? {
        "" => Err(at.wrong("the empty path")),
        path => Ok(KeySource::File(path.into())),
    }
}

fn inline(member: &'static str, at: &At<'_>) -> Result<KeySource, String> {
    let bytes = STANDARD.decode(at.text()?).map_err(|error| at.wrong(format_args!("not base64: {error}")))?;
    Ok(KeySource::Inline(member, bytes))
}
