//! The content of a sparse file with its holes filled.

use std::io::Read;

use crate::error::Reason;

/// Reads the pieces of a file where they belong, and zeros between them.
pub(crate) struct Expanded<'p, R> {
    inner: R,
    /// The pieces that are not read to their end: start and end in bytes.
    pieces: std::iter::Peekable<std::slice::Iter<'p, (u64, u64)>>,
    position: u64,
    size: u64,
}

/// Refuses pieces that overlap, are out of order, pass the end of the file, or are not the content that follows.
pub(crate) fn check(pieces: &[(u64, u64)], size: u64, stored: u64) -> Result<(), Reason> {
    let mut end = 0u64;
    let mut total = 0u64;
    for (offset, length) in pieces {
        let next = offset.checked_add(*length).filter(|next| *offset >= end && *next <= size);
        end = next.ok_or(Reason::SparseMap)?;
        total += length;
    }
    if total == stored { Ok(()) } else { Err(Reason::SparseMap) }
}

impl<'p, R: Read> Expanded<'p, R> {
    /// The file of `size` bytes whose pieces (offset and length) stand in `inner` one after the other. They have passed
    /// [`check`].
    pub(crate) fn new(inner: R, pieces: &'p [(u64, u64)], size: u64) -> Self {
        Self { inner, pieces: pieces.iter().peekable(), position: 0, size }
    }

    /// What the pieces are read from.
    pub(crate) fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: Read> Read for Expanded<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.pieces.next_if(|(offset, length)| offset + length <= self.position).is_some() {}
        let next = self.pieces.peek().copied();
        let (until, hole) = match next {
            Some((offset, length)) if *offset <= self.position => (offset + length, false),
            Some((offset, _)) => (*offset, true),
            None => (self.size, true),
        };
        let most = usize::try_from(until - self.position).unwrap_or(usize::MAX).min(into.len());
        let part = into.get_mut(..most).unwrap_or_default();
        let got = if hole {
            part.fill(0);
            most
        } else {
            self.inner.read(part)?
        };
        self.position += got as u64;
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(pieces: &[(u64, u64)], size: u64, stored: &[u8]) -> Vec<u8> {
        check(pieces, size, stored.len() as u64).unwrap();
        let mut bytes = Vec::new();
        Expanded::new(stored, pieces, size).read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn holes_are_zeros() {
        assert_eq!(expanded(&[(2, 3), (6, 1), (8, 0)], 8, b"abcd"), b"\0\0abc\0d\0");
        assert_eq!(expanded(&[(0, 2), (4, 0)], 4, b"ab"), b"ab\0\0");
        assert_eq!(expanded(&[], 3, b""), b"\0\0\0");
        assert_eq!(expanded(&[(0, 1), (1, 1)], 2, b"ab"), b"ab");
    }

    #[test]
    fn maps_that_cannot_be_are_refused() {
        assert!(check(&[(0, 2), (1, 1)], 9, 3).is_err());
        assert!(check(&[(0, 2)], 1, 2).is_err());
        assert!(check(&[(u64::MAX, 2)], u64::MAX, 2).is_err());
        assert!(check(&[(0, 2)], 9, 3).is_err());
    }
}
