//! PEM: what stands between BEGIN and END.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// One block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) label: String,
    pub(crate) content: Vec<u8>,
}

/// All blocks of a text, in their order; what stands around them is nobody's concern.
pub(crate) fn blocks(text: &[u8]) -> Result<Vec<Block>, String> {
    let text = std::str::from_utf8(text).map_err(|_| "not a text".to_owned())?;
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines().map(str::trim_end) {
        let mark = |word: &str| {
            let label = line.strip_prefix("-----")?.strip_suffix("-----")?.strip_prefix(word)?.strip_prefix(' ')?;
            Some(label.to_owned())
        };
        match (&mut open, mark("BEGIN"), mark("END")) {
            (None, Some(label), _) => open = Some((label, String::new())),
            (Some((label, body)), None, Some(end)) if *label == end => {
                let content = STANDARD.decode(&*body).map_err(|error| format!("{label}: not base64: {error}"))?;
                blocks.push(Block { label: end, content });
                open = None;
            }
            (Some((label, _)), Some(_), _) | (Some((label, _)), _, Some(_)) => {
                return Err(format!("{label}: never ends"));
            }
            (Some((_, body)), None, None) => body.push_str(line.trim_start()),
            (None, None, _) => {}
        }
    }
    match open {
        Some((label, _)) => Err(format!("{label}: never ends")),
        None => Ok(blocks),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_in_order() {
        let text = b"x\n-----BEGIN A B-----\nYW\r\nI=\n-----END A B-----\ny\n-----BEGIN C-----\n-----END C-----\n";
        let found = blocks(text).unwrap();
        assert_eq!(
            found,
            [Block { label: "A B".into(), content: b"ab".to_vec() }, Block { label: "C".into(), content: vec![] }]
        );
        for bad in
            ["-----BEGIN A-----\n", "-----BEGIN A-----\n-----END B-----\n", "-----BEGIN A-----\n?\n-----END A-----\n"]
        {
            assert!(blocks(bad.as_bytes()).is_err(), "{bad}");
        }
        assert_eq!(blocks(b"").unwrap(), []);
    }
}
