//! Writers of blobs: whole from memory, as one stream, or in pieces, by what is known beforehand.

use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use oci_image::{BlobWriter, Descriptor, ImageError};
use tokio::task::JoinHandle;

use crate::body::{Abandoned, Payload};
use crate::error::{Place, RegistryError};
use crate::exchange::Session;
use crate::limits;
use crate::pace::Quota;
use crate::pipe::{self, Sender};
use crate::runtime::Runtime;
use crate::upload::Upload;

/// What every writer needs.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) session: Arc<Session>,
    pub(crate) place: Arc<Place>,
    pub(crate) quota: Arc<Quota>,
}

/// Starts a writer. `opened` is an upload that a refused mount left open.
pub(crate) fn start(
    context: Context,
    known: Option<&Descriptor>,
    opened: Option<Upload>,
) -> Result<Box<dyn BlobWriter>, RegistryError> {
    match known {
        Some(descriptor) if descriptor.size > limits::CHUNK_BYTES as u64 => {
            Ok(Box::new(StreamWriter::start(context, descriptor.clone(), opened)?))
        }
        known => Ok(Box::new(PieceWriter::new(context, known.map_or(0, |d| d.size as usize), opened))),
    }
}

/// Checks that a writer got as many bytes as it is told in the end.
fn check_size(place: &Arc<Place>, written: u64, descriptor: &Descriptor) -> Result<(), RegistryError> {
    if written != descriptor.size {
        let expected = descriptor.size;
        return Err(RegistryError::SizeMismatch { place: Arc::clone(place), expected, actual: written });
    }
    Ok(())
}

fn to_io(error: RegistryError) -> io::Error {
    io::Error::other(ImageError::from(error))
}

fn lost() -> io::Error {
    io::Error::other("the upload has already failed")
}

/// Sends a blob of known digest and size in one request, as it is written.
struct StreamWriter {
    context: Context,
    known: Descriptor,
    /// `None` once the whole blob was written or the upload failed.
    sender: Option<Sender<Abandoned>>,
    buffer: Vec<u8>,
    written: u64,
    /// `None` once its result was taken.
    task: Option<JoinHandle<Result<(), RegistryError>>>,
    upload: Arc<Upload>,
    committed: bool,
}

impl StreamWriter {
    fn start(context: Context, known: Descriptor, opened: Option<Upload>) -> Result<Self, RegistryError> {
        let upload = match opened {
            Some(upload) => upload,
            None => context.runtime.block_on(Upload::begin(&context.session, &context.place))?,
        };
        let upload = Arc::new(upload);
        let (sender, receiver) = pipe::pipe(limits::PIPE_BYTES);
        let payload = Payload::Stream(known.size, Some(receiver));
        let (running, descriptor, place) = (Arc::clone(&upload), known.clone(), Arc::clone(&context.place));
        let task = context.runtime.spawn(async move { running.finish_once(&descriptor, payload, &place).await });
        let sender = Some(sender);
        Ok(Self { context, known, sender, buffer: Vec::new(), written: 0, task: Some(task), upload, committed: false })
    }

    /// Gives the buffer to the network. When that is gone, the reason is what its request came to.
    fn pass_on(&mut self) -> Result<(), RegistryError> {
        let Some(sender) = &self.sender else { return Ok(()) };
        let bytes = Bytes::from(std::mem::take(&mut self.buffer));
        self.context.runtime.block_on(self.context.quota.throttle(bytes.len()));
        if bytes.is_empty() || self.context.runtime.block_on(sender.send(bytes)).is_ok() {
            return Ok(());
        }
        self.sender = None;
        self.result()?;
        // The registry agreed before it had everything.
        Err(RegistryError::protocol(&self.context.place, "the registry ended the upload before its last byte"))
    }

    fn result(&mut self) -> Result<(), RegistryError> {
        let ended = || RegistryError::protocol(&self.context.place, "the upload was ended");
        let task = self.task.take().ok_or_else(ended)?;
        self.context.runtime.block_on(task).map_err(|_| ended())?
    }
}

impl Write for StreamWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.sender.is_none() {
            return Err(lost());
        }
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
        self.sender = None;
        self.result()?;
        self.committed = true;
        Ok(())
    }
}

impl Drop for StreamWriter {
    fn drop(&mut self) {
        if self.committed {
            return;
        }
        self.sender = None;
        if let Some(task) = self.task.take() {
            task.abort();
        }
        self.context.runtime.block_on(self.upload.cancel());
    }
}

/// Holds a blob back until it is whole, when it is small; else sends it in pieces, one on its way while the next is
/// written.
struct PieceWriter {
    context: Context,
    buffer: Vec<u8>,
    written: u64,
    state: Progress,
}

/// Where the pieces are.
enum Progress {
    /// Nothing was sent.
    Held(Option<Upload>),
    /// A piece is on its way; the task gives the upload back.
    Sending(JoinHandle<(Upload, Result<(), RegistryError>)>),
    /// It failed, or it was taken to be ended.
    Over,
}

impl PieceWriter {
    fn new(context: Context, size: usize, opened: Option<Upload>) -> Self {
        let buffer = Vec::with_capacity(size.min(limits::CHUNK_BYTES));
        Self { context, buffer, written: 0, state: Progress::Held(opened) }
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

    /// Sends a full buffer off.
    fn send(&mut self) -> Result<(), RegistryError> {
        let mut upload = self.idle()?;
        if self.buffer.len() < upload.piece {
            // Only now the registry told how large its pieces are.
            self.state = Progress::Held(Some(upload));
            return Ok(());
        }
        let bytes = Bytes::from(std::mem::replace(&mut self.buffer, Vec::with_capacity(upload.piece)));
        let (place, quota) = (Arc::clone(&self.context.place), Arc::clone(&self.context.quota));
        self.state = Progress::Sending(self.context.runtime.spawn(async move {
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
        let whole = self.written == self.buffer.len() as u64;
        let mut upload = self.idle()?;
        let last = Bytes::from(std::mem::take(&mut self.buffer));
        let Context { runtime, place, .. } = &self.context;
        let result = runtime.block_on(async {
            if whole {
                return upload.finish(descriptor, Payload::Whole(last), place).await;
            }
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
