//! Buffers for pieces of uploads, which are used again: what an allocator keeps of large ones that come and go from thread to
//! thread adds up to more than all of them.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use crate::limits;

/// The buffers that nobody has.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pieces(Arc<Mutex<Vec<Vec<u8>>>>);

impl Pieces {
    /// An empty buffer with room for a piece.
    pub(crate) fn take(&self) -> Vec<u8> {
        self.free(|free| free.pop()).unwrap_or_else(|| Vec::with_capacity(limits::CHUNK_BYTES))
    }

    /// What is in a buffer, to be sent. The buffer comes back when nothing holds on to the bytes any more.
    pub(crate) fn send(&self, buffer: Vec<u8>) -> Bytes {
        if buffer.len() < limits::CHUNK_BYTES / 2 {
            let bytes = Bytes::copy_from_slice(&buffer);
            self.give_back(buffer);
            return bytes;
        }
        Bytes::from_owner(Lent { buffer, home: self.clone() })
    }

    /// Takes a buffer back, unless it is of another size, or there are enough.
    pub(crate) fn give_back(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        self.free(|free| {
            if buffer.capacity() == limits::CHUNK_BYTES && free.len() < 2 * limits::BLOBS_AT_ONCE.get() {
                free.push(buffer);
            }
        });
    }

    fn free<R>(&self, work: impl FnOnce(&mut Vec<Vec<u8>>) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A buffer on its way.
struct Lent {
    buffer: Vec<u8>,
    home: Pieces,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.home.give_back(std::mem::take(&mut self.buffer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_when_its_bytes_are_gone() {
        let pieces = Pieces::default();
        let lent = |length: usize| {
            let mut buffer = pieces.take();
            buffer.resize(length, 7);
            pieces.send(buffer)
        };
        let at_home = || pieces.free(|free| free.len());
        let large = lent(limits::CHUNK_BYTES);
        let end = large.slice(limits::CHUNK_BYTES - 1..);
        drop(large);
        assert_eq!((at_home(), &*end), (0, &[7][..]));
        drop(end);
        assert_eq!(at_home(), 1);
        let small = lent(10);
        assert_eq!((at_home(), &*small), (1, &[7; 10][..]));
        pieces.give_back(Vec::with_capacity(1));
        assert_eq!(at_home(), 1);
    }
}
