//! The lines of a `file_contexts` file.

use crate::error::SelinuxError;
use crate::limits::{MAX_FILE_SIZE, MAX_LINE_LEN, MAX_SPECS};

/// The type bits of a mode.
const TYPE_MASK: u32 = 0o170000;

/// What kind of file a specification is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum FileType {
    /// A block device.
    Block = 1,
    /// A character device.
    Character = 2,
    /// A directory.
    Directory = 3,
    /// A FIFO.
    Fifo = 4,
    /// A symlink.
    Symlink = 5,
    /// A socket.
    Socket = 6,
    /// A regular file.
    Regular = 7,
}

/// The kind of a path that is looked up without a mode: all specifications are for it.
pub const ANY_TYPE: u8 = 8;

/// The kind of a path whose type bits mean nothing: only specifications without a type are for it.
pub const NO_TYPE: u8 = 9;

impl FileType {
    /// As the second field of a line has it.
    fn parse(text: &[u8]) -> Option<Self> {
        match text {
            b"-b" => Some(Self::Block),
            b"-c" => Some(Self::Character),
            b"-d" => Some(Self::Directory),
            b"-p" => Some(Self::Fifo),
            b"-l" => Some(Self::Symlink),
            b"-s" => Some(Self::Socket),
            b"--" => Some(Self::Regular),
            _ => None,
        }
    }

    /// The kind that a path of this `st_mode` is looked up as.
    pub fn of_mode(mode: u32) -> u8 {
        match mode & TYPE_MASK {
            0 => ANY_TYPE,
            0o060000 => Self::Block as u8,
            0o020000 => Self::Character as u8,
            0o040000 => Self::Directory as u8,
            0o010000 => Self::Fifo as u8,
            0o120000 => Self::Symlink as u8,
            0o140000 => Self::Socket as u8,
            0o100000 => Self::Regular as u8,
            _ => NO_TYPE,
        }
    }
}

/// One specification.
#[derive(Debug)]
pub struct Spec {
    /// The pattern as it stands there.
    pub pattern: Vec<u8>,
    /// Which files it is for; all if not set.
    pub file_type: Option<FileType>,
    /// The label; `None` for `<<none>>`.
    pub context: Option<String>,
    /// The file it stands in, for messages.
    pub file: String,
    /// The line it stands in.
    pub line: usize,
}

impl Spec {
    /// An error about this specification.
    pub fn refuse(&self, reason: String) -> SelinuxError {
        SelinuxError::Line { file: self.file.clone(), line: self.line, reason }
    }

    /// Whether the pattern has what libselinux takes for meta characters. Those without are looked at first.
    pub fn has_meta(&self) -> bool {
        let mut bytes = self.pattern.iter();
        while let Some(byte) = bytes.next() {
            match byte {
                b'\\' => drop(bytes.next()),
                b'.' | b'^' | b'$' | b'?' | b'*' | b'+' | b'|' | b'[' | b'(' | b'{' => return true,
                _ => {}
            }
        }
        false
    }
}

/// Appends the specifications of `text` to `specs`. `file` is the name for messages.
pub fn parse(file: &str, text: &[u8], specs: &mut Vec<Spec>) -> Result<(), SelinuxError> {
    for (line, fields) in lines(file, text)? {
        let refuse = |reason: &str| SelinuxError::Line { file: file.to_owned(), line, reason: reason.to_owned() };
        let (pattern, kind, context) = match *fields.as_slice() {
            [pattern, context] => (pattern, None, context),
            [pattern, kind, context, ..] => (pattern, Some(kind), context),
            _ => return Err(refuse("a pattern without a label")),
        };
        let file_type = kind.map(|kind| {
            FileType::parse(kind).ok_or_else(|| refuse(&format!("unknown file type '{}'", kind.escape_ascii())))
        });
        let context = std::str::from_utf8(context).map_err(|_| refuse("the label is not UTF-8"))?;
        if specs.len() == MAX_SPECS {
            return Err(SelinuxError::TooLarge { what: "specifications".into(), limit: MAX_SPECS });
        }
        specs.push(Spec {
            pattern: pattern.to_owned(),
            file_type: file_type.transpose()?,
            context: (context != "<<none>>").then(|| context.to_owned()),
            file: file.to_owned(),
            line,
        });
    }
    Ok(())
}

/// A line: its number, and its fields.
pub type Line<'t> = (usize, Vec<&'t [u8]>);

/// The lines of `text` that are neither empty nor comments, by number, in fields; what stands after the third is ignored.
pub fn lines<'t>(file: &str, text: &'t [u8]) -> Result<Vec<Line<'t>>, SelinuxError> {
    if text.len() > MAX_FILE_SIZE {
        return Err(SelinuxError::TooLarge { what: format!("bytes of {file}"), limit: MAX_FILE_SIZE });
    }
    let mut found = Vec::new();
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let refuse = |reason: String| SelinuxError::Line { file: file.to_owned(), line: index + 1, reason };
        if line.len() > MAX_LINE_LEN {
            return Err(refuse(format!("longer than {MAX_LINE_LEN} bytes")));
        }
        let fields: Vec<&[u8]> = line.split(is_space).filter(|field| !field.is_empty()).take(3).collect();
        if fields.first().is_none_or(|first| first.starts_with(b"#")) {
            continue;
        }
        if line.contains(&0) {
            return Err(refuse("a NUL byte".into()));
        }
        found.push((index + 1, fields));
    }
    Ok(found)
}

/// What C's `isspace` calls white space.
fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<Spec>, SelinuxError> {
        let mut specs = Vec::new();
        parse("fc", text.as_bytes(), &mut specs).map(|()| specs)
    }

    #[test]
    fn fields_comments_and_types() {
        let specs = parsed("# c\n\n  /a\t-d  x:y:z\n/b\\.c <<none>> \r\n/c -- l more\n").unwrap();
        let shown: Vec<_> = specs.iter().map(|s| (s.line, s.file_type, s.context.as_deref(), s.has_meta())).collect();
        assert_eq!(
            shown,
            [
                (3, Some(FileType::Directory), Some("x:y:z"), false),
                (4, None, None, false),
                (5, Some(FileType::Regular), Some("l"), false)
            ]
        );
        assert!(parsed("/a(b)? x").unwrap()[0].has_meta());
    }

    #[test]
    fn errors_name_the_line() {
        assert_eq!(parsed("\n/a\n").unwrap_err().to_string(), "fc, line 2: a pattern without a label");
        assert_eq!(parsed("/a -x l").unwrap_err().to_string(), "fc, line 1: unknown file type '-x'");
        assert!(parsed(&format!("/{} l", "a".repeat(MAX_LINE_LEN))).is_err());
        assert!(parsed("/a\0 l").is_err());
    }
}
