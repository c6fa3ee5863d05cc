//! Tar entries as bytes: headers in the GNU form, long names, PAX records, content and padding.
//!
//! The bytes are those of the `tar` crate's builder, which ostree-ext writes with: modification time 0, no user names,
//! numbers too large for octal in base 256, `L` and `K` entries for what exceeds 100 bytes.

use std::io::{Read, Write};

use ostree_core::{Owner, Xattrs};
use tar::{EntryType, Header};

use crate::error::TarError;
use crate::limits::BUFFER_SIZE;

const BLOCK: usize = 512;
/// The length of the name and link fields of a header.
const FIELD: usize = 100;

/// The fields of an entry's header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head<'a> {
    /// The name, without a leading `./`.
    pub(crate) path: &'a str,
    /// Whether the name has a leading `./` where it is too long for the header. It never has one in the header.
    pub(crate) dotted: bool,
    /// The type of entry.
    pub(crate) kind: EntryType,
    /// The permission bits.
    pub(crate) mode: u32,
    /// The owner.
    pub(crate) owner: Owner,
    /// The length of the content in bytes.
    pub(crate) size: u64,
    /// The target of a hard link or symlink.
    pub(crate) link: Option<&'a str>,
    /// What else stands in the header.
    pub(crate) trace: Trace<'a>,
}

/// What ostree-ext 0.15.3 leaves in headers, and no reader looks at.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Trace<'a> {
    /// Nothing.
    #[default]
    Clean,
    /// The header of an object is used again for its checkout entry: names are written over each other, so that bytes of
    /// the longer one stay behind the NUL of the shorter one.
    Reused {
        /// The name that was there.
        name: &'a str,
        /// The last byte of the target's field that was there.
        link_end: u8,
    },
    /// The type of a regular file is left 0, as in the oldest archives.
    Untyped,
}

impl<'a> Head<'a> {
    /// A directory or file that belongs to root.
    pub(crate) fn plain(path: &'a str, kind: EntryType, mode: u32, size: u64) -> Self {
        Self { path, dotted: false, kind, mode, owner: Owner::default(), size, link: None, trace: Trace::Clean }
    }
}

/// A tar stream being written through one large buffer.
pub(crate) struct TarOut<'a> {
    /// Where it goes; where it goes nowhere, content is not read either.
    out: Option<&'a mut dyn Write>,
    buffer: Vec<u8>,
    flushed: u64,
}

impl<'a> TarOut<'a> {
    pub(crate) fn new(out: &'a mut dyn Write) -> Self {
        Self { out: Some(out), buffer: Vec::with_capacity(BUFFER_SIZE), flushed: 0 }
    }

    /// A stream that goes nowhere, to learn its length.
    pub(crate) fn measuring() -> Self {
        Self { out: None, buffer: Vec::new(), flushed: 0 }
    }

    /// How long a stream that goes nowhere is so far, in bytes.
    pub(crate) fn measured(&self) -> u64 {
        self.flushed
    }

    /// Writes the headers of an entry. Its content follows by [`TarOut::copy`] or [`TarOut::bytes`].
    pub(crate) fn head(&mut self, head: &Head<'_>) -> Result<(), TarError> {
        if self.out.is_none() {
            let dot = if head.dotted { 2 } else { 0 };
            let long = |length: usize, more: usize| if length <= FIELD { 0 } else { long_length(length + more) };
            let link = head.link.map_or(0, |target| long(target.len(), 0));
            self.flushed += BLOCK as u64 + long(head.path.len(), dot) + link;
            return Ok(());
        }
        let mut header = Header::new_gnu();
        header.set_entry_type(head.kind);
        let fields = header.as_old_mut();
        match head.trace {
            Trace::Clean => {}
            Trace::Reused { name, link_end } => {
                copy_into(&mut fields.name, name.as_bytes());
                fields.linkname[FIELD - 1] = link_end;
            }
            Trace::Untyped => fields.linkflag = [0],
        }
        header.set_mode(head.mode);
        header.set_uid(head.owner.uid.into());
        header.set_gid(head.owner.gid.into());
        header.set_size(head.size);
        self.name(&mut header, head)?;
        if let Some(target) = head.link {
            self.link(&mut header, target)?;
        }
        header.set_cksum();
        self.raw(header.as_bytes())
    }

    fn name(&mut self, header: &mut Header, head: &Head<'_>) -> Result<(), TarError> {
        let path = head.path.as_bytes();
        if path.len() <= FIELD {
            copy_into(&mut header.as_old_mut().name, path);
            return Ok(());
        }
        let dot = if head.dotted { "./" } else { "" };
        self.long(EntryType::GNULongName, &[dot.as_bytes(), path])?;
        // The field holds what remains of the first 100 bytes when a character is not cut and the `./` is dropped.
        let mut end = FIELD - dot.len();
        while !head.path.is_char_boundary(end) {
            end -= 1;
        }
        copy_into(&mut header.as_old_mut().name, path.get(..end).unwrap_or(path));
        Ok(())
    }

