//! Arguments that several commands share.

use std::str::FromStr;

/// A `KEY=VALUE` argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyValue {
    /// What stands before the first `=`.
    pub key: String,
    /// What stands after it.
    pub value: String,
}

impl FromStr for KeyValue {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) => Ok(Self { key: key.to_owned(), value: value.to_owned() }),
            None => Err(format!("Missing '=' in KEY=VALUE argument {text}")),
        }
    }
}

/// A yes or no, in any of the words that `ostree` takes.
pub fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "1" | "true" | "yes" => Ok(true),
        "0" | "false" | "no" | "none" => Ok(false),
        _ => Err(format!("Invalid boolean argument '{text}'")),
    }
}

/// A number of bytes, with the suffixes K, M and G of 1024.
pub fn byte_count(text: &str) -> Result<u64, String> {
    let (digits, factor) = match text.char_indices().next_back() {
        Some((at, 'k' | 'K')) => (text.get(..at), 1 << 10),
        Some((at, 'm' | 'M')) => (text.get(..at), 1 << 20),
        Some((at, 'g' | 'G')) => (text.get(..at), 1 << 30),
        _ => (Some(text), 1),
    };
    let number = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let number = number.and_then(|digits| digits.parse::<u64>().ok()?.checked_mul(factor));
    number.ok_or_else(|| "must be a number of bytes, as in 1048576, 1024K or 1M".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_with_and_without_a_suffix() {
        assert_eq!(["0", "7", "2k", "3M", "1G"].map(|t| byte_count(t).unwrap()), [0, 7, 2048, 3 << 20, 1 << 30]);
        for text in ["", "K", "-1", "1.5M", "1T", "99999999999999G"] {
            assert!(byte_count(text).is_err(), "{text}");
        }
    }
}
