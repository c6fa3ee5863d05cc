//! A channel for bytes between a blocking and an asynchronous end, bounded by the bytes it holds.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// The end that is fed.
#[derive(Debug)]
pub(crate) struct Sender<E> {
    queue: mpsc::UnboundedSender<Result<Piece, E>>,
    room: Arc<Semaphore>,
    capacity: usize,
}

/// The end that is read. Dropping it makes every later [`Sender::send`] fail.
#[derive(Debug)]
pub(crate) struct Receiver<E> {
    queue: mpsc::UnboundedReceiver<Result<Piece, E>>,
    room: Arc<Semaphore>,
}

#[derive(Debug)]
struct Piece {
    bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

/// The other end is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closed;

/// A pipe that holds about `capacity` bytes; a single larger piece goes through alone.
pub(crate) fn pipe<E>(capacity: usize) -> (Sender<E>, Receiver<E>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let room = Arc::new(Semaphore::new(capacity));
    (Sender { queue: sender, room: Arc::clone(&room), capacity }, Receiver { queue: receiver, room })
}

impl<E> Sender<E> {
    /// Waits for room and puts `bytes` in.
    pub(crate) async fn send(&self, bytes: Bytes) -> Result<(), Closed> {
        let wanted = u32::try_from(bytes.len().min(self.capacity)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(wanted).await.map_err(|_| Closed)?;
        self.queue.send(Ok(Piece { bytes, _room: room })).map_err(|_| Closed)
    }

    /// Waits until everything that was put in was taken out.
    pub(crate) async fn drained(&self) -> Result<(), Closed> {
        let all = u32::try_from(self.capacity).unwrap_or(u32::MAX);
        self.room.acquire_many(all).await.map(drop).map_err(|_| Closed)
    }

    /// Puts an error in, after everything sent before it.
    pub(crate) fn fail(&self, error: E) {
        // The reader may be gone; then nobody wants to know.
        let _ = self.queue.send(Err(error));
    }
}

impl<E> Receiver<E> {
    /// Waits for the next piece on a blocking thread; `None` once the sender is gone and the pipe is empty.
    pub(crate) fn next(&mut self) -> Option<Result<Bytes, E>> {
        self.queue.blocking_recv().map(|item| item.map(|piece| piece.bytes))
    }

    /// The same in an asynchronous task.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, E>>> {
        self.queue.poll_recv(context).map(|item| item.map(|item| item.map(|piece| piece.bytes)))
    }
}

impl<E> Drop for Receiver<E> {
    fn drop(&mut self) {
        self.room.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Runtime;

    #[test]
    fn bytes_arrive_in_order_and_a_lost_reader_is_noticed() {
        let runtime = Runtime::start().unwrap();
        let (sender, mut receiver) = pipe::<()>(4);
        let task = runtime.spawn(async move {
            for piece in ["ab", "cd", "larger than the pipe"] {
                sender.send(Bytes::from_static(piece.as_bytes())).await.unwrap();
            }
            sender
        });
        let mut got = Vec::new();
        for _ in 0..3 {
            got.extend_from_slice(&receiver.next().unwrap().unwrap());
        }
        assert_eq!(got, b"abcdlarger than the pipe");
        let sender = runtime.block_on(task).unwrap();
        runtime.block_on(sender.drained()).unwrap();
        runtime.block_on(sender.send(Bytes::from_static(b"full"))).unwrap();
        let waiting = runtime.spawn(async move { sender.send(Bytes::from_static(b"x")).await });
        drop(receiver);
        assert_eq!(runtime.block_on(waiting).unwrap(), Err(Closed));
    }
}
