//! Decompression of a gzip file of any number of members, as `gzip -d` reads it.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// Reads one gzip member after the other. Zero bytes after a member are padding, as tape writers leave it; anything
/// else that is not a member is an error.
pub(super) struct GzipMembers<R> {
    state: State<R>,
}

enum State<R> {
    Member(Box<GzDecoder<R>>),
    Between(R),
    /// Only while a transition is under way.
    Moving,
}

impl<R: BufRead> GzipMembers<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { state: State::Member(Box::new(GzDecoder::new(inner))) }
    }

    /// The source, wherever the decoder stands in it.
    pub(super) fn into_inner(self) -> Option<R> {
        match self.state {
            State::Member(decoder) => Some(decoder.into_inner()),
            State::Between(inner) => Some(inner),
            State::Moving => None,
        }
    }

    /// Goes from the end of a member to the start of the next. `Ok(false)` at the end of the file.
    fn next_member(&mut self) -> io::Result<bool> {
        let mut inner = match std::mem::replace(&mut self.state, State::Moving) {
            State::Member(decoder) => decoder.into_inner(),
            State::Between(inner) => inner,
            State::Moving => return Err(io::Error::other("gzip reader used after an error")),
        };
        let more = skip_zeros(&mut inner);
        self.state = match more {
            Ok(true) => State::Member(Box::new(GzDecoder::new(inner))),
            _ => State::Between(inner),
        };
        more
    }
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let State::Member(decoder) = &mut self.state {
                let got = decoder.read(buffer)?;
                if got > 0 {
                    return Ok(got);
                }
            }
            if !self.next_member()? {
                return Ok(0);
            }
        }
    }
}

/// Skips zero bytes; `Ok(true)` when another byte follows them, which must start a member.
fn skip_zeros(inner: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let available = match inner.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let length = available.len();
        match available.iter().position(|byte| *byte != 0) {
            _ if length == 0 => return Ok(false),
            None => inner.consume(length),
            Some(zeros) => {
                if available.get(zeros) != Some(&0x1f) {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "garbage after the gzip data"));
                }
                inner.consume(zeros);
                return Ok(true);
            }
        }
    }
}
