//! Reading a pattern byte by byte, and writing a byte of one.

/// Reads a pattern from its start.
pub struct Cursor<'p> {
    bytes: &'p [u8],
    at: usize,
}

impl<'p> Cursor<'p> {
    /// At the start of `bytes`.
    pub fn new(bytes: &'p [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next byte, if any.
    pub fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// The byte that `next` gives.
    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// What is still to be read.
    pub fn rest(&self) -> &'p [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Goes on by `count` bytes.
    pub fn skip(&mut self, count: usize) {
        self.at = (self.at + count).min(self.bytes.len());
    }
}

/// A byte in a form that is literal everywhere.
pub fn hex(byte: u8) -> String {
    format!("\\x{byte:02x}")
}
