//! Which names a prefix of `registries.conf` stands for, and what takes its place in them.

use crate::name::ImageName;

/// The ways in which an image's name may be matched: as it is, and without its tag where it has a digest too. The digest
/// alone says which image it is, and no tag may lead around what is said about it.
pub(super) struct Forms(Vec<String>);

impl Forms {
    /// The forms of a name.
    pub(super) fn of(name: &ImageName) -> Self {
        Self([Some(name.whole()), name.without_tag()].into_iter().flatten().collect())
    }

    /// What of the name stands behind `prefix`, in the first of its forms that the prefix covers; `None` when there is none.
    pub(super) fn rest(&self, prefix: &str) -> Option<&str> {
        self.0.iter().find_map(|form| form.get(covered(form, prefix)?..))
    }
}

/// Up to where `prefix` covers `name` (`host[:port]/repository[:tag][@digest]`), in bytes; `None` when it does not.
///
/// A prefix ends where a component of the name ends; `*.` stands for any number of subdomains. A host without a port covers
/// that host with any port too, as the original has it.
fn covered(name: &str, prefix: &str) -> Option<usize> {
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
    use super::*;
    use oci_image::Digest;

    #[test]
    fn a_digest_is_matched_whatever_tag_stands_before_it() {
        let digest = Digest::sha256(b"");
        let rest = |name: &str, prefix: &str| {
            let forms = Forms::of(&ImageName::parse(name).unwrap());
            forms.rest(prefix).map(str::to_owned)
        };
        let both = format!("h.example/a:t@{digest}");
        assert_eq!(rest(&both, "h.example/a"), Some(format!(":t@{digest}")));
        assert_eq!(rest(&both, "h.example/a:t"), Some(format!("@{digest}")));
        assert_eq!(rest(&both, &format!("h.example/a@{digest}")), Some(String::new()));
        assert_eq!(rest(&both, &both), Some(String::new()));
        assert_eq!(rest(&both, "h.example/a@sha256"), Some(format!(":{}", digest.hex())));
        assert_eq!(rest(&format!("h.example/a@{digest}"), "h.example/a:t"), None);
        assert_eq!(rest("h.example/a:t", &format!("h.example/a@{digest}")), None);
    }

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
