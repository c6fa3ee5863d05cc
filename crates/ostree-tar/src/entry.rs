//! The entries of a tar stream, one after the other, with their content as a reader.

use std::io::Read;

use tar_core::parse::{Limits, ParseError, ParseEvent, ParsedEntry, Parser};
use tar_core::{EntryType, SparseEntry};

use crate::error::TarError;
use crate::limits::{
    BUFFER_SIZE, MAX_EXTENSION_SIZE, MAX_EXTENSIONS, MAX_SPARSE_ENTRIES, MAX_SPARSE_PIECES, MAX_TRAILING,
};
use crate::pax_keys;

/// The length of a header and the unit that content is padded to, in bytes.
const BLOCK: usize = 512;

/// What the headers of one entry say.
#[derive(Debug)]
pub struct Entry {
    /// Where its first header starts, in bytes.
    pub offset: u64,
    /// Its type.
    pub kind: EntryType,
    /// Whether its content is pieces of a sparse file.
    pub sparse: bool,
    /// Its name as it stands in the stream.
    pub path: Vec<u8>,
    /// The target of a link; empty if there is none.
    pub link: Vec<u8>,
    /// The mode; format 0 has type bits in it.
    pub mode: u32,
    /// The user id.
    pub uid: u64,
    /// The group id.
    pub gid: u64,
    /// The major and minor number of a device; 0 where there is none.
    pub device: (u32, u32),
    /// The length of its content in bytes.
    pub size: u64,
    /// All its headers as they came, if they are kept.
    pub headers: Vec<u8>,
    /// The records of its PAX header as they came; empty if there is none.
    pub pax: Vec<u8>,
    /// Where the pieces of a sparse file belong: offset and length in bytes, in the order they come.
    pub pieces: Vec<(u64, u64)>,
    /// The length of a sparse file with its holes, in bytes.
    pub real_size: u64,
}

impl Entry {
    fn empty() -> Self {
        let (path, link, headers, pax) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self {
            offset: 0,
            kind: EntryType::Regular,
            sparse: false,
            path,
            link,
            mode: 0,
            uid: 0,
            gid: 0,
            device: (0, 0),
            size: 0,
            headers,
            pax,
            pieces: Vec::new(),
            real_size: 0,
        }
    }

    fn take(&mut self, offset: u64, parsed: &ParsedEntry<'_>) {
        self.offset = offset;
        self.kind = parsed.entry_type;
        self.sparse = false;
        self.pieces.clear();
        self.pax.clear();
        self.pax.extend_from_slice(parsed.pax.unwrap_or_default());
        self.path.clear();
        self.path.extend_from_slice(&parsed.path);
        self.link.clear();
        self.link.extend_from_slice(parsed.link_target.as_deref().unwrap_or_default());
        (self.mode, self.uid, self.gid, self.size) = (parsed.mode, parsed.uid, parsed.gid, parsed.size);
        self.device = (parsed.dev_major.unwrap_or_default(), parsed.dev_minor.unwrap_or_default());
        self.real_size = self.size;
    }

    fn take_pieces(&mut self, pieces: &[SparseEntry], real_size: u64) {
        self.sparse = true;
        self.real_size = real_size;
        self.pieces.extend(pieces.iter().map(|piece| (piece.offset, piece.length)));
    }

    /// Whether content follows the headers, whatever size they state: some writers give that of a link's target, or a
    /// directory's. A hard link has content only where the archive has PAX headers.
    fn has_content(&self, pax_seen: bool) -> bool {
        match self.kind {
            EntryType::Directory | EntryType::Symlink | EntryType::Char | EntryType::Block | EntryType::Fifo => false,
            EntryType::Link => pax_seen,
            // A directory of archives that are older than the type for it.
            _ => !(self.path.ends_with(b"/") && self.kind.is_file()),
        }
    }

    /// The name for messages.
    pub fn shown_path(&self) -> String {
        String::from_utf8_lossy(&self.path).into_owned()
    }

    /// The type for messages.
    pub fn shown_kind(&self) -> String {
        if self.sparse { "Sparse".to_owned() } else { format!("{:?}", self.kind) }
    }

    /// Whether this is a regular file with its content in one piece.
    pub fn is_regular(&self) -> bool {
        self.kind.is_file() && !self.sparse
    }
}

/// Reads a tar stream entry by entry. Content that was not read is skipped over.
pub struct Entries<R> {
    stream: R,
    parser: Parser,
    buffer: Vec<u8>,
    /// What of the buffer is filled and not yet used.
    start: usize,
    end: usize,
    /// How many bytes were used before `start`.
    offset: u64,
    /// How many bytes of the current entry's content are still to come, and of its padding.
    content: u64,
    padding: u64,
    entry: Entry,
    keep_headers: bool,
    /// Whether this is read as an ordinary archive; see [`Entries::of_archive`].
    lenient: bool,
    /// Whether any entry had a PAX header.
    pax_seen: bool,
    /// The PAX records of the entry to come, where the parser gets others to see.
    masked: Option<Vec<u8>>,
}

