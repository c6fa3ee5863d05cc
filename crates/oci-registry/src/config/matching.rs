//! Which names a prefix of `registries.conf` stands for, and what takes its place in them.

/// Up to where `prefix` covers `name` (`host[:port]/repository[:tag][@digest]`), in bytes; `None` when it does not.
///
/// A prefix ends where a component of the name ends; `*.` stands for any number of subdomains. A host without a port covers
/// that host with any port too, as the original has it.
pub(super) fn covered(name: &str, prefix: &str) -> Option<usize> {
    let end = match prefix.strip_prefix('*') {
        Some(domain) => {
            let start = name.find(domain)?;
            if name.get(..start)?.contains('/') {
                return None;
            }
            start + domain.len()
        }
        None if name.starts_with(prefix) => prefix.len(),
        None => return None,
    };
    matches!(name.as_bytes().get(end), None | Some(b':' | b'/' | b'@')).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::covered;

    #[test]
    fn prefixes_end_with_components() {
        let name = "h.example:5000/a/b:t";
        for (prefix, expected) in [
            ("h.example:5000/a/b:t", Some(20)),
            ("h.example:5000/a/b", Some(18)),
            ("h.example:5000/a", Some(16)),
            ("h.example:5000", Some(14)),
            ("h.example", Some(9)),
            ("h.exam", None),
            ("h.example:5", None),
            ("h.example:5000/a/", None),
            ("h.example:5000/a/b:tt", None),
        ] {
            assert_eq!(covered(name, prefix), expected, "{prefix}");
        }
    }

    #[test]
    fn a_star_stands_for_subdomains_only() {
        assert_eq!(covered("a.example.com/x", "*.example.com"), Some(13));
        assert_eq!(covered("a.b.example.com:5000/x", "*.example.com"), Some(15));
        assert_eq!(covered("example.com/x", "*.example.com"), None);
        assert_eq!(covered("h/a.example.com/x", "*.example.com"), None);
        assert_eq!(covered("a.example.community/x", "*.example.com"), None);
    }
}
