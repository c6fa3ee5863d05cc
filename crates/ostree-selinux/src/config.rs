//! Which policy a tree has: `etc/selinux/config`, read as libostree's `ostree_sepolicy_new` reads it.

use crate::error::SelinuxError;

/// The name of the policy that is in force, `None` if there is none: only `SELINUX=enforcing` and `SELINUX=permissive`
/// enable one, wherever in the file they stand. `file` is the name for messages.
pub fn policy_name(file: &str, text: &[u8]) -> Result<Option<String>, SelinuxError> {
    let refuse = |reason: &str| SelinuxError::Config { file: file.to_owned(), reason: reason.to_owned() };
    let text = std::str::from_utf8(text).map_err(|_| refuse("not UTF-8"))?;
    let (mut name, mut enabled) = (None, false);
    for line in text.split('\n') {
        if let Some(value) = line.strip_prefix("SELINUXTYPE=") {
            name = Some(value.trim());
        } else if let Some(value) = line.strip_prefix("SELINUX=") {
            enabled |= ["enforcing", "permissive"].iter().any(|word| starts_with_ignoring_case(value, word));
        }
    }
    match name {
        _ if !enabled => Ok(None),
        Some(name) if !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0']) => {
            Ok(Some(name.to_owned()))
        }
        Some(_) => Err(refuse("SELINUXTYPE is not the name of a directory")),
        None => Err(refuse("SELinux is enabled, but there is no SELINUXTYPE")),
    }
}

fn starts_with_ignoring_case(text: &str, word: &str) -> bool {
    text.as_bytes().get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_enforcing_and_permissive_enable() {
        let name = |text: &str| policy_name("config", text.as_bytes()).unwrap();
        assert_eq!(name("SELINUX=enforcing\nSELINUXTYPE= targeted \r\n").as_deref(), Some("targeted"));
        assert_eq!(name("SELINUXTYPE=a\nSELINUX=Permissive-ish\nSELINUXTYPE=b").as_deref(), Some("b"));
        assert_eq!(name("SELINUX=permissive\nSELINUX=disabled\nSELINUXTYPE=b").as_deref(), Some("b"));
        assert_eq!(name("SELINUX=disabled\nSELINUXTYPE=targeted"), None);
        assert_eq!(name("# SELINUX=enforcing\n SELINUX=enforcing\nSELINUXTYPE=targeted"), None);
        assert_eq!(name(""), None);
    }

    #[test]
    fn names_that_lead_astray() {
        for name in ["", "..", ".", "a/b", "/etc"] {
            assert!(
                policy_name("config", format!("SELINUX=enforcing\nSELINUXTYPE={name}").as_bytes()).is_err(),
                "{name}"
            );
        }
        assert!(policy_name("config", b"SELINUX=enforcing\n").is_err());
        assert!(policy_name("config", b"SELINUX=enforcing\nSELINUXTYPE=\xff\n").is_err());
    }
}