    fn link(&mut self, header: &mut Header, target: &str) -> Result<(), TarError> {
        let field = &mut header.as_old_mut().linkname;
        if target.len() <= FIELD {
            copy_into(field, target.as_bytes());
            return Ok(());
        }
        copy_into(field, whole_components(target).as_bytes());
        self.long(EntryType::GNULongLink, &[target.as_bytes()])
    }

    /// An entry that holds a name or target of the entry after it.
    fn long(&mut self, kind: EntryType, parts: &[&[u8]]) -> Result<(), TarError> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let mut header = Header::new_gnu();
        copy_into(&mut header.as_old_mut().name, b"././@LongLink");
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(length as u64 + 1);
        header.set_cksum();
        self.raw(header.as_bytes())?;
        for part in parts {
            self.raw(part)?;
        }
        self.raw(&[0])?;
        self.pad(length as u64 + 1)
    }

    /// Writes xattrs as PAX records of the entry that follows, SELinux labels left out: they are meant for one policy
    /// alone. Without any there is no record.
    pub(crate) fn pax_xattrs(&mut self, xattrs: &Xattrs) -> Result<(), TarError> {
        let mut records = Vec::new();
        for (name, value) in xattrs.iter().filter(|(name, _)| *name != b"security.selinux") {
            pax_record(&mut records, name, value);
        }
        if records.is_empty() {
            return Ok(());
        }
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::XHeader);
        header.set_size(records.len() as u64);
        header.set_cksum();
        self.raw(header.as_bytes())?;
        self.bytes(&records)
    }

    /// Writes content that is at hand, with its padding.
    pub(crate) fn bytes(&mut self, content: &[u8]) -> Result<(), TarError> {
        self.raw(content)?;
        self.pad(content.len() as u64)
    }

    /// Writes exactly `size` bytes of an entry's content, with its padding. `failed` names what the content belongs to.
    pub(crate) fn copy(
        &mut self,
        content: &mut dyn Read,
        size: u64,
        failed: &dyn Fn(std::io::Error) -> TarError,
    ) -> Result<(), TarError> {
        if self.out.is_none() {
            self.flushed += size;
            return self.pad(size);
        }
        let mut left = size;
        while left > 0 {
            if self.buffer.len() == BUFFER_SIZE {
                self.flush()?;
            }
            let start = self.buffer.len();
            let piece = usize::try_from(left).unwrap_or(usize::MAX).min(BUFFER_SIZE - start);
            self.buffer.resize(start + piece, 0);
            let got = read_some(content, self.buffer.get_mut(start..).unwrap_or_default());
            // What was not read must not stand in the stream.
            self.buffer.truncate(start + *got.as_ref().unwrap_or(&0));
            match got.map_err(failed)? {
                0 => {
                    let reason = format!("the content ends {left} bytes before its size");
                    return Err(failed(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, reason)));
                }
                got => left -= got as u64,
            }
        }
        if read_some(content, &mut [0]).map_err(failed)? > 0 {
            return Err(failed(std::io::Error::other(format!("the content goes on after its size of {size} bytes"))));
        }
        self.pad(size)
    }

    /// Writes bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> Result<(), TarError> {
        if self.out.is_none() {
            self.flushed += bytes.len() as u64;
            return Ok(());
        }
        if self.buffer.len() + bytes.len() > BUFFER_SIZE {
            self.flush()?;
        }
        if bytes.len() >= BUFFER_SIZE {
            return self.write_through(bytes);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn pad(&mut self, size: u64) -> Result<(), TarError> {
        // The remainder is below 512.
        match (size % BLOCK as u64) as usize {
            0 => Ok(()),
            over => self.raw([0; BLOCK].get(over..).unwrap_or_default()),
        }
    }

    fn write_through(&mut self, bytes: &[u8]) -> Result<(), TarError> {
        let offset = self.flushed;
        if let Some(out) = &mut self.out {
            out.write_all(bytes).map_err(|source| TarError::Write { offset, source })?;
        }
        self.flushed += bytes.len() as u64;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), TarError> {
        let full = std::mem::take(&mut self.buffer);
        let result = self.write_through(&full);
        self.buffer = full;
        self.buffer.clear();
        result
    }

    /// Writes the end of the archive; gives the length of the whole stream in bytes.
    pub(crate) fn finish(mut self) -> Result<u64, TarError> {
        self.raw(&[0; 2 * BLOCK])?;
        self.flush()?;
        let offset = self.flushed;
        if let Some(out) = &mut self.out {
            out.flush().map_err(|source| TarError::Write { offset, source })?;
        }
        Ok(self.flushed)
    }
}

