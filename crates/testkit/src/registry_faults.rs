//! What can go wrong with one answer of the loopback registry, at which byte and how often.

use crate::registry_http::{Delivery, Request, Response, Stop};

/// Which requests a fault befalls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// Those for a blob's bytes.
    Blob,
    /// Those for a manifest.
    Manifest,
    /// Those for a token.
    Token,
    /// Those that begin, feed or end an upload.
    Upload,
    /// Those for a part of a blob.
    Range,
    /// All.
    Any,
}

impl On {
    fn covers(self, request: &Request) -> bool {
        let path = request.path();
        let blob = path.contains("/blobs/") && request.method == "GET";
        match self {
            Self::Blob => blob,
            Self::Manifest => path.contains("/manifests/"),
            Self::Token => path == "/token",
            Self::Upload => path.contains("/uploads/"),
            Self::Range => blob && request.header("range").is_some(),
            Self::Any => true,
        }
    }
}

/// What goes wrong. Offsets are those of the whole blob or manifest, whatever part of it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing more after so many bytes, the connection stays.
    Stall(usize),
    /// No answer at all, the connection stays.
    Silence,
    /// The connection is reset after so many bytes.
    Reset(usize),
    /// The connection is closed properly after so many bytes.
    Truncate(usize),
    /// A body without length ends properly after so many bytes.
    End(usize),
    /// No more than so many bytes of what was asked for, truly stated.
    Cap(usize),
    /// The byte at this offset is another one.
    WrongByte(usize),
    /// This status, with this `Retry-After` header where there is one.
    Status(u16, Option<String>),
    /// Redirected to this address.
    Moved(String),
    /// This `Docker-Content-Digest`, whatever the bytes are.
    Digest(String),
    /// The whole blob with status 200, whatever part was asked for.
    IgnoreRange,
    /// A part from another offset, truly stated: so many bytes earlier (or later, when negative).
    Shifted(i64),
    /// The right bytes, stated as if they were from so many bytes later.
    Misstated(u64),
    /// A part without a word about which.
    NoContentRange,
    /// Bytes that are said to be packed, of another length.
    Packed,
    /// The stored bytes, said to be packed.
    SaidPacked,
    /// A part that is said to be packed, without a length.
    PackedPart,
    /// A byte now and then.
    Drip,
    /// A web page with status 200.
    Page,
    /// A body without length that does not end.
    Endless,
    /// Of what an upload brings, so many bytes are taken and kept; then the connection is closed.
    CutUpload(usize),
}

/// A fault and how often it still happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which requests it befalls.
    pub on: On,
    /// What goes wrong.
    pub trouble: Trouble,
    /// How often; `usize::MAX` is for ever.
    pub times: usize,
}

impl Fault {
    /// A fault that happens once.
    pub fn once(on: On, trouble: Trouble) -> Self {
        Self { on, trouble, times: 1 }
    }

    /// A fault that lasts.
    pub fn lasting(on: On, trouble: Trouble) -> Self {
        Self { on, trouble, times: usize::MAX }
    }
}

/// The next fault that befalls `request`, now one time less, where its answer starts at `start` and has `length` bytes.
pub(crate) fn next(faults: &mut [Fault], request: &Request, start: usize, length: usize) -> Option<Trouble> {
    let met = |fault: &Fault| {
        let reached = match fault.trouble {
            Trouble::Stall(at) | Trouble::Reset(at) | Trouble::Truncate(at) | Trouble::End(at) => {
                (start..=start + length).contains(&at)
            }
            Trouble::WrongByte(at) => (start..start + length).contains(&at),
            Trouble::CutUpload(_) => false,
            _ => true,
        };
        fault.times > 0 && fault.on.covers(request) && reached
    };
    let fault = faults.iter_mut().find(|fault| met(fault))?;
    if fault.times != usize::MAX {
        fault.times -= 1;
    }
    Some(fault.trouble.clone())
}

/// How many bytes of an upload's body are to be taken, where it is to be cut.
pub(crate) fn upload_cut(faults: &mut [Fault], request: &Request) -> Option<usize> {
    let length: usize = request.header("content-length")?.parse().ok()?;
    for fault in faults {
        if let Trouble::CutUpload(most) = fault.trouble
            && fault.times > 0
            && most < length
            && On::Upload.covers(request)
        {
            fault.times = if fault.times == usize::MAX { usize::MAX } else { fault.times - 1 };
            return Some(most);
        }
    }
    None
}

/// Spoils an answer whose body starts at `start` in the blob `whole`.
pub(crate) fn spoil(response: Response, trouble: &Trouble, whole: &[u8], start: usize) -> Response {
    let mut response = response;
    let broken = |at: usize, stop| Delivery::Broken(at.saturating_sub(start), stop);
    let end = start + response.body.len();
    match trouble {
        Trouble::Stall(at) => response.delivery = broken(*at, Stop::Stall),
        Trouble::Reset(at) => response.delivery = broken(*at, Stop::Reset),
        Trouble::Truncate(at) => response.delivery = broken(*at, Stop::Close),
        Trouble::End(at) => {
            response.body.truncate(at.saturating_sub(start));
            response.delivery = Delivery::Chunked;
        }
        Trouble::Cap(most) => response = Response::part(start..end.min(start + most), whole),
        Trouble::Silence => response.delivery = Delivery::Silent,
        Trouble::WrongByte(at) => {
            if let Some(byte) = response.body.get_mut(at.saturating_sub(start)) {
                *byte ^= 1;
            }
        }
        Trouble::Status(status, wait) => {
            response = Response::error(*status, "TROUBLE", "on request");
            if let Some(wait) = wait {
                response = response.header("Retry-After", wait.as_str());
            }
        }
        Trouble::Moved(to) => response = Response::new(307).header("Location", to.as_str()),
        Trouble::Digest(said) => {
            response.headers.retain(|(name, _)| name != "Docker-Content-Digest");
            response = response.header("Docker-Content-Digest", said.as_str());
        }
        Trouble::IgnoreRange => response = Response::new(200).body(whole.to_vec()),
        Trouble::Shifted(by) => {
            let from = usize::try_from((start as i64 - by).max(0)).unwrap_or(0).min(whole.len().saturating_sub(1));
            let end = end.max(from + 1).min(whole.len());
            response = Response::part(from..end, whole);
        }
        Trouble::Misstated(by) => {
            let told = format!("bytes {}-{}/{}", start as u64 + by, end as u64 + by - 1, whole.len());
            response.headers.retain(|(name, _)| name != "Content-Range");
            response = response.header("Content-Range", told);
        }
        Trouble::NoContentRange => response.headers.retain(|(name, _)| name != "Content-Range"),
        Trouble::Packed => {
            let mut body = vec![0x1f, 0x8b];
            body.extend_from_slice(response.body.get(..response.body.len() / 2).unwrap_or_default());
            response = Response::new(200).header("Content-Encoding", "gzip").body(body);
        }
        Trouble::SaidPacked => response = response.header("Content-Encoding", "gzip"),
        Trouble::PackedPart => {
            response = response.header("Content-Encoding", "gzip");
            response.delivery = Delivery::Chunked;
        }
        Trouble::Drip => response.delivery = Delivery::Drip,
        Trouble::Page => response = Response::page(),
        Trouble::Endless => response.delivery = Delivery::Endless,
        Trouble::CutUpload(_) => {}
    }
    response
}
