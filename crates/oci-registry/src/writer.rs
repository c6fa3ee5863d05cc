//! Writers of blobs: whole from memory, as one stream, or in pieces, by what is known beforehand.

use std::io::{self, Write};

use bytes::Bytes;
use oci_image::{BlobWriter, Descriptor, ImageError};
use tokio::task::JoinHandle;

use crate::body::Payload;
use crate::error::RegistryError;
use crate::limits;
use crate::stream::StreamWriter;
use crate::upload::Upload;
use crate::writing::{Context, check_size, to_io};

/// Starts a writer.
pub(crate) fn start(context: Context, known: Option<&Descriptor>) -> Result<Box<dyn BlobWriter>, RegistryError> {
    match known {
        Some(descriptor) if descriptor.size > limits::CHUNK_BYTES as u64 => {
            let opened = context.presence.upload(&descriptor.digest);
            Ok(Box::new(StreamWriter::start(context, descriptor.clone(), opened)?))
        }
        known => Ok(Box::new(PieceWriter::new(context, known.map_or(0, |d| d.size as usize)))),
    }
}

/// Holds a blob back until it is whole, when it is small, and sends it while others are being written; else sends it in pieces, one on its way while the next is
/// written.
struct PieceWriter {
    context: Context,
    buffer: Vec<u8>,
    written: u64,
    state: Progress,
}

/// Where the pieces are.
enum Progress {
    /// Nothing was sent. An upload is open where only that told how large a piece must be.
    Held(Option<Upload>),
    /// A piece is on its way; the task gives the upload back.
    Sending(JoinHandle<(Upload, Result<(), RegistryError>)>),
    /// It failed, or it was taken to be ended.
    Over,
}

impl PieceWriter {
    fn new(context: Context, size: usize) -> Self {
        let buffer = match size {
            0 => context.pieces.take(),
            size => Vec::with_capacity(size.min(limits::CHUNK_BYTES)),
        };
        Self { context, buffer, written: 0, state: Progress::Held(None) }
    }

    /// The size of the pieces, in bytes.
    fn piece(&self) -> usize {
        match &self.state {
            Progress::Held(Some(upload)) => upload.piece,
            _ => limits::CHUNK_BYTES,
        }
    }

    /// Waits for the piece that is on its way, and gives the upload, opened now where it was not yet.
    fn idle(&mut self) -> Result<Upload, RegistryError> {
        let Context { runtime, session, place, .. } = &self.context;
        match std::mem::replace(&mut self.state, Progress::Over) {
            Progress::Held(Some(upload)) => Ok(upload),
            Progress::Held(None) => runtime.block_on(Upload::begin(session, place)),
            Progress::Sending(task) => {
                let ended = |_| RegistryError::protocol(place, "the upload was ended");
                let (upload, result) = runtime.block_on(task).map_err(ended)?;
                if result.is_err() {
                    runtime.block_on(upload.cancel());
                }
                result.map(|()| upload)
            }
            Progress::Over => Err(RegistryError::protocol(place, "the upload has already failed")),
        }
    }

    /// Sends the whole blob, which is in the buffer, while the caller goes on; unless the repository has it.
    fn send_behind(&mut self, descriptor: &Descriptor) {
        let opened = match std::mem::replace(&mut self.state, Progress::Over) {
            Progress::Held(opened) => opened,
            Progress::Sending(_) | Progress::Over => None,
        };
        let whole = self.context.pieces.send(std::mem::take(&mut self.buffer));
        let Context { runtime, session, place, quota, behind, presence, .. } = self.context.clone();
        let descriptor = descriptor.clone();
        let (digest, size) = (descriptor.digest.clone(), whole.len());
        behind.send(&runtime, &digest, size, async move {
            let upload = match opened {
                Some(upload) => Some(upload),
                None => presence.open(&session, &descriptor, &place).await?,
            };
            let Some(mut upload) = upload else { return Ok(()) };
            quota.throttle(size).await;
            let result = upload.finish(&descriptor, Payload::Whole(whole), &place).await;
            if result.is_err() {
                upload.cancel().await;
            }
            result
        });
    }

    /// Sends a full buffer off.
    fn send(&mut self) -> Result<(), RegistryError> {
        let mut upload = self.idle()?;
        if self.buffer.len() < upload.piece {
            // Only now the registry told how large its pieces are.
            self.state = Progress::Held(Some(upload));
            return Ok(());
        }
        let next = match upload.piece {
            limits::CHUNK_BYTES => self.context.pieces.take(),
            piece => Vec::with_capacity(piece),
        };
        let bytes = self.context.pieces.send(std::mem::replace(&mut self.buffer, next));
        let Context { runtime, place, quota, behind, .. } = self.context.clone();
        let turn = behind.turn(&runtime, bytes.len());
        self.state = Progress::Sending(runtime.spawn(async move {
            let _turn = turn;
            quota.throttle(bytes.len()).await;
            let result = upload.patch(bytes, &place).await;
            (upload, result)
        }));
        Ok(())
    }
}

impl Write for PieceWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() >= self.piece() {
            self.send().map_err(to_io)?;
        }
        let room = self.piece().saturating_sub(self.buffer.len());
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.buffer.extend_from_slice(taken);
        self.written += taken.len() as u64;
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl BlobWriter for PieceWriter {
    fn commit(mut self: Box<Self>, descriptor: &Descriptor) -> Result<(), ImageError> {
        check_size(&self.context.place, self.written, descriptor)?;
        if self.written == self.buffer.len() as u64 {
            self.send_behind(descriptor);
            return Ok(());
        }
        // Whether the repository has it could be asked only now that all of it but the last piece was sent: what is
        // compressed has no digest before its end.
        let mut upload = self.idle()?;
        let last = self.context.pieces.send(std::mem::take(&mut self.buffer));
        let Context { runtime, place, .. } = &self.context;
        let result = runtime.block_on(async {
            if !last.is_empty() {
                upload.patch(last, place).await?;
            }
            upload.finish(descriptor, Payload::Whole(Bytes::new()), place).await
        });
        if result.is_err() {
            runtime.block_on(upload.cancel());
        }
        Ok(result?)
    }
}

impl Drop for PieceWriter {
    fn drop(&mut self) {
        let upload = match std::mem::replace(&mut self.state, Progress::Over) {
            Progress::Held(upload) => upload,
            Progress::Sending(task) => self.context.runtime.block_on(task).ok().map(|(upload, _)| upload),
            Progress::Over => None,
        };
        if let Some(upload) = upload {
            self.context.runtime.block_on(upload.cancel());
        }
    }
}
