//! What an ELF file's program headers say about how it is loaded.

use std::path::Path;

use anyhow::{Context, Result, ensure};

const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const DT_NEEDED: u64 = 1;

/// How a program is loaded.
#[derive(Debug, PartialEq, Eq)]
pub struct Facts {
    /// The loader it asks for: a static program asks for none.
    pub interpreter: Option<String>,
    /// Whether it names shared libraries.
    pub has_needed: bool,
}

/// Reads the facts of the program `file`, a 64-bit little-endian ELF.
///
/// # Errors
/// It cannot be read or is no such file.
pub fn read(file: &Path) -> Result<Facts> {
    let bytes = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
    facts(&bytes).with_context(|| format!("{} as an ELF program", file.display()))
}

fn facts(bytes: &[u8]) -> Result<Facts> {
    ensure!(bytes.starts_with(b"\x7fELF\x02\x01"), "not a 64-bit little-endian ELF file");
    let table = number(bytes, 0x20, 8)?;
    let (entry_size, entries) = (number(bytes, 0x36, 2)?, number(bytes, 0x38, 2)?);
    let mut facts = Facts { interpreter: None, has_needed: false };
    for index in 0..entries {
        let header = table + index * entry_size;
        let kind = number(bytes, header, 4)? as u32;
        let (start, length) = (number(bytes, header + 8, 8)?, number(bytes, header + 32, 8)?);
        match kind {
            PT_INTERP => {
                let name = part(bytes, start, length)?;
                facts.interpreter = Some(String::from_utf8_lossy(name).trim_end_matches('\0').to_owned());
            }
            PT_DYNAMIC => facts.has_needed = needs_libraries(part(bytes, start, length)?)?,
            _ => {}
        }
    }
    Ok(facts)
}

fn needs_libraries(dynamic: &[u8]) -> Result<bool> {
    for entry in 0..dynamic.len() / 16 {
        if number(dynamic, entry as u64 * 16, 8)? == DT_NEEDED {
            return Ok(true);
        }
    }
    Ok(false)
}

fn number(bytes: &[u8], at: u64, width: u64) -> Result<u64> {
    Ok(part(bytes, at, width)?.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

fn part(bytes: &[u8], at: u64, length: u64) -> Result<&[u8]> {
    let end = at.checked_add(length).context("a header points past the file's end")?;
    bytes.get(usize::try_from(at)?..usize::try_from(end)?).context("a header points past the file's end")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program with one header of `kind` whose contents are `contents`.
    fn program(kind: u32, contents: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x7fELF\x02\x01".to_vec();
        bytes.resize(0x40, 0);
        bytes[0x20] = 0x40;
        bytes[0x36] = 56;
        bytes[0x38] = 1;
        bytes.extend(kind.to_le_bytes());
        bytes.resize(0x40 + 56, 0);
        bytes[0x48] = 0x78;
        bytes[0x60] = contents.len() as u8;
        bytes.extend(contents);
        bytes
    }

    #[test]
    fn a_loader_and_a_library_are_noticed() {
        let interpreted = facts(&program(PT_INTERP, b"/lib/ld.so\0")).unwrap();
        assert_eq!(interpreted.interpreter.as_deref(), Some("/lib/ld.so"));
        assert!(facts(&program(PT_DYNAMIC, &[1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0])).unwrap().has_needed);
        assert_eq!(facts(&program(1, b"x")).unwrap(), Facts { interpreter: None, has_needed: false });
    }

    #[test]
    fn what_is_no_program_is_refused() {
        assert!(facts(b"#!/bin/sh").is_err());
        assert!(facts(&program(PT_INTERP, b"x")[..100]).is_err());
    }

    #[test]
    fn this_very_test_is_seen_as_what_it_is() {
        let facts = read(&std::env::current_exe().unwrap()).unwrap();
        assert_eq!(facts.interpreter.is_some(), !cfg!(target_feature = "crt-static"));
    }
}
