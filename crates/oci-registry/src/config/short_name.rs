//! Names of images without a registry, and the full names they may stand for.

use std::collections::BTreeMap;

use oci_image::named::names_host;

use crate::name::ImageName;

/// The full names a short `name` may stand for, in the order in which they are to be tried.
pub(super) fn full_names(
    name: &str,
    aliases: &BTreeMap<String, String>,
    searched: &[String],
    enforcing: bool,
) -> Result<Vec<String>, String> {
    let bare = name.split('@').next().unwrap_or(name);
    let bare = bare.rsplit_once(':').map_or(bare, |(bare, _)| bare);
    let rest = name.get(bare.len()..).unwrap_or_default();
    if let Some(value) = aliases.get(bare) {
        return Ok(vec![format!("{value}{rest}")]);
    }
    match searched {
        [] => Err("it names no registry, is no alias, and there are no unqualified-search-registries".to_owned()),
        [_, _, ..] if enforcing => {
            let all = searched.join(", ");
            Err(format!("it names no registry and could be on any of {all}; short-name-mode is enforcing"))
        }
        all => Ok(all.iter().map(|host| full(&format!("{host}/{name}"))).collect()),
    }
}

/// What has no host even now, because the one that is searched has neither dot nor port, is on the hub, as everywhere.
fn full(name: &str) -> String {
    if names_host(name) { name.to_owned() } else { format!("docker.io/{name}") }
}

/// Refuses an alias that is none: a short name without tag and digest, for a full name without them.
pub(super) fn check_alias(name: &str, value: &str) -> Result<(), String> {
    let plain = |text: &str| {
        let last = text.rsplit('/').next().unwrap_or(text);
        !last.contains([':', '@']) && ImageName::parse(text).is_ok()
    };
    if names_host(name) || !plain(name) {
        return Err(format!("alias {name:?} is no short name without tag and digest"));
    }
    if value.is_empty() || (names_host(value) && plain(value)) {
        return Ok(());
    }
    Err(format!("alias {name:?}: {value:?} is no full name without tag and digest"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_come_first_and_keep_tag_and_digest() {
        let aliases = BTreeMap::from([("a/b".to_owned(), "h.example/x".to_owned())]);
        let searched = ["s.example".to_owned(), "t.example:5000".to_owned()];
        let names = |name: &str| full_names(name, &aliases, &searched, false).unwrap();
        assert_eq!(names("a/b"), ["h.example/x"]);
        assert_eq!(names("a/b:t@sha256:0"), ["h.example/x:t@sha256:0"]);
        assert_eq!(names("b:t"), ["s.example/b:t", "t.example:5000/b:t"]);
        assert_eq!(full_names("b", &aliases, &["s".to_owned()], false).unwrap(), ["docker.io/s/b"]);
        assert!(full_names("b", &aliases, &searched, true).unwrap_err().contains("enforcing"));
        assert_eq!(full_names("b", &aliases, &searched[..1], true).unwrap(), ["s.example/b"]);
        assert!(full_names("b", &aliases, &[], false).is_err());
    }
}
