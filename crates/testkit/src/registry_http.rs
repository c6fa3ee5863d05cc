//! Just enough HTTP/1.1 for the loopback registry: reads requests, writes answers, and can write them wrong.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::thread;
use std::time::Duration;

/// Between two bytes of a body that drips.
const DRIP: Duration = Duration::from_millis(100);

/// A request with its whole body.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path and query as they came.
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether the rest of the body was not read.
    pub(crate) broken: bool,
}

impl Request {
    /// Reads one; `None` at the end of the connection. `most` says how many bytes of its body are read, if not all.
    pub(crate) fn read(
        from: &mut BufReader<TcpStream>,
        most: impl FnOnce(&Self) -> Option<usize>,
    ) -> io::Result<Option<Self>> {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split_whitespace().map(str::to_owned);
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Err(io::Error::other(format!("no request line: {line:?}")));
        };
        let mut request = Self { method, target, headers: Vec::new(), body: Vec::new(), broken: false };
        loop {
            line.clear();
            from.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        if let Some(most) = most(&request) {
            from.take(most as u64).read_to_end(&mut request.body)?;
            request.broken = true;
        } else if let Some(length) = request.header("content-length").and_then(|v| v.parse::<u64>().ok()) {
            from.take(length).read_to_end(&mut request.body)?;
            if request.body.len() as u64 != length {
                return Ok(None);
            }
        } else if request.header("transfer-encoding").is_some() {
            while request.read_chunk(from)? {}
        }
        Ok(Some(request))
    }

    fn read_chunk(&mut self, from: &mut BufReader<TcpStream>) -> io::Result<bool> {
        let mut line = String::new();
        from.read_line(&mut line)?;
        let length = u64::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
        from.take(length).read_to_end(&mut self.body)?;
        from.read_line(&mut line)?;
        Ok(length > 0)
    }

    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The path without the query.
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Every value of a name in the query, decoded.
    pub(crate) fn query(&self, name: &str) -> Vec<String> {
        pairs(self.target.split_once('?').map_or("", |(_, query)| query), name)
    }

    /// Every value of a name in a form sent as body, decoded.
    pub(crate) fn form(&self, name: &str) -> Vec<String> {
        pairs(&String::from_utf8_lossy(&self.body), name)
    }
}

fn pairs(text: &str, name: &str) -> Vec<String> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| decode(value)).collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let hex = [rest.next().unwrap_or(b'0'), rest.next().unwrap_or(b'0')];
                bytes.push(u8::from_str_radix(&String::from_utf8_lossy(&hex), 16).unwrap_or(b'?'));
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// How the body of an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// As it should be.
    Right,
    /// Without its body, but with its length, as the answer to HEAD is.
    HeadOnly,
    /// Half of it, then the connection is closed.
    Cut,
    /// Without a stated length, ended properly.
    Chunked,
    /// Half of it, then nothing more.
    Stall,
    /// So many bytes of it, and then this.
    Broken(usize, Stop),
    /// Not at all, nor any other byte.
    Silent,
    /// Without a stated length, over and over.
    Endless,
    /// Byte by byte, a few in a second.
    Drip,
}

/// How an answer breaks off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Nothing more, the connection stays.
    Stall,
    /// The connection is reset.
    Reset,
    /// The connection is closed.
    Close,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) delivery: Delivery,
}

impl Response {
    /// An answer without body.
    pub(crate) fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), delivery: Delivery::Right }
    }

    /// An answer with a registry's error envelope.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        let body = format!(r#"{{"errors":[{{"code":"{code}","message":"{message}"}}]}}"#);
        Self::new(status).header("Content-Type", "application/json").body(body.into_bytes())
    }

    /// A part of a blob.
    pub(crate) fn part(range: Range<usize>, whole: &[u8]) -> Self {
        let told = format!("bytes {}-{}/{}", range.start, range.end.saturating_sub(1), whole.len());
        Self::new(206).header("Content-Range", told).body(whole.get(range).unwrap_or_default().to_vec())
    }

    /// What a login portal answers.
    pub(crate) fn page() -> Self {
        Self::new(200)
            .header("Content-Type", "text/html; charset=utf-8")
            .body(b"<html><body>Please log in</body></html>".to_vec())
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    /// Writes it at `rate` bytes a second. How many bytes of its body were given, and whether the connection goes on.
    pub(crate) fn write(
        &self,
        to: &mut TcpStream,
        rate: Option<u64>,
        over: &dyn Fn() -> bool,
    ) -> (u64, io::Result<bool>) {
        let mut given = 0;
        let result = self.deliver(&mut Paced { to, rate, given: &mut given }, over);
        (given, result)
    }

    fn head(&self) -> String {
        let mut head = format!("HTTP/1.1 {} Answer\r\n", self.status);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        match self.delivery {
            Delivery::Chunked | Delivery::Endless => head += "Transfer-Encoding: chunked\r\n",
            _ if self.status == 204 => {}
            _ => head += &format!("Content-Length: {}\r\n", self.body.len()),
        }
        head + "\r\n"
    }

    fn deliver(&self, to: &mut Paced<'_>, over: &dyn Fn() -> bool) -> io::Result<bool> {
        let wait = || {
            while !over() {
                thread::sleep(Duration::from_millis(20));
            }
        };
        if self.delivery == Delivery::Silent {
            wait();
            return Ok(false);
        }
        to.to.write_all(self.head().as_bytes())?;
        let upto = |length: usize| self.body.get(..length).unwrap_or(&self.body);
        let half = self.body.len() / 2;
        match self.delivery {
            Delivery::HeadOnly | Delivery::Silent => {}
            Delivery::Right => to.body(&self.body)?,
            Delivery::Cut => to.body(upto(half))?,
            Delivery::Chunked => {
                to.chunks(&self.body)?;
                to.to.write_all(b"0\r\n\r\n")?;
            }
            Delivery::Endless => {
                while !over() {
                    to.chunks(&self.body)?;
                    to.chunks(&[b'+'; 1000])?;
                }
            }
            Delivery::Drip => {
                for byte in &self.body {
                    to.body(&[*byte])?;
                    thread::sleep(DRIP);
                }
            }
            Delivery::Stall => {
                to.body(upto(half))?;
                wait();
            }
            Delivery::Broken(length, stop) => {
                to.body(upto(length))?;
                match stop {
                    Stop::Stall => wait(),
                    Stop::Close => {}
                    Stop::Reset => {
                        // What lies in the buffers would be thrown away too; the client shall have it first.
                        thread::sleep(Duration::from_millis(30));
                        rustix::net::sockopt::set_socket_linger(&*to.to, Some(Duration::ZERO))?;
                    }
                }
            }
        }
        to.to.flush()?;
        Ok(matches!(self.delivery, Delivery::Right | Delivery::HeadOnly | Delivery::Chunked))
    }
}

/// Gives bodies at a rate and counts them.
struct Paced<'a> {
    to: &'a mut TcpStream,
    rate: Option<u64>,
    given: &'a mut u64,
}

impl Paced<'_> {
    fn body(&mut self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.chunks(16 << 10) {
            self.to.write_all(piece)?;
            *self.given += piece.len() as u64;
            if let Some(rate) = self.rate {
                thread::sleep(Duration::from_secs_f64(piece.len() as f64 / rate as f64));
            }
        }
        Ok(())
    }

    fn chunks(&mut self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.chunks(1000) {
            self.to.write_all(format!("{:x}\r\n", piece.len()).as_bytes())?;
            self.body(piece)?;
            self.to.write_all(b"\r\n")?;
        }
        Ok(())
    }
}
