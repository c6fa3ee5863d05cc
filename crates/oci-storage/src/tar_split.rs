//! tar-split data: everything of a tar archive but the contents of its files, as lines of JSON.
//!
//! A line of type 2 holds bytes of the archive as they are (headers, padding, what stands behind the end); one of type 1
//! stands for the content of an entry, whose length and CRC-64 it gives. The lines are in the order of the archive.

use std::io::{self, BufRead, Read};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::limits::MAX_TAR_SPLIT_LINE;

/// A piece of the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Bytes of the archive.
    Bytes(Vec<u8>),
    /// The content of a file, which is kept elsewhere. Entries without content do not come.
    File {
        /// The entry's name, as the archive has it.
        name: Vec<u8>,
        /// The length of its content in bytes.
        size: u64,
        /// The CRC-64 of its content.
        crc: u64,
    },
}

impl Piece {
    /// How many bytes of the archive it stands for.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { size, .. } => *size,
        }
    }

    /// Whether it stands for nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: u32,
    name: Option<String>,
    name_raw: Option<String>,
    size: Option<i64>,
    payload: Option<String>,
}

const FILE: u32 = 1;
const SEGMENT: u32 = 2;

impl Line {
    fn into_piece(self) -> Result<Option<Piece>, String> {
        let payload = self.payload.unwrap_or_default();
        let payload = STANDARD.decode(payload).map_err(|error| format!("payload: {error}"))?;
        match (self.kind, self.size.unwrap_or(0)) {
            (SEGMENT, _) => Ok(Some(Piece::Bytes(payload))),
            (FILE, 0) => Ok(None),
            (FILE, size) => {
                let size = u64::try_from(size).map_err(|_| format!("the size {size} is negative"))?;
                let name = match (self.name_raw, self.name) {
                    (Some(raw), _) if !raw.is_empty() => {
                        STANDARD.decode(raw).map_err(|error| format!("name: {error}"))?
                    }
                    (_, name) => name.unwrap_or_default().into_bytes(),
                };
                let crc = <[u8; 8]>::try_from(payload).map_err(|_| "a checksum is eight bytes long".to_owned())?;
                Ok(Some(Piece::File { name, size, crc: u64::from_be_bytes(crc) }))
            }
            (kind, _) => Err(format!("unknown type {kind}")),
        }
    }
}

/// Reads tar-split data piece by piece.
#[derive(Debug)]
pub struct TarSplit<R> {
    input: R,
    line: Vec<u8>,
    number: u64,
}

impl<R: BufRead> TarSplit<R> {
    /// Reads the lines of `input`, which are uncompressed.
    pub fn new(input: R) -> Self {
        Self { input, line: Vec::new(), number: 0 }
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// What is wrong with the data, with the number of the line.
    pub fn next_piece(&mut self) -> io::Result<Option<Piece>> {
        loop {
            self.number += 1;
            self.line.clear();
            let mut input = (&mut self.input).take(MAX_TAR_SPLIT_LINE);
            let read = input.read_until(b'\n', &mut self.line).map_err(|error| self.wrong(&error.to_string()))?;
            if read == 0 {
                return Ok(None);
            }
            if read as u64 == MAX_TAR_SPLIT_LINE {
                return Err(self.wrong(&format!("longer than {MAX_TAR_SPLIT_LINE} bytes")));
            }
            if self.line.trim_ascii().is_empty() {
                continue;
            }
            let line: Line = serde_json::from_slice(&self.line).map_err(|error| self.wrong(&error.to_string()))?;
            if let Some(piece) = line.into_piece().map_err(|reason| self.wrong(&reason))? {
                return Ok(Some(piece));
            }
        }
    }

    /// The length of the whole archive in bytes.
    ///
    /// # Errors
    /// As [`TarSplit::next_piece`].
    pub fn total(mut self) -> io::Result<u64> {
        let mut total = 0_u64;
        while let Some(piece) = self.next_piece()? {
            total = total.checked_add(piece.len()).ok_or_else(|| self.wrong("too large"))?;
        }
        Ok(total)
    }

    fn wrong(&self, reason: &str) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, format!("line {}: {reason}", self.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"type":2,"payload":"aGVhZA==","position":0}
{"type":1,"name":"./d/","payload":null,"position":1}
{"type":1,"name":"./d/x","size":1,"payload":"IxAAAAAAAAA=","position":2}
{"type":1,"name_raw":"/y94","size":2,"payload":"AAAAAAAAAAE=","position":3}

{"type":2,"payload":"","position":4}
"#;

    #[test]
    fn pieces_come_in_order() {
        let mut split = TarSplit::new(GOOD.as_bytes());
        let mut pieces = Vec::new();
        while let Some(piece) = split.next_piece().unwrap() {
            pieces.push(piece);
        }
        let expected = [
            Piece::Bytes(b"head".to_vec()),
            Piece::File { name: b"./d/x".to_vec(), size: 1, crc: 0x2310_0000_0000_0000 },
            Piece::File { name: b"\xff/x".to_vec(), size: 2, crc: 1 },
            Piece::Bytes(Vec::new()),
        ];
        assert_eq!(pieces, expected);
        assert_eq!(TarSplit::new(GOOD.as_bytes()).total().unwrap(), 7);
    }

    #[test]
    fn broken_lines_are_named() {
        let cases = [
            ("{", "line 1"),
            ("{\"type\":3}", "unknown type 3"),
            ("{\"type\":2,\"payload\":\"*\"}", "payload"),
            ("{\"type\":1,\"name\":\"x\",\"size\":-1}", "negative"),
            ("{\"type\":1,\"name\":\"x\",\"size\":1}", "eight bytes"),
            ("{\"type\":2,\"payload\":\"\"}\n[]", "line 2"),
        ];
        for (text, words) in cases {
            let mut split = TarSplit::new(text.as_bytes());
            let error = loop {
                match split.next_piece() {
                    Ok(piece) => assert!(piece.is_some(), "{text}"),
                    Err(error) => break error,
                }
            };
            assert!(error.to_string().contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn sums_do_not_overflow() {
        let line = format!("{{\"type\":1,\"name\":\"x\",\"size\":{},\"payload\":\"AAAAAAAAAAE=\"}}\n", i64::MAX);
        assert!(TarSplit::new(line.repeat(3).as_bytes()).total().is_err());
    }
}
