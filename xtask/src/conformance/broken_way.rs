//! A way to a server that breaks where it is told to, for cases about networks.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// How it is called.
pub const HELP: &str = "\
cargo xtask broken-way SERVER FILE [BREAK...]

Opens a port that leads to SERVER (host:port), writes its address to FILE and serves it for two minutes. A BREAK befalls
the first connection over which so many bytes have passed; they happen one after the other. Each time somebody says who
he is without TLS, `authorization: SCHEME` is printed.

  up:BYTES      after so many bytes to the server it is reset in both directions
  down:BYTES    after so many bytes from the server
  stall:BYTES   after so many bytes from the server nothing more comes
  flip:BYTES    the byte after so many from the server is another one
  flip-up:BYTES the byte after so many to the server is another one";

/// For how long the port is served. A case that hangs must not leave it behind.
const LIFE: Duration = Duration::from_secs(120);
/// How much is taken over at once.
const PIECE: usize = 16 << 10;

/// What happens to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Up,
    Down,
    Stall,
    Flip,
    FlipUp,
}

impl Kind {
    /// Whether it befalls what goes to the server.
    fn is_up(self) -> bool {
        matches!(self, Self::Up | Self::FlipUp)
    }
}

/// Where the way breaks next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Break {
    kind: Kind,
    /// How many bytes pass before.
    after: u64,
}

impl FromStr for Break {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (kind, after) = text.split_once(':').with_context(|| format!("{text}: not KIND:BYTES"))?;
        let kind = match kind {
            "up" => Kind::Up,
            "down" => Kind::Down,
            "stall" => Kind::Stall,
            "flip" => Kind::Flip,
            "flip-up" => Kind::FlipUp,
            _ => bail!("{text}: neither up, down, stall, flip nor flip-up"),
        };
        Ok(Self { kind, after: after.parse().with_context(|| format!("{text}: no number of bytes"))? })
    }
}

type Breaks = Arc<Mutex<VecDeque<Break>>>;

/// Opens the way that the arguments describe.
///
/// # Errors
/// Arguments that say nothing, or no free port.
pub fn run(args: &[String]) -> Result<()> {
    let [server, file, breaks @ ..] = args else {
        println!("{HELP}");
        return Ok(());
    };
    let breaks = breaks.iter().map(|text| text.parse()).collect::<Result<VecDeque<Break>>>()?;
    let breaks: Breaks = Arc::new(Mutex::new(breaks));
    let listener = TcpListener::bind("127.0.0.1:0").context("open a port")?;
    let address = listener.local_addr()?.to_string();
    // Whoever waits for the file must not find it half written.
    let new = format!("{file}.new");
    std::fs::write(&new, format!("{address}\n")).with_context(|| format!("write {new}"))?;
    std::fs::rename(&new, Path::new(file)).with_context(|| format!("write {file}"))?;
    thread::spawn(move || {
        thread::sleep(LIFE);
        std::process::exit(0);
    });
    for client in listener.incoming().flatten() {
        // A connection that fails is noticed by whoever made it.
        let _ = connect(&client, server, &breaks);
    }
    Ok(())
}

fn connect(client: &TcpStream, server: &str, breaks: &Breaks) -> Result<()> {
    let server = TcpStream::connect(server)?;
    for (from, to, up) in [(client, &server, true), (&server, client, false)] {
        to.set_nodelay(true)?;
        let (from, to, breaks) = (from.try_clone()?, to.try_clone()?, Arc::clone(breaks));
        thread::spawn(move || pass(from, to, up, &breaks));
    }
    Ok(())
}

fn pass(mut from: TcpStream, mut to: TcpStream, up: bool, breaks: &Breaks) {
    let mut buffer = vec![0; PIECE];
    let mut passed = 0;
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        passed += count as u64;
        let bytes = buffer.get_mut(..count).unwrap_or_default();
        if up {
            schemes(bytes).iter().for_each(|scheme| println!("authorization: {scheme}"));
        }
        match due(breaks, up, passed) {
            None => {}
            Some(Break { kind: Kind::Flip | Kind::FlipUp, after }) => {
                let at = usize::try_from((after + count as u64).saturating_sub(passed)).unwrap_or(usize::MAX);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 0xff;
                }
            }
            Some(Break { kind, .. }) => {
                if kind == Kind::Stall {
                    thread::sleep(LIFE);
                }
                reset(&from);
                reset(&to);
                return;
            }
        }
        if to.write_all(bytes).is_err() {
            break;
        }
    }
    // The end of one direction says nothing of the other.
    let _ = to.shutdown(Shutdown::Write);
}

/// The schemes of the `Authorization` lines in a request. One that is torn apart is missed: the head of a request comes in
/// one piece.
fn schemes(bytes: &[u8]) -> Vec<String> {
    let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok()?.split_once(": "));
    let values = lines.filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    values.filter_map(|(_, value)| value.split_whitespace().next().map(str::to_owned)).collect()
}

/// The next break, if it is due.
fn due(breaks: &Breaks, up: bool, passed: u64) -> Option<Break> {
    let mut breaks = breaks.lock().unwrap_or_else(PoisonError::into_inner);
    let next = breaks.front().is_some_and(|next| next.kind.is_up() == up && passed > next.after);
    if next { breaks.pop_front() } else { None }
}

/// Resets a connection, whoever else has it open.
fn reset(stream: &TcpStream) {
    // One that is closed already needs no reset.
    let _ = rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO));
    let _ = stream.shutdown(Shutdown::Both);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_says_who_he_is() {
        let head = b"GET / HTTP/1.1\r\nHost: a\r\nauthorization: Bearer secret\r\n\r\n";
        assert_eq!(schemes(head), ["Bearer"]);
        assert_eq!(schemes(b"authorization is a word"), [""; 0]);
    }

    #[test]
    fn breaks_come_in_order_and_once() {
        let breaks = ["up:10", "down:5"].map(|text| text.parse::<Break>().expect("a break"));
        let breaks: Breaks = Arc::new(Mutex::new(VecDeque::from(breaks)));
        assert_eq!((due(&breaks, false, 100), due(&breaks, true, 10)), (None, None));
        assert!(due(&breaks, true, 11).is_some_and(|due| due.kind == Kind::Up));
        assert_eq!(due(&breaks, true, 100), None);
        assert!(due(&breaks, false, 6).is_some());
        let flip: Breaks = Arc::new(Mutex::new(VecDeque::from(["flip-up:3".parse::<Break>().expect("a break")])));
        assert!(due(&flip, false, 9).is_none() && due(&flip, true, 4).is_some());
        assert!("sideways:1".parse::<Break>().is_err() && "up:x".parse::<Break>().is_err());
    }
}
