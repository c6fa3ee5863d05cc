//! A blob of known digest and size as one stream, which goes on after a break where the registry kept what came.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use oci_image::{BlobWriter, Descriptor, ImageError};
use tokio::task::JoinHandle;

use crate::body::{Abandoned, Payload};
use crate::error::RegistryError;
use crate::limits;
use crate::pipe::{self, Sender};
use crate::retry::{self, Tries, Verdict};
use crate::upload::{self, Upload};
use crate::writing::{Context, check_size, lost, to_io};

/// Sends a blob of known digest and size in one request, as it is written.
pub(crate) struct StreamWriter {
    context: Context,
    known: Descriptor,
    /// `None` once the whole blob was written or the upload failed.
    link: Option<Link>,
    buffer: Vec<u8>,
    /// How many bytes were written to this, those in the buffer too.
    written: u64,
    replay: Replay,
    upload: Arc<Upload>,
    tries: Tries,
    committed: bool,
}

/// A request on its way.
struct Link {
    sender: Sender<Abandoned>,
    task: JoinHandle<Result<(), RegistryError>>,
}

/// The last bytes that were given to the network.
#[derive(Default)]
struct Replay {
    pieces: VecDeque<Bytes>,
    /// Where the first of them begins.
    start: u64,
    /// Where the last of them ends.
    end: u64,
}

impl Replay {
    fn push(&mut self, piece: Bytes) {
        self.end += piece.len() as u64;
        self.pieces.push_back(piece);
        while let Some(first) = self.pieces.front()
            && self.end - self.start - first.len() as u64 >= limits::REPLAY_BYTES
        {
            self.start += first.len() as u64;
            self.pieces.pop_front();
        }
    }

    /// The bytes from `from` on, which must not be before the start.
    fn since(&self, from: u64) -> Vec<Bytes> {
        let mut at = self.start;
        let mut rest = Vec::new();
        for piece in &self.pieces {
            let skip = usize::try_from(from.saturating_sub(at)).map_or(piece.len(), |skip| skip.min(piece.len()));
            rest.push(piece.slice(skip..));
            at += piece.len() as u64;
        }
        rest.retain(|piece| !piece.is_empty());
        rest
    }
}

impl StreamWriter {
    /// Opens an upload, unless there is one, and starts to send.
    pub(crate) fn start(context: Context, known: Descriptor, opened: Option<Upload>) -> Result<Self, RegistryError> {
        let upload = match opened {
            Some(upload) => upload,
            None => context.runtime.block_on(Upload::begin(&context.session, &context.place))?,
        };
        let tries = context.session.tries();
        let (replay, upload) = (Replay::default(), Arc::new(upload));
        let buffer = Vec::new();
        let mut writer =
            Self { context, known, link: None, buffer, written: 0, replay, upload, tries, committed: false };
        writer.link = Some(writer.connect(0));
        Ok(writer)
    }

    /// Starts a request for everything from `start` on.
    fn connect(&self, start: u64) -> Link {
        let (sender, receiver) = pipe::pipe(limits::PIPE_BYTES);
        let payload = Payload::Stream(self.known.size - start, Some(receiver));
        let (upload, descriptor) = (Arc::clone(&self.upload), self.known.clone());
        let place = Arc::clone(&self.context.place);
        let task =
            self.context.runtime.spawn(async move { upload.finish_stream(start, &descriptor, payload, &place).await });
        Link { sender, task }
    }

    /// Gives the buffer to the network.
    fn pass_on(&mut self) -> Result<(), RegistryError> {
        let bytes = Bytes::from(std::mem::take(&mut self.buffer));
        if bytes.is_empty() {
            return Ok(());
        }
        self.replay.push(bytes.clone());
        let Some(link) = &self.link else { return Ok(()) };
        let runtime = &self.context.runtime;
        runtime.block_on(self.context.quota.throttle(bytes.len()));
        if runtime.block_on(link.sender.send(bytes)).is_ok() {
            return Ok(());
        }
        let error = self.result().err();
        // The registry agreed before it had everything.
        let early = "the registry ended the upload before its last byte";
        self.resume(error.unwrap_or_else(|| RegistryError::protocol(&self.context.place, early)))
    }

    /// What the request came to; there is none afterwards.
    fn result(&mut self) -> Result<(), RegistryError> {
        let ended = || RegistryError::protocol(&self.context.place, "the upload was ended");
        let Link { sender, task } = self.link.take().ok_or_else(ended)?;
        drop(sender);
        self.context.runtime.block_on(task).map_err(|_| ended())?
    }