/// What the parser found, without what it borrows.
enum Step {
    More(usize),
    Skip(usize),
    Entry(usize),
    End(usize),
}

impl<R: Read> Entries<R> {
    /// Starts at the first header of an uncompressed stream.
    pub fn new(stream: R) -> Self {
        Self::with_parser(stream, parser(MAX_SPARSE_ENTRIES))
    }

    /// Starts at the first header of an uncompressed stream, and forgives what libarchive does: no end mark, anything after
    /// a first block of zeros, malformed numbers in PAX records, a size stated where no content can be.
    pub fn of_archive(stream: R) -> Self {
        let mut parser = parser(MAX_SPARSE_PIECES);
        parser.set_ignore_pax_errors(true);
        Self { lenient: true, ..Self::with_parser(stream, parser) }
    }

    fn with_parser(stream: R, parser: Parser) -> Self {
        Self {
            stream,
            parser,
            buffer: vec![0; BUFFER_SIZE],
            start: 0,
            end: 0,
            offset: 0,
            content: 0,
            padding: 0,
            entry: Entry::empty(),
            keep_headers: false,
            lenient: false,
            pax_seen: false,
            masked: None,
        }
    }

    /// Keeps the headers of every entry in [`Entry::headers`].
    pub fn keeping_headers(stream: R) -> Self {
        Self { keep_headers: true, ..Self::new(stream) }
    }

    /// The current position in the stream in bytes.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Goes on to the next entry; `None` at the end of the archive. A stream that ends without the end mark is cut off.
    pub fn next_entry(&mut self) -> Result<Option<&Entry>, TarError> {
        self.skip_content()?;
        self.entry.headers.clear();
        if self.lenient && self.at_end()? {
            return Ok(None);
        }
        loop {
            let offset = self.offset;
            let step = match self.step() {
                Err(TarError::Malformed { source: ParseError::InvalidUtf8(_), .. }) if self.mask_keys() => continue,
                step => step?,
            };
            match step {
                Step::More(wanted) => self.fill(wanted)?,
                Step::Skip(length) => {
                    self.keep(length);
                    self.consume(length);
                }
                Step::Entry(length) => {
                    self.keep(length);
                    self.consume(length);
                    if let Some(records) = self.masked.take() {
                        self.entry.pax = records;
                    }
                    if self.lenient {
                        self.pax_seen |= !self.entry.pax.is_empty();
                        if !self.entry.has_content(self.pax_seen) {
                            (self.entry.size, self.entry.real_size) = (0, 0);
                        }
                    }
                    self.content = self.entry.size;
                    self.padding = self.content.wrapping_neg() % BLOCK as u64;
                    self.entry.offset = offset;
                    return Ok(Some(&self.entry));
                }
                Step::End(length) => {
                    self.consume(length);
                    return Ok(None);
                }
            }
        }
    }

