//! Texts with `-----BEGIN LABEL-----` blocks (RFC 7468).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::SignError;

/// The blocks of a text with their labels. What stands between them is no matter.
pub(super) fn blocks(what: &str, text: &str) -> Result<Vec<(String, Vec<u8>)>, SignError> {
    let mut blocks = Vec::new();
    let mut open: Option<(&str, String)> = None;
    for (number, line) in text.lines().enumerate() {
        let refuse = |reason: &str| SignError::malformed(format!("{what}, line {}", number + 1), reason);
        let line = line.trim();
        if let Some(label) = line.strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----")) {
            if open.is_some() {
                return Err(refuse("a block begins within another"));
            }
            open = Some((label, String::new()));
        } else if let Some(label) = line.strip_prefix("-----END ").and_then(|rest| rest.strip_suffix("-----")) {
            let (begun, body) = open.take().ok_or_else(|| refuse("a block ends that did not begin"))?;
            if begun != label {
                return Err(refuse("a block ends as another than it began"));
            }
            let bytes = STANDARD.decode(&body).map_err(|_| refuse("the block before is no base64"))?;
            blocks.push((label.to_owned(), bytes));
        } else if let Some((_, body)) = &mut open {
            body.push_str(line);
        }
    }
    match open {
        Some((label, _)) => Err(SignError::malformed(what, format!("the block {label} does not end"))),
        None => Ok(blocks),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_read() {
        let text =
            "x\n-----BEGIN A-----\nYQ==\n-----END A-----\n\n-----BEGIN B C-----\r\nYW\r\nI=\r\n-----END B C-----\r\n";
        assert_eq!(blocks("x", text).unwrap(), [("A".into(), b"a".to_vec()), ("B C".into(), b"ab".to_vec())]);
        assert!(blocks("x", "nothing").unwrap().is_empty());
        for bad in [
            "-----BEGIN A-----\nYQ==\n",
            "-----END A-----\n",
            "-----BEGIN A-----\n-----BEGIN A-----\n-----END A-----\n",
            "-----BEGIN A-----\nYQ==\n-----END B-----\n",
            "-----BEGIN A-----\n!!\n-----END A-----\n",
        ] {
            assert!(blocks("x", bad).is_err(), "{bad}");
        }
    }
}
