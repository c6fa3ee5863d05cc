//! Path substitutions: the lines of `file_contexts.subs` and `file_contexts.subs_dist`.

use std::borrow::Cow;

use crate::error::SelinuxError;
use crate::limits::MAX_SUBS;
use crate::spec::lines;

/// The substitutions of one file.
#[derive(Debug, Default)]
pub struct Subs {
    /// What is replaced, and by what; the one that is tried first comes first.
    rules: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Subs {
    /// Reads the lines `FROM TO`; one without `TO` is ignored. The last line is tried first, as in libselinux.
    pub fn parse(file: &str, text: &[u8]) -> Result<Self, SelinuxError> {
        let mut rules = Vec::new();
        for (_, fields) in lines(file, text)? {
            let [from, to, ..] = *fields.as_slice() else { continue };
            if rules.len() == MAX_SUBS {
                return Err(SelinuxError::TooLarge { what: format!("lines of {file}"), limit: MAX_SUBS });
            }
            rules.push((from.to_owned(), to.to_owned()));
        }
        rules.reverse();
        Ok(Self { rules })
    }

    /// `path` after the first rule for it, if there is one. A rule is for a path and all below it, and is applied once.
    pub fn apply(&self, path: &[u8]) -> Option<Vec<u8>> {
        self.rules.iter().find_map(|(from, to)| {
            let rest = path.strip_prefix(from.as_slice())?;
            match rest.split_first() {
                None => Some(to.clone()),
                Some((b'/', below)) if to == b"/" => Some([to, below].concat()),
                Some((b'/', _)) => Some([to, rest].concat()),
                Some(_) => None,
            }
        })
    }

    /// The rules in the order they are tried.
    pub fn rules(&self) -> &[(Vec<u8>, Vec<u8>)] {
        &self.rules
    }
}

/// `path` as it is matched: without slashes in a row and at the end, after a local substitution and one of the
/// distribution's.
pub fn normalise<'p>(path: &'p str, local: &Subs, distribution: &Subs) -> Cow<'p, [u8]> {
    let mut clean = Cow::Borrowed(path.as_bytes());
    if path.contains("//") {
        let mut bytes = path.as_bytes().to_vec();
        bytes.dedup_by(|later, first| *later == b'/' && *first == b'/');
        clean = Cow::Owned(bytes);
    }
    if clean.len() > 1 && clean.ends_with(b"/") {
        clean.to_mut().pop();
    }
    for subs in [local, distribution] {
        if let Some(changed) = subs.apply(&clean) {
            clean = Cow::Owned(changed);
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_apply_to_whole_components_and_the_last_line_wins() {
        let subs = Subs::parse("subs", b"# c\n/bin /usr/bin\n/lonely\n/x /\n/bin/y /first\n/bin/y /last\n").unwrap();
        let none = Subs::default();
        let path = |path: &str| String::from_utf8(normalise(path, &none, &subs).into_owned()).unwrap();
        assert_eq!(path("/bin"), "/usr/bin");
        assert_eq!(path("//bin///sh/"), "/usr/bin/sh");
        assert_eq!(path("/binary"), "/binary");
        assert_eq!(path("/x/a"), "/a");
        assert_eq!(path("/x"), "/");
        assert_eq!(path("/bin/y/z"), "/last/z");
        assert_eq!(path("/lonely"), "/lonely");
        assert_eq!(path("/"), "/");
        assert_eq!(path("///"), "/");
        let local = Subs::parse("subs", b"/new /bin").unwrap();
        assert_eq!(normalise("/new/a", &local, &subs), &b"/usr/bin/a"[..]);
    }
}