    /// The entry that [`Entries::next_entry`] went to last.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// What is left of the current entry's content.
    pub fn content(&mut self) -> Content<'_, R> {
        Content { entries: self, failure: None }
    }

    /// Reads the current entry's content whole. The caller has checked its size against a limit.
    pub fn read_content(&mut self, into: &mut Vec<u8>) -> Result<(), TarError> {
        into.clear();
        // Grown while reading, so that a lying size costs no memory.
        while self.content > 0 {
            self.fill(1)?;
            let piece = usize::try_from(self.content).unwrap_or(usize::MAX).min(self.end - self.start);
            into.extend_from_slice(self.buffered().get(..piece).unwrap_or_default());
            self.consume(piece);
            self.content -= piece as u64;
        }
        Ok(())
    }

    /// Reads what follows the end mark, so that whoever feeds the stream sees its end.
    pub fn drain(&mut self) -> Result<(), TarError> {
        let end = self.offset;
        loop {
            self.consume(self.end - self.start);
            if self.offset - end > MAX_TRAILING {
                return Err(TarError::Trailing { offset: end, limit: MAX_TRAILING });
            }
            if self.read_more()? == 0 {
                return Ok(());
            }
        }
    }

    /// Whether the stream ends here, or a block of zeros says that the archive does.
    fn at_end(&mut self) -> Result<bool, TarError> {
        if self.start == self.end && self.read_more()? == 0 {
            return Ok(true);
        }
        self.fill(BLOCK)?;
        Ok(self.buffered().iter().take(BLOCK).all(|byte| *byte == 0))
    }

    fn step(&mut self) -> Result<Step, TarError> {
        let offset = self.offset;
        let input = self.buffer.get(self.start..self.end).unwrap_or_default();
        match self.parser.parse(input).map_err(|source| TarError::Malformed { offset, source })? {
            ParseEvent::NeedData { min_bytes } => Ok(Step::More(min_bytes)),
            ParseEvent::GlobalExtensions { consumed, .. } => Ok(Step::Skip(consumed)),
            ParseEvent::Entry { consumed, entry } => {
                self.entry.take(offset, &entry);
                Ok(Step::Entry(consumed))
            }
            ParseEvent::SparseEntry { consumed, entry, sparse_map, real_size } => {
                self.entry.take(offset, &entry);
                self.entry.take_pieces(&sparse_map, real_size);
                Ok(Step::Entry(consumed))
            }
            ParseEvent::End { consumed } => Ok(Step::End(consumed)),
        }
    }

    /// Makes the parser pass keys that are not UTF-8, where an archive may have them; whether there were any.
    fn mask_keys(&mut self) -> bool {
        if self.lenient {
            self.masked = self.buffer.get_mut(self.start..self.end).and_then(pax_keys::mask);
        }
        self.masked.is_some()
    }

    fn keep(&mut self, length: usize) {
        if self.keep_headers {
            let headers = self.buffer.get(self.start..self.start + length).unwrap_or_default();
            self.entry.headers.extend_from_slice(headers);
        }
    }

    fn buffered(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    fn consume(&mut self, length: usize) {
        let length = length.min(self.end - self.start);
        self.start += length;
        self.offset += length as u64;
    }

    /// Makes at least `wanted` bytes stand in the buffer; a stream that ends before is cut off.
    fn fill(&mut self, wanted: usize) -> Result<(), TarError> {
        while self.end - self.start < wanted {
            if wanted > self.buffer.len() {
                // The parser's limits bound what it asks for.
                self.buffer.resize(wanted, 0);
            }
            if self.read_more()? == 0 {
                return Err(TarError::Truncated { offset: self.offset + (self.end - self.start) as u64 });
            }
        }
        Ok(())
    }

    /// Reads once into the free part of the buffer, which is made if there is none.
    fn read_more(&mut self) -> Result<usize, TarError> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let offset = self.offset + self.end as u64;
        let free = self.buffer.get_mut(self.end..).unwrap_or_default();
        let got = read_some(&mut self.stream, free).map_err(|source| TarError::Read { offset, source })?;
        self.end += got;
        Ok(got)
    }

    fn skip_content(&mut self) -> Result<(), TarError> {
        let mut left = self.content.saturating_add(self.padding);
        (self.content, self.padding) = (0, 0);
        while left > 0 {
            self.fill(1)?;
            let piece = usize::try_from(left).unwrap_or(usize::MAX).min(self.end - self.start);
            self.consume(piece);
            left -= piece as u64;
        }
        Ok(())
    }
}

fn parser(max_sparse_entries: usize) -> Parser {
    let limits = Limits {
        max_metadata_size: MAX_EXTENSION_SIZE,
        max_path_len: None,
        max_pending_entries: MAX_EXTENSIONS,
        max_sparse_entries,
    };
    let mut parser = Parser::new(limits);
    // A nameless entry is no object, and so skipped over.
    parser.set_allow_empty_path(true);
    parser
}

fn read_some(stream: &mut impl Read, into: &mut [u8]) -> std::io::Result<usize> {
    loop {
        match stream.read(into) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// The content of the current entry as a stream.
pub struct Content<'e, R> {
    entries: &'e mut Entries<R>,
    /// Why the stream of entries failed, apart from what its user makes of it.
    failure: Option<TarError>,
}

impl<R> Content<'_, R> {
    /// The failure of the stream itself, if reading the content met one.
    pub fn into_failure(self) -> Option<TarError> {
        self.failure
    }
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let entries = &mut *self.entries;
        if entries.content == 0 || into.is_empty() {
            return Ok(0);
        }
        if let Err(failure) = entries.fill(1) {
            let kind = match &failure {
                TarError::Truncated { .. } => std::io::ErrorKind::UnexpectedEof,
                _ => std::io::ErrorKind::Other,
            };
            let error = std::io::Error::new(kind, failure.to_string());
            self.failure = Some(failure);
            return Err(error);
        }
        let most = usize::try_from(entries.content).unwrap_or(usize::MAX).min(into.len());
        let piece = most.min(entries.end - entries.start);
        let from = entries.buffer.get(entries.start..entries.start + piece).unwrap_or_default();
        into.get_mut(..piece).unwrap_or_default().copy_from_slice(from);
        entries.consume(piece);
        entries.content -= piece as u64;
        Ok(piece)
    }
}
