//! Certificates out of files: binary ones, armored ones, and GnuPG's keyboxes.

use sequoia_openpgp::Cert;
use sequoia_openpgp::cert::CertParser;
use sequoia_openpgp::parse::Parse;

use crate::error::SignError;
use crate::limits::MAX_KEY_FILE;
use crate::openpgp::keybox;

const ARMOR_BEGIN: &[u8] = b"-----BEGIN PGP ";
const ARMOR_END: &[u8] = b"-----END PGP ";

/// All certificates of a file, with their secret parts if there are any. What is no certificate that is understood is left
/// out, unless nothing remains; a file without anything in it has none.
pub(super) fn parse(what: &str, bytes: &[u8]) -> Result<Vec<Cert>, SignError> {
    if bytes.len() as u64 > MAX_KEY_FILE {
        return Err(SignError::TooLarge { what: what.to_owned(), limit: MAX_KEY_FILE });
    }
    let mut certs = Vec::new();
    let mut problem = None;
    let mut read = |block: &[u8]| match CertParser::from_bytes(block) {
        Ok(parser) => parser.for_each(|cert| match cert {
            Ok(cert) => certs.push(cert),
            Err(why) => problem = Some(why.to_string()),
        }),
        Err(why) => problem = Some(why.to_string()),
    };
    if keybox::is_keybox(bytes) {
        keybox::blocks(what, bytes)?.into_iter().for_each(&mut read);
    } else if find(bytes, ARMOR_BEGIN).is_some() {
        armored(bytes).into_iter().for_each(&mut read);
    } else if !bytes.is_empty() {
        read(bytes);
    }
    match problem {
        Some(reason) if certs.is_empty() => Err(SignError::malformed(what, format!("no OpenPGP keys: {reason}"))),
        _ => Ok(certs),
    }
}

/// The armored blocks of a text, each whole.
fn armored(bytes: &[u8]) -> Vec<&[u8]> {
    let mut blocks = Vec::new();
    let mut rest = bytes;
    while let Some(start) = find(rest, ARMOR_BEGIN) {
        rest = rest.get(start..).unwrap_or_default();
        let end = find(rest, ARMOR_END).map_or(rest.len(), |at| line_end(rest, at));
        let (block, after) = rest.split_at(end);
        blocks.push(block);
        rest = after;
    }
    blocks
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    let line = bytes.get(from..).unwrap_or_default();
    line.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| from + at + 1)
}

/// Where `part` begins in `whole`.
fn find(whole: &[u8], part: &[u8]) -> Option<usize> {
    whole.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_in_text() {
        let text =
            b"x\n-----BEGIN PGP A-----\na\n-----END PGP A-----\nbetween\n-----BEGIN PGP B-----\nb\n-----END PGP B-----";
        let blocks = armored(text);
        assert_eq!(blocks.len(), 2);
        assert_eq!(blocks[0], b"-----BEGIN PGP A-----\na\n-----END PGP A-----\n");
        assert!(blocks[1].ends_with(b"END PGP B-----"));
        assert_eq!(armored(b"-----BEGIN PGP A"), [b"-----BEGIN PGP A"]);
    }

    #[test]
    fn what_is_no_key_is_told() {
        assert!(parse("x", b"").unwrap().is_empty());
        assert!(matches!(parse("x", b"nonsense"), Err(SignError::Malformed { .. })));
    }
}
