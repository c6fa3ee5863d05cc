//! What goes wrong when it is decided whether an image may come in.

use std::path::PathBuf;

use oci_image::{ImageError, InvalidName};

use crate::limits::SHOWN_CHARS;

/// Why nothing could be decided. That an image is refused is no error but a [`Verdict`](crate::Verdict), until somebody
/// insists on it with [`Verdict::require`](crate::Verdict::require).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// A file of the host cannot be read.
    #[error("{action} {}", path.display())]
    Io {
        /// What was tried, as in "reading".
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// A file of the host breaks its format.
    #[error("{what} {}: {reason}", path.display())]
    BadFile {
        /// What it should be, as in "policy".
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and in which member.
        reason: String,
    },
    /// There is no `policy.json`.
    #[error("no policy.json is there: {}", list(looked))]
    NoPolicy {
        /// The places where it could be.
        looked: Vec<PathBuf>,
    },
    /// A name that cannot be that of an image.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// The image or its signatures cannot be fetched.
    #[error("looking for signatures of {image}")]
    Image {
        /// The image.
        image: String,
        /// Why.
        source: ImageError,
    },
    /// The policy refuses the image.
    #[error("{image} is refused by {rule}: {reason}")]
    Refused {
        /// The image.
        image: String,
        /// The policy's file and the scope in it.
        rule: String,
        /// The requirement's words.
        reason: String,
    },
}

/// A foreign text for a message: short, and on one line.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn list(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    match names.as_slice() {
        [one] => format!("{one} is looked for"),
        _ => format!("{} are looked for", names.join(" and ")),
    }
}
