//! Writes archives that no builder makes, entry by entry, for cases about layers.

use anyhow::{Context, Result, bail, ensure};
use std::io::Write;
use std::path::Path;

/// Size of a header and of the units that content is padded to.
const BLOCK: usize = 512;

/// What a layer's archive is made of; every word may hold `%XX` for a byte.
pub const HELP: &str = "\
cargo xtask layer-tar FILE ENTRY...

Writes an archive. An ENTRY is `KIND NAME KEY=VALUE...`, with %XX for any byte.

  KIND          d f l h c b p: directory, file, symlink, hard link, devices, FIFO; any other letter is the type itself
  text=TEXT     the content
  to=TARGET     of links
  mode=OCTAL uid=N gid=N mtime=N dev=MAJOR,MINOR
  pax           name and target in extended headers
  gnu           name and target in long-name entries
  NAME:=VALUE   an extended header record, as `SCHILY.xattr.user.a:=1`

`end` alone stops without the blocks that end an archive; `@FILE` stands for entries, one a line.";

/// One entry.
#[derive(Default)]
struct Entry {
    kind: u8,
    name: Vec<u8>,
    target: Vec<u8>,
    content: Vec<u8>,
    mode: Option<u64>,
    uid: u64,
    gid: u64,
    mtime: u64,
    device: (u64, u64),
    records: Vec<(Vec<u8>, Vec<u8>)>,
    pax: bool,
    gnu: bool,
}

/// Writes the archive that the arguments describe.
///
/// # Errors
/// An entry that says nothing, or a file that cannot be written.
pub fn run(args: &[String]) -> Result<()> {
    let Some((file, entries)) = args.split_first().filter(|(file, _)| !file.starts_with('-')) else {
        println!("{HELP}");
        return Ok(());
    };
    let mut lines = Vec::new();
    for entry in entries {
        match entry.strip_prefix('@') {
            Some(list) => lines.extend(std::fs::read_to_string(list)?.lines().map(str::to_owned)),
            None => lines.push(entry.clone()),
        }
    }
    let entries = lines;
    let mut archive = Vec::new();
    let whole = entries.last().is_none_or(|last| last != "end");
    for text in entries.iter().filter(|text| *text != "end") {
        parse(text).with_context(|| format!("entry '{text}'"))?.write(&mut archive)?;
    }
    if whole {
        archive.resize(archive.len() + 2 * BLOCK, 0);
    }
    let file = Path::new(file);
    std::fs::write(file, archive).with_context(|| format!("writing {}", file.display()))
}

fn parse(text: &str) -> Result<Entry> {
    let mut words = text.split(' ').filter(|word| !word.is_empty());
    let kind = words.next().context("has no kind")?;
    let mut entry = Entry {
        kind: match kind {
            "f" => b'0',
            "h" => b'1',
            "l" => b'2',
            "c" => b'3',
            "b" => b'4',
            "d" => b'5',
            "p" => b'6',
            other => *other.as_bytes().first().context("has no kind")?,
        },
        name: bytes(words.next().context("has no name")?)?,
        ..Entry::default()
    };
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        let decimal = || value.parse::<u64>().with_context(|| format!("{key} wants a number"));
        match key {
            "text" => entry.content = bytes(value)?,
            "to" => entry.target = bytes(value)?,
            "mode" => entry.mode = Some(u64::from_str_radix(value, 8)?),
            "uid" => entry.uid = decimal()?,
            "gid" => entry.gid = decimal()?,
            "mtime" => entry.mtime = decimal()?,
            "pax" => entry.pax = true,
            "gnu" => entry.gnu = true,
            "dev" => {
                let (major, minor) = value.split_once(',').context("dev wants two numbers")?;
                entry.device = (major.parse()?, minor.parse()?);
            }
            record => {
                let name = record.strip_suffix(':').with_context(|| format!("{key} is no key"))?;
                entry.records.push((bytes(name)?, bytes(value)?));
            }
        }
    }
    Ok(entry)
}

/// The bytes of a word in which `%XX` stands for one.
fn bytes(word: &str) -> Result<Vec<u8>> {
    let mut parts = word.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).context("% wants two digits")?;
        bytes.push(u8::from_str_radix(digits, 16)?);
        bytes.extend(rest.as_bytes());
    }
    Ok(bytes)
}

