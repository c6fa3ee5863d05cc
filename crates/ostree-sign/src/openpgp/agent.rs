//! gpg-agent as a maker of signatures: the Assuan protocol over its socket.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use sequoia_openpgp::types::HashAlgorithm;

use crate::error::SignError;
use crate::openpgp::sexp::Sexp;
use crate::openpgp::zbase32::zbase32;

/// The longest line of the protocol, which fixes it at 1000 bytes.
const MAX_LINE: u64 = 1002;
/// The most data that an answer has. A signature or public key takes up to some thousand bytes.
const MAX_DATA: usize = 64 * 1024;
/// The most keys that are looked at.
const MAX_KEYS: usize = 1024;

/// A connection to a running agent.
pub(super) struct Agent {
    path: PathBuf,
    stream: BufReader<UnixStream>,
}

/// What an agent answered.
#[derive(Default)]
struct Answer {
    data: Vec<u8>,
    status: Vec<String>,
}

/// The places where the agent of a GnuPG directory listens.
pub(super) fn sockets(home: &Path) -> Vec<PathBuf> {
    let home = std::path::absolute(home).unwrap_or_else(|_| home.to_owned());
    let digest = HashAlgorithm::SHA1.context().ok().and_then(|context| {
        let mut context = context.for_digest();
        context.update(home.as_os_str().as_encoded_bytes());
        context.into_digest().ok()
    });
    let runtime = PathBuf::from(format!("/run/user/{}/gnupg", rustix::process::getuid().as_raw()));
    let mut sockets = vec![home.join("S.gpg-agent")];
    if let Some(name) = digest.as_deref().and_then(|digest| digest.get(..15)).map(zbase32) {
        sockets.push(runtime.join(format!("d.{name}/S.gpg-agent")));
    }
    if std::env::home_dir().is_some_and(|user| user.join(".gnupg") == home) {
        sockets.push(runtime.join("S.gpg-agent"));
    }
    sockets
}

impl Agent {
    /// Connects to the agent of a GnuPG directory; `None` if none runs.
    pub(super) fn connect(home: &Path) -> Result<Option<Self>, SignError> {
        let connected = sockets(home).into_iter().find_map(|path| Some((UnixStream::connect(&path).ok()?, path)));
        let Some((stream, path)) = connected else { return Ok(None) };
        let mut agent = Self { path, stream: BufReader::new(stream) };
        agent.answer()?;
        for (option, variable) in [("ttyname", "GPG_TTY"), ("ttytype", "TERM"), ("display", "DISPLAY")] {
            if let Ok(value) = std::env::var(variable)
                && !value.contains(['\n', '\r'])
            {
                // Where to ask for a passphrase; an agent that does not want to know asks elsewhere.
                let _ = agent.ask(&format!("OPTION {option}={value}"));
            }
        }
        Ok(Some(agent))
    }

    /// The name of the key for which `is_it` holds, given its public parts.
    pub(super) fn find(&mut self, is_it: impl Fn(&Sexp) -> bool) -> Result<Option<String>, SignError> {
        let list = self.ask("KEYINFO --list")?;
        let grips = list.status.iter().filter_map(|line| line.strip_prefix("KEYINFO ")?.split(' ').next());
        for grip in grips.filter(|grip| grip.bytes().all(|byte| byte.is_ascii_hexdigit())).take(MAX_KEYS) {
            let Ok(answer) = self.ask(&format!("READKEY {grip}")) else { continue };
            if Sexp::parse("gpg-agent", &answer.data).is_ok_and(|key| is_it(&key)) {
                return Ok(Some(grip.to_owned()));
            }
        }
        Ok(None)
    }

    /// Signs a digest; `algorithm` is its OpenPGP number.
    pub(super) fn sign(&mut self, key: &str, algorithm: u8, digest: &[u8]) -> Result<Sexp, SignError> {
        let digest: String = digest.iter().map(|byte| format!("{byte:02X}")).collect();
        self.ask(&format!("SIGKEY {key}"))?;
        self.ask(&format!("SETHASH {algorithm} {digest}"))?;
        let answer = self.ask("PKSIGN")?;
        Sexp::parse("gpg-agent", &answer.data)
    }

    fn ask(&mut self, command: &str) -> Result<Answer, SignError> {
        self.send(command)?;
        self.answer()
    }

    fn send(&mut self, line: &str) -> Result<(), SignError> {
        let path = self.path.clone();
        let sent = writeln!(self.stream.get_mut(), "{line}");
        sent.map_err(|source| SignError::Read { path, source })
    }

    fn answer(&mut self) -> Result<Answer, SignError> {
        let mut answer = Answer::default();
        loop {
            let line = self.line()?;
            let (word, rest) = match line.iter().position(|byte| *byte == b' ') {
                Some(at) => (line.get(..at).unwrap_or_default(), line.get(at + 1..).unwrap_or_default()),
                None => (line.as_slice(), &b""[..]),
            };
            match word {
                b"OK" => return Ok(answer),
                b"ERR" => return Err(self.refusal(&String::from_utf8_lossy(rest))),
                b"D" => answer.data.extend(unescaped(rest)),
                b"S" if answer.status.len() < MAX_KEYS => {
                    answer.status.push(String::from_utf8_lossy(rest).into_owned())
                }
                b"INQUIRE" => self.send("END")?,
                _ => {}
            }
            if answer.data.len() > MAX_DATA {
                return Err(self.refusal("an answer too long"));
            }
        }
    }

    fn line(&mut self) -> Result<Vec<u8>, SignError> {
        let mut line = Vec::new();
        let read = std::io::Read::take(&mut self.stream, MAX_LINE).read_until(b'\n', &mut line);
        read.map_err(|source| SignError::Read { path: self.path.clone(), source })?;
        match line.pop() {
            Some(b'\n') => Ok(line),
            _ => Err(self.refusal("it went away")),
        }
    }

    fn refusal(&self, reason: &str) -> SignError {
        // `CODE TEXT`, of which the text is for people.
        let text = reason.split_once(' ').filter(|(code, _)| code.bytes().all(|byte| byte.is_ascii_digit()));
        SignError::malformed(format!("gpg-agent at {}", self.path.display()), text.map_or(reason, |(_, text)| text))
    }
}

/// `%HH` as the byte it stands for.
fn unescaped(line: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((first, after)) = rest.split_first() {
        let digit = |at: usize| char::from(*after.get(at)?).to_digit(16).map(|digit| digit as u8);
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(high << 4 | low);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_unescaped() {
        assert_eq!(unescaped(b"a%25b%0A%0"), b"a%b\n%0");
    }
}