    /// Goes on after a request that failed with `error`: asks the registry how much it has, and sends the rest of what is
    /// still held.
    fn resume(&mut self, mut error: RegistryError) -> Result<(), RegistryError> {
        let runtime = Arc::clone(&self.context.runtime);
        loop {
            if matches!(retry::judge(&error), Verdict::Wrong | Verdict::Final) {
                return Err(error);
            }
            runtime.block_on(self.context.session.recover(&mut self.tries, error))?;
            error = match self.reconnect() {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
        }
    }

    fn reconnect(&mut self) -> Result<(), RegistryError> {
        let runtime = Arc::clone(&self.context.runtime);
        let place = Arc::clone(&self.context.place);
        let ended = || RegistryError::protocol(&place, "the upload was ended");
        // Its request is over, so nobody else has it.
        let upload = Arc::get_mut(&mut self.upload).ok_or_else(ended)?;
        let before = upload.sent();
        let received = match runtime.block_on(upload.received(&place)) {
            // Everything is still at hand.
            Err(RegistryError::UploadLost { .. }) if self.replay.start == 0 => {
                *upload = runtime.block_on(Upload::begin(&self.context.session, &place))?;
                0
            }
            received => received?,
        };
        upload.set_sent(received);
        if received > before {
            self.tries.progress();
        }
        if received < self.replay.start || received > self.replay.end {
            let (start, end) = (self.replay.start, self.replay.end);
            let reason = format!("after a break the registry has {received} bytes; only {start} to {end} can be sent");
            return Err(RegistryError::protocol(&place, reason));
        }
        let link = self.connect(received);
        for piece in self.replay.since(received) {
            if runtime.block_on(link.sender.send(piece)).is_err() {
                break;
            }
        }
        self.link = Some(link);
        Ok(())
    }

    /// Waits for the registry's word about the whole blob.
    fn conclude(&mut self) -> Result<(), RegistryError> {
        while let Err(error) = self.result() {
            let transient = retry::judge(&error) == Verdict::Transient;
            let there = || upload::is_there(&self.context.session, &self.known);
            // The answer may be all that was lost.
            if transient && self.context.runtime.block_on(there()).unwrap_or(false) {
                return Ok(());
            }
            self.resume(error)?;
        }
        Ok(())
    }
}

impl Write for StreamWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.link.is_none() {
            return Err(lost());
        }
        let bytes = bytes.get(..limits::FRAME_BYTES).unwrap_or(bytes);
        self.written += bytes.len() as u64;
        if self.written > self.known.size {
            let error = check_size(&self.context.place, self.written, &self.known);
            return error.map_err(to_io).and_then(|()| Err(lost()));
        }
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= limits::FRAME_BYTES {
            self.pass_on().map_err(to_io)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass_on().map_err(to_io)
    }
}

impl BlobWriter for StreamWriter {
    fn commit(mut self: Box<Self>, descriptor: &Descriptor) -> Result<(), ImageError> {
        check_size(&self.context.place, self.written, descriptor)?;
        if descriptor.digest != self.known.digest {
            let (expected, actual) = (self.known.digest.clone(), descriptor.digest.clone());
            let place = Arc::clone(&self.context.place);
            return Err(RegistryError::DigestMismatch { place, expected, actual }.into());
        }
        check_size(&self.context.place, self.written, &self.known)?;
        self.pass_on()?;
        self.conclude()?;
        self.committed = true;
        Ok(())
    }
}

impl Drop for StreamWriter {
    fn drop(&mut self) {
        if self.committed {
            return;
        }
        if let Some(link) = self.link.take() {
            link.task.abort();
        }
        self.context.runtime.block_on(self.upload.cancel());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_bytes_are_held_and_come_back_from_anywhere() {
        let mut replay = Replay::default();
        let piece = Bytes::from(vec![7; 3 << 20]);
        for _ in 0..10 {
            replay.push(piece.clone());
        }
        assert_eq!((replay.start, replay.end), (12 << 20, 30 << 20));
        let length = |from| replay.since(from).iter().map(Bytes::len).sum::<usize>() as u64;
        for from in [12 << 20, (20 << 20) + 5, 30 << 20] {
            assert_eq!(length(from), (30 << 20) - from);
        }
    }
}
