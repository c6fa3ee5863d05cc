//! Writing results: to standard output, and to files at once.

use std::fs;
use std::io::{self, BufWriter, Stdout, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

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

/// Seconds since 1970 as a date in UTC; `None` if no calendar has it.
pub fn utc_date(seconds: u64) -> Option<String> {
    let at = jiff::Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?;
    Some(at.strftime("%Y-%m-%d %H:%M:%S +0000").to_string())
}

/// Seconds since 1970 as a date with the offset of this machine's time zone, in whole hours if it is.
pub fn zoned_date(seconds: u64) -> String {
    let at = i64::try_from(seconds).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    match at.map(|at| at.to_zoned(jiff::tz::TimeZone::system())) {
        Some(at) => {
            let date = at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
            date.strip_suffix(":00").map_or(date.clone(), str::to_owned)
        }
        None => format!("{seconds} (no calendar has it)"),
    }
}

/// Seconds since 1970 as a date of this machine's time zone, as the reference program prints those of signatures.
pub fn local_date(seconds: u64) -> String {
    let at = i64::try_from(seconds).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    match at.map(|at| at.to_zoned(jiff::tz::TimeZone::system())) {
        // GLib pads with a figure space.
        Some(at) => format!("{}{:\u{2007}>2}{}", at.strftime("%a %b "), at.day(), at.strftime(" %H:%M:%S %Y")),
        None => format!("at {seconds} seconds, which no calendar has"),
    }
}

/// Replaces a file at once.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = beside(path)?;
    let write = || {
        let mut file = fs::File::create_new(&temporary)?;
        file.write_all(bytes)?;
        fs::rename(&temporary, path)
    };
    write()
        .inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })
        .with_context(|| format!("writing {}", path.display()))
}

/// Finds out whether [`write_whole`] can write a file, before long work whose result is to be in it.
pub fn check_place(path: &Path) -> Result<()> {
    let temporary = beside(path)?;
    ensure!(!path.is_dir(), "writing {}: it is a directory", path.display());
    let make = || fs::File::create_new(&temporary).and_then(|_| fs::remove_file(&temporary));
    make().with_context(|| format!("writing {}", path.display()))
}

/// The name of the file beside another that becomes that one when it is whole.
fn beside(path: &Path) -> Result<PathBuf> {
    let mut name = path.file_name().with_context(|| format!("{}: not a file name", path.display()))?.to_owned();
    name.push(format!(".{}", std::process::id()));
    Ok(path.with_file_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_file_cannot_be_written_is_known_beforehand() {
        let dir = tempfile::tempdir().unwrap();
        check_place(&dir.path().join("new")).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(check_place(dir.path()).is_err() && check_place(&dir.path().join("no/new")).is_err());
    }

    #[test]
    fn dates_are_utc() {
        assert_eq!(utc_date(1_700_000_000).as_deref(), Some("2023-11-14 22:13:20 +0000"));
        assert_eq!(utc_date(u64::MAX), None);
    }
}
