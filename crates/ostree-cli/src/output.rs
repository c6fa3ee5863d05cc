//! Writing results to standard output.

use std::io::{self, BufWriter, Stdout, Write};

use anyhow::Result;

/// Standard output was closed by its reader: nothing is left to do and nobody to tell.
#[derive(Debug, thiserror::Error)]
#[error("standard output was closed")]
pub struct OutputClosed;

/// Standard output, buffered. A closed one gives an error that carries [`OutputClosed`].
pub struct Output(BufWriter<Stdout>);

impl Output {
    /// Standard output.
    pub fn stdout() -> Self {
        Self(BufWriter::with_capacity(64 * 1024, io::stdout()))
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(mark_closed)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(mark_closed)
    }
}

fn mark_closed(problem: io::Error) -> io::Error {
    match problem.kind() {
        io::ErrorKind::BrokenPipe => io::Error::new(io::ErrorKind::BrokenPipe, OutputClosed),
        _ => problem,
    }
}

/// Writes one line to standard output at once.
pub fn line(text: impl std::fmt::Display) -> Result<()> {
    let mut out = Output::stdout();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// A size in decimal units as GLib words it: `788 bytes`, `5.7 kB`, `1.2 MB`, the latter two with a no-break space.
pub fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 6] = [
        ("kB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
        ("PB", 1_000_000_000_000_000),
        ("EB", 1_000_000_000_000_000_000),
    ];
    match UNITS.iter().rev().find(|(_, factor)| bytes >= *factor) {
        // Rounding shows one digit only, so the precision that a float loses does not matter.
        Some((unit, factor)) => format!("{:.1}\u{a0}{unit}", bytes as f64 / *factor as f64),
        None if bytes == 1 => "1 byte".to_owned(),
        None => format!("{bytes} bytes"),
    }
}

/// Seconds since 1970 as a date in UTC; `None` if no calendar has it.
pub fn utc_date(seconds: u64) -> Option<String> {
    let at = jiff::Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?;
    Some(at.strftime("%Y-%m-%d %H:%M:%S +0000").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_worded_as_glib_does() {
        assert_eq!(size(0), "0 bytes");
        assert_eq!(size(1), "1 byte");
        assert_eq!(size(999), "999 bytes");
        assert_eq!(size(1000), "1.0\u{a0}kB");
        assert_eq!(size(1_250_000), "1.2\u{a0}MB");
    }

    #[test]
    fn dates_are_utc() {
        assert_eq!(utc_date(1_700_000_000).as_deref(), Some("2023-11-14 22:13:20 +0000"));
        assert_eq!(utc_date(u64::MAX), None);
    }
}
