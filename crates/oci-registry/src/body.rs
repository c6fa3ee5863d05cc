//! The bodies of requests: from memory, so that they can be sent again, or out of a pipe, once.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::limits;
use crate::pipe::Receiver;
use crate::wait::Pulse;

/// What a request carries.
#[derive(Debug)]
pub(crate) enum Payload {
    /// No body.
    Nothing,
    /// A body in memory.
    Whole(Bytes),
    /// A body of a known length that is still being produced; `None` once it was sent.
    Stream(u64, Option<Receiver<Abandoned>>),
}

/// The producer of a streamed body gave up before its end.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the upload was abandoned before its end")]
pub(crate) struct Abandoned;

impl Payload {
    /// Whether there is no body.
    pub(crate) fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    /// Whether the body can be sent (once more).
    pub(crate) fn is_sendable(&self) -> bool {
        !matches!(self, Self::Stream(_, None))
    }

    /// The same body once more; `None` for one that can be sent only once.
    pub(crate) fn again(&self) -> Option<Self> {
        match self {
            Self::Nothing => Some(Self::Nothing),
            Self::Whole(bytes) => Some(Self::Whole(bytes.clone())),
            Self::Stream(..) => None,
        }
    }

    /// The body to send now, which tells `pulse` how far it is; `None` for a request without one.
    pub(crate) fn take(&mut self, pulse: &Arc<Pulse>) -> Option<reqwest::Body> {
        let (source, left) = match self {
            Self::Nothing => return None,
            Self::Whole(bytes) => (Source::Whole(bytes.clone()), bytes.len() as u64),
            Self::Stream(length, receiver) => (Source::Pipe(receiver.take()?), *length),
        };
        Some(reqwest::Body::wrap(Sent { source, left, pulse: Arc::clone(pulse) }))
    }
}

enum Source {
    Whole(Bytes),
    Pipe(Receiver<Abandoned>),
}

/// A body with a known length.
struct Sent {
    source: Source,
    left: u64,
    pulse: Arc<Pulse>,
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Abandoned;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Abandoned>>> {
        let this = self.get_mut();
        if this.left == 0 {
            this.pulse.sent();
            return Poll::Ready(None);
        }
        let next = match &mut this.source {
            Source::Whole(bytes) => Poll::Ready(Some(Ok(bytes.split_to(bytes.len().min(limits::FRAME_BYTES))))),
            Source::Pipe(receiver) => receiver.poll_next(context),
        };
        match next {
            Poll::Pending => {
                this.pulse.producing();
                Poll::Pending
            }
            Poll::Ready(Some(Ok(bytes))) => {
                this.left = this.left.checked_sub(bytes.len() as u64).ok_or(Abandoned)?;
                if this.left == 0 {
                    this.pulse.sent()
                } else {
                    this.pulse.sending()
                }
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            // The pipe ended before the promised length: the request must fail, not end.
            Poll::Ready(Some(Err(_)) | None) => Poll::Ready(Some(Err(Abandoned))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