/// How many bytes an entry takes that holds a name of so many.
fn long_length(name: usize) -> u64 {
    (BLOCK + (name + 1).next_multiple_of(BLOCK)) as u64
}

fn read_some(content: &mut dyn Read, into: &mut [u8]) -> std::io::Result<usize> {
    loop {
        match content.read(into) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Writes bytes at the start of a field, with a NUL behind them if there is room.
fn copy_into(field: &mut [u8], bytes: &[u8]) {
    for (to, from) in field.iter_mut().zip(bytes.iter().chain(&[0])) {
        *to = *from;
    }
}

/// The last byte of the target's field in the header of a symlink, 0 if the field is not full.
pub(crate) fn link_end(target: &str) -> u8 {
    let shown = if target.len() <= FIELD { target } else { whole_components(target) };
    shown.as_bytes().get(FIELD - 1).copied().unwrap_or(0)
}

/// The longest start of a target that fits the header and ends before or after a slash: what the field holds beside a
/// `K` entry. Nobody reads it; it is part of the bytes.
fn whole_components(target: &str) -> &str {
    let bytes = target.as_bytes();
    let end =
        (0..=FIELD).rev().find(|&end| end == 0 || bytes.get(end) == Some(&b'/') || bytes.get(end - 1) == Some(&b'/'));
    target.get(..end.unwrap_or(0)).unwrap_or("")
}

/// Appends `LENGTH SCHILY.xattr.NAME=VALUE\n`, where the length counts itself.
fn pax_record(records: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    let rest = " SCHILY.xattr.=\n".len() + name.len() + value.len();
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    records.extend_from_slice(length.to_string().as_bytes());
    records.extend_from_slice(b" SCHILY.xattr.");
    records.extend_from_slice(name);
    records.push(b'=');
    records.extend_from_slice(value);
    records.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pax_lengths_count_themselves() {
        for length in 0..2000 {
            let mut records = Vec::new();
            pax_record(&mut records, b"user.x", &vec![b'v'; length]);
            let text = String::from_utf8(records.clone()).unwrap();
            assert_eq!(text.split(' ').next().unwrap().parse::<usize>().unwrap(), records.len());
        }
    }

    /// The `tar` crate's own builder is the judge.
    #[test]
    fn headers_are_those_of_the_tar_crate() {
        let deep = format!("{}/{}", "d".repeat(60), "ü".repeat(60));
        let around = [100, 101, 509, 510, 511, 512].map(|length| "n".repeat(length));
        let names = [&["a", "usr/bin/bash", &deep][..], &around.each_ref().map(String::as_str)].concat();
        let targets = [None, Some("short"), Some("x/../../y"), Some(deep.as_str()), Some(&*around[1])];
        for path in names {
            for link in targets {
                let kind = if link.is_some() { EntryType::Symlink } else { EntryType::Regular };
                let owner = Owner { uid: 3_000_000, gid: 12 };
                let head = Head { path, dotted: true, kind, mode: 0o4755, owner, size: 0, link, trace: Trace::Clean };
                let mut ours = Vec::new();
                let mut out = TarOut::new(&mut ours);
                out.head(&head).unwrap();
                out.finish().unwrap();
                assert_eq!(ours, by_tar_crate(&head), "{path} {link:?}");
                let mut measured = TarOut::measuring();
                measured.head(&head).unwrap();
                assert_eq!(measured.finish().unwrap(), ours.len() as u64, "{path} {link:?}");
            }
        }
    }

    fn by_tar_crate(head: &Head<'_>) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = Header::new_gnu();
        header.set_entry_type(head.kind);
        let fields = header.as_old_mut();
        match head.trace {
            Trace::Clean => {}
            Trace::Reused { name, link_end } => {
                copy_into(&mut fields.name, name.as_bytes());
                fields.linkname[FIELD - 1] = link_end;
            }
            Trace::Untyped => fields.linkflag = [0],
        }
        header.set_mode(head.mode);
        header.set_uid(head.owner.uid.into());
        header.set_gid(head.owner.gid.into());
        header.set_size(0);
        let path = format!("./{}", head.path);
        match head.link {
            Some(target) => builder.append_link(&mut header, path, target).unwrap(),
            None => builder.append_data(&mut header, path, std::io::empty()).unwrap(),
        }
        builder.into_inner().unwrap()
    }
}
