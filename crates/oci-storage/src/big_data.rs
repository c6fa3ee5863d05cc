//! How the storage names the files of what it keeps with an image.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The file for the key: lower-case letters, digits and dots stand for themselves, any other key is written in base 64 behind
/// an equals sign. `None` where that is no name of a file.
pub(crate) fn file_name(key: &str) -> Option<String> {
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.');
    let name = match key.bytes().all(plain) {
        true => key.to_owned(),
        false => format!("={}", STANDARD.encode(key)),
    };
    (!name.contains('/') && !matches!(name.as_str(), "" | "." | "..")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_names() {
        assert_eq!(file_name("manifest").unwrap(), "manifest");
        assert_eq!(file_name("manifest-sha256:61").unwrap(), "=bWFuaWZlc3Qtc2hhMjU2OjYx");
        for bad in ["", ".", "..", "\u{3f}\u{3f}\u{3f}"] {
            assert_eq!(file_name(bad), None, "{bad}");
        }
    }
}
