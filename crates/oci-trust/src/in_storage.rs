//! Images in container storages: where they are, what they are called there, and which rules may be written for them.

use crate::error::TrustError;
use oci_image::Named;

/// The storage that has an image, and the image's name in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InStorage {
    /// The storage's driver.
    pub driver: String,
    /// Its graph root, an absolute path.
    pub root: String,
    /// The image's full name, with a tag or a digest, if it was asked for by name.
    pub name: Option<String>,
    /// The image's whole identifier, whichever way it was asked for.
    pub id: String,
}

impl InStorage {
    /// The image's name, which signatures vouch for.
    ///
    /// # Errors
    /// [`TrustError::Name`].
    pub(crate) fn named(&self) -> Result<Option<Named>, TrustError> {
        Ok(self.name.as_deref().map(|name| Named::parse(name).map(Named::or_latest)).transpose()?)
    }

    /// The scopes that a rule for it may be written for, the most precise first: the image itself, the image without its
    /// identifier, its name without its digest, its parents, the storage with its driver, and whatever has this graph root.
    pub(crate) fn scopes(&self, name: Option<&Named>) -> Vec<String> {
        let store = format!("[{}@{}]", self.driver, self.root);
        let mut scopes = Vec::new();
        match name {
            Some(name) => scopes.extend([format!("{store}{name}@{}", self.id), format!("{store}{name}")]),
            None => scopes.push(format!("{store}@{}", self.id)),
        }
        if let Some(name) = name {
            if let (Some(_), Some(_)) = (name.tag(), name.digest()) {
                scopes.push(format!("{store}{}", name.without_digest()));
            }
            let whole = name.name();
            let parents = std::iter::successors(Some(whole.as_str()), |name| Some(name.rsplit_once('/')?.0));
            scopes.extend(parents.map(|parent| format!("{store}{parent}")));
        }
        scopes.extend([store, format!("[{}]", self.root)]);
        scopes
    }
}

/// Why a scope can be none of a storage's: `[[DRIVER@]GRAPHROOT]`, and behind it nothing, or a name and identifiers of an
/// image.
pub(crate) fn scope_problem(scope: &str) -> Option<&'static str> {
    let Some((store, image)) = scope.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
        return Some("unknown key: a scope must begin with the storage, [DRIVER@GRAPHROOT] or [GRAPHROOT]");
    };
    let root = match store.split_once('@') {
        Some(("", _)) => return Some("unknown key: no driver before the '@'"),
        Some((_, root)) => root,
        None => store,
    };
    if !root.starts_with('/') {
        return Some("unknown key: the graph root must be an absolute path");
    }
    let is_id = |text: &str| text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_digest = |text: &str| text.parse::<oci_image::Digest>().is_ok();
    let parts: Vec<&str> = image.splitn(3, '@').skip(1).collect();
    match parts.as_slice() {
        [] => None,
        [one] if is_id(one) || is_digest(one) => None,
        [digest, id] if is_digest(digest) && is_id(id) => None,
        _ => Some("unknown key: what is behind the '@' is neither an identifier nor a digest"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(name: Option<&str>) -> Vec<String> {
        let name = name.map(str::to_owned);
        let place = InStorage { driver: "vfs".into(), root: "/g".into(), name, id: "abc".into() };
        place.scopes(place.named().unwrap().as_ref())
    }

    #[test]
    fn scopes_from_precise_to_general() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        let ends = ["[vfs@/g]h.example/p", "[vfs@/g]h.example", "[vfs@/g]", "[/g]"];
        let with = |first: &[&str]| first.iter().chain(&ends).map(|scope| (*scope).to_owned()).collect::<Vec<_>>();
        let first = ["[vfs@/g]h.example/p:1@abc", "[vfs@/g]h.example/p:1"];
        assert_eq!(scopes(Some("h.example/p:1")), with(&first));
        let both = format!("[vfs@/g]h.example/p:1@{digest}");
        assert_eq!(scopes(Some(&both[8..])), with(&[&format!("{both}@abc"), &both, "[vfs@/g]h.example/p:1"]));
        let only = format!("[vfs@/g]h.example/p@{digest}");
        assert_eq!(scopes(Some(&only[8..])), with(&[&format!("{only}@abc"), &only]));
        assert_eq!(scopes(None), ["[vfs@/g]@abc", "[vfs@/g]", "[/g]"]);
    }

    #[test]
    fn scopes_of_policies_name_a_storage() {
        let id = "0a".repeat(32);
        let image = format!("[vfs@/g]x:1@sha256:{id}@{id}");
        for good in ["[/g]", "[vfs@/g]", "[vfs@/g+/r]x", "[vfs@/g]h/x:1", &format!("[/g]@{id}"), &image] {
            assert_eq!(scope_problem(good), None, "{good}");
        }
        let image = format!("[vfs@/g]x@{id}@{id}");
        for bad in ["localhost/x:1", "[]", "[g]", "[@/g]", "[vfs@]", "[/g", "[/g]x@abc", &image] {
            assert!(scope_problem(bad).is_some(), "{bad}");
        }
    }
}
