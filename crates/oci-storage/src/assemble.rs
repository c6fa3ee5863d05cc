//! A layer's tar archive, put together again while it is read.

use std::fs::File;
use std::io::{self, Read};

use oci_image::ImageError;

use crate::crc64::Crc64;
use crate::diff_dir::DiffDir;
use crate::error::StorageError;
use crate::lock::Guard;
use crate::store::LayerSplit;
use crate::tar_split::Piece;

/// A file whose content is being handed out.
struct Content {
    file: File,
    name: Vec<u8>,
    left: u64,
    expected: u64,
    crc: Crc64,
}

enum State {
    /// The next piece is to be fetched.
    Between,
    Bytes(io::Cursor<Vec<u8>>),
    Content(Box<Content>),
    Ended,
}

/// The uncompressed bytes of a layer. Nobody may write the storage's layers while it is there.
pub(crate) struct LayerBytes {
    layer: String,
    split: LayerSplit,
    dir: DiffDir,
    state: State,
    _lock: Guard,
}

impl LayerBytes {
    pub(crate) fn new(layer: String, split: LayerSplit, dir: DiffDir, lock: Guard) -> Self {
        Self { layer, split, dir, state: State::Between, _lock: lock }
    }

    fn next(&mut self) -> io::Result<State> {
        let piece = self.split.next_piece().map_err(|error| {
            let reason = format!("its tar-split data is damaged: {error}");
            self.damaged(b"", reason)
        })?;
        match piece {
            None => Ok(State::Ended),
            Some(Piece::Bytes(bytes)) => Ok(State::Bytes(io::Cursor::new(bytes))),
            Some(Piece::File { name, size, crc }) => match self.dir.open_file(&name, size) {
                Ok(file) => {
                    Ok(State::Content(Box::new(Content { file, name, left: size, expected: crc, crc: Crc64::new() })))
                }
                Err(reason) => Err(self.damaged(&name, reason)),
            },
        }
    }

    /// The error for what is wrong with a file, or with the layer itself where no file is named.
    fn damaged(&self, name: &[u8], reason: String) -> io::Error {
        let path = self.dir.path_of(name);
        ImageError::from(StorageError::Content { layer: self.layer.clone(), path, reason }).into_io()
    }
}

impl Content {
    /// The next bytes, or what is wrong with the file. The checksum is compared with the last of them.
    fn read(&mut self, target: &mut [u8]) -> Result<usize, String> {
        let want = usize::try_from(self.left).map_or(target.len(), |left| left.min(target.len()));
        let target = target.get_mut(..want).unwrap_or_default();
        let got = loop {
            match self.file.read(target) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other.map_err(|error| error.to_string())?,
            }
        };
        if got == 0 {
            return Err(format!("damaged: it ended {} bytes early", self.left));
        }
        self.crc.update(target.get(..got).unwrap_or_default());
        self.left -= got as u64;
        if self.left == 0 && self.crc.sum() != self.expected {
            return Err("damaged: its content is not the one that was unpacked".to_owned());
        }
        Ok(got)
    }
}

impl Read for LayerBytes {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if target.is_empty() {
            return Ok(0);
        }
        loop {
            match &mut self.state {
                State::Ended => return Ok(0),
                State::Bytes(bytes) => match bytes.read(target)? {
                    0 => {}
                    got => return Ok(got),
                },
                State::Content(content) if content.left > 0 => match content.read(target) {
                    Ok(got) => return Ok(got),
                    Err(reason) => {
                        let name = std::mem::take(&mut content.name);
                        self.state = State::Ended;
                        return Err(self.damaged(&name, reason));
                    }
                },
                State::Between | State::Content(_) => {}
            }
            self.state = self.next()?;
        }
    }
}