impl Entry {
    fn write(&self, archive: &mut Vec<u8>) -> Result<()> {
        let mut records = self.records.clone();
        for (key, long, value) in [("path", b'L', &self.name), ("linkpath", b'K', &self.target)] {
            if value.is_empty() {
                continue;
            }
            if self.pax || (value.len() > 100 && !self.gnu) {
                records.push((key.into(), value.clone()));
            } else if self.gnu {
                header(archive, long, b"././@LongLink", value.len() + 1, &Self::default())?;
                content(archive, &[value.as_slice(), b"\0"].concat());
            }
        }
        if !records.is_empty() {
            let records: Vec<u8> = records.iter().flat_map(|(key, value)| record(key, value)).collect();
            header(archive, b'x', b"PaxHeaders/entry", records.len(), &Self::default())?;
            content(archive, &records);
        }
        header(archive, self.kind, &self.name, self.content.len(), self)?;
        content(archive, &self.content);
        Ok(())
    }

    /// What an entry's name and target become in fields that are too small or not meant to be looked at.
    fn field<'v>(&self, value: &'v [u8]) -> &'v [u8] {
        if self.pax { b"in-the-extended-header" } else { value }
    }
}

/// A record with its own length in front.
fn record(key: &[u8], value: &[u8]) -> Vec<u8> {
    let rest = [b" ", key, b"=", value, b"\n"].concat();
    let mut length = rest.len();
    while length != rest.len() + length.to_string().len() {
        length = rest.len() + length.to_string().len();
    }
    [length.to_string().as_bytes(), &rest].concat()
}

fn content(archive: &mut Vec<u8>, bytes: &[u8]) {
    archive.extend(bytes);
    archive.resize(archive.len().next_multiple_of(BLOCK), 0);
}

fn header(archive: &mut Vec<u8>, kind: u8, name: &[u8], size: usize, entry: &Entry) -> Result<()> {
    let mode = entry.mode.unwrap_or(match kind {
        b'5' => 0o755,
        b'2' => 0o777,
        _ => 0o644,
    });
    let name = entry.field(name);
    let target: &[u8] = if entry.target.is_empty() { b"" } else { entry.field(&entry.target) };
    let mut fields: Vec<u8> = Vec::with_capacity(BLOCK);
    put(&mut fields, name, 100);
    for (value, width) in [(mode, 8), (entry.uid, 8), (entry.gid, 8), (size as u64, 12), (entry.mtime, 12)] {
        octal(&mut fields, value, width)?;
    }
    fields.extend(b"        ");
    fields.push(kind);
    put(&mut fields, target, 100);
    fields.extend(if entry.gnu { b"ustar  \0" } else { b"ustar\x0000" });
    fields.resize(fields.len() + 64, 0);
    octal(&mut fields, entry.device.0, 8)?;
    octal(&mut fields, entry.device.1, 8)?;
    fields.resize(BLOCK, 0);
    let sum: u64 = fields.iter().map(|byte| u64::from(*byte)).sum();
    let mut checksum = Vec::new();
    write!(checksum, "{sum:06o}\0 ")?;
    fields.splice(148..156, checksum);
    archive.extend(fields);
    Ok(())
}

/// A text field; what is too long for it stands elsewhere.
fn put(fields: &mut Vec<u8>, value: &[u8], width: usize) {
    let end = fields.len() + width;
    fields.extend(value.iter().take(width));
    fields.resize(end, 0);
}

/// A number field: octal digits, or base 256 where they do not suffice.
fn octal(fields: &mut Vec<u8>, value: u64, width: usize) -> Result<()> {
    let digits = format!("{value:0width$o}", width = width - 1);
    if digits.len() < width {
        fields.extend(digits.as_bytes());
        fields.push(0);
        return Ok(());
    }
    let bytes = value.to_be_bytes();
    ensure!(width >= bytes.len(), "a field of {width} bytes is too small for {value}");
    if width == bytes.len() && bytes.first().is_some_and(|first| *first != 0) {
        bail!("{value} is too large");
    }
    let mut field = vec![0; width - bytes.len()];
    field.extend(bytes);
    if let Some(first) = field.first_mut() {
        *first |= 0x80;
    }
    fields.extend(field);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_count_themselves() {
        assert_eq!(record(b"path", b"abc"), b"12 path=abc\n");
        let long = record(b"path", &[b'x'; 92]);
        assert_eq!(long.len(), 101 + 1);
        assert!(long.starts_with(b"102 path="));
    }

    #[test]
    fn real_tar_reads_it() {
        let file = std::env::temp_dir().join(format!("layer-tar-{}", std::process::id()));
        let entries = ["d usr", "f usr/a%20b text=x", "h usr/c to=usr/a%20b pax", "f usr/l gnu uid=3000000"];
        let args: Vec<String> =
            [file.to_str().expect("a plain name")].iter().chain(&entries).map(ToString::to_string).collect();
        run(&args).expect("written");
        let listed = crate::sh::cmd("tar").args(["-tf"]).arg(&file).output().expect("tar runs");
        std::fs::remove_file(&file).expect("removed");
        assert_eq!(String::from_utf8_lossy(&listed.stdout), "usr\nusr/a b\nusr/c\nusr/l\n");
    }
}
