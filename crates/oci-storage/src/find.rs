//! Which image a name means, among those of a storage and of the further ones it was given.

use oci_image::{Digest, Named, named};

use crate::error::StorageError;
use crate::records::ImageRecord;

/// How many characters of an identifier must be given to be taken for one.
const SHORTEST_ID: usize = 3;

/// An image, and the number of the storage that has it.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) store: usize,
    pub(crate) image: ImageRecord,
}

/// How an image was found.
#[derive(Debug)]
pub(crate) struct Match<'a> {
    pub(crate) found: &'a Found,
    /// The full name by which it was found, which may have the digest of the manifest that is asked for.
    pub(crate) named: Option<Named>,
}

/// The image that `text` names. `images` come storage by storage, the first first. A name is searched as it is; completed,
/// as the storage keeps names; and then as one that was built here. An identifier stands alone or behind an `@`.
pub(crate) fn find<'a>(text: &str, images: &'a [Found], place: &str) -> Result<Match<'a>, StorageError> {
    let absent = || StorageError::NoImage { name: text.to_owned(), place: place.to_owned() };
    let refuse = |reason: String| StorageError::Reference { reference: text.to_owned(), reason };
    let (name, id) = match text.rsplit_once('@') {
        Some((_, "")) => return Err(refuse("nothing behind the '@'".to_owned())),
        Some((_, digest)) if digest.parse::<Digest>().is_ok() => (text, None),
        Some((name, id)) => (name, Some(by_id(images, id).ok_or_else(absent)?)),
        None => (text, None),
    };
    if id.is_none()
        && text.len() >= SHORTEST_ID
        && !text.contains(['@', ':'])
        && let Some(found) = by_id(images, text)
    {
        return Ok(Match { found, named: None });
    }
    if name.is_empty() {
        return id.map(|found| Match { found, named: None }).ok_or_else(absent);
    }
    let named = Named::parse(name).map_err(|error| refuse(error.reason))?.or_latest();
    let local = built_here(name);
    let mut candidates = [Some(named), local].into_iter().flatten();
    let found = candidates.find_map(|named| match id {
        Some(found) => in_repository(&found.image, &named).then_some((found, named)),
        None => by_name(images, &named).map(|found| (found, named)),
    });
    let (found, named) = found.ok_or_else(absent)?;
    Ok(Match { found, named: Some(named) })
}

/// The image with the identifier, or the only one whose identifier begins so; in the first storage that has one.
fn by_id<'a>(images: &'a [Found], id: &str) -> Option<&'a Found> {
    if id.len() < SHORTEST_ID || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    images.chunk_by(|a, b| a.store == b.store).find_map(|images| {
        let mut begin_so = images.iter().filter(|found| found.image.id.as_str().starts_with(id));
        let exact = images.iter().find(|found| found.image.id.as_str() == id);
        exact.or_else(|| begin_so.next().filter(|_| begin_so.next().is_none()))
    })
}

/// What podman would call an image that was built here, if the name was given without a registry.
fn built_here(name: &str) -> Option<Named> {
    let local = (!named::names_host(name)).then(|| format!("localhost/{name}"))?;
    Named::parse(&local).ok().map(Named::or_latest)
}

/// The image with exactly this name, else one of the same repository with the manifest whose digest the name gives.
fn by_name<'a>(images: &'a [Found], named: &Named) -> Option<&'a Found> {
    let full = named.to_string();
    let exact = images.iter().find(|found| found.image.names().contains(&full));
    exact.or_else(|| {
        let digest = named.digest()?.to_string();
        images.iter().find(|found| found.image.has_manifest(&digest) && in_repository(&found.image, named))
    })
}

fn in_repository(image: &ImageRecord, named: &Named) -> bool {
    image.names().iter().any(|name| Named::parse(name).is_ok_and(|name| name.name() == named.name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::parse_images;

    fn images() -> Vec<Found> {
        let digest = Digest::sha256(b"m");
        let first = format!(
            r#"[{{"id":"aaaa1","names":["docker.io/library/x:latest"]}},{{"id":"aaaa2","names":["localhost/x:latest",
            "localhost/y:1"],"digest":"{digest}"}},{{"id":"bbbb","names":["q.io/z:latest"]}}]"#
        );
        let second = r#"[{"id":"aaaa3","names":["localhost/only:latest"]},{"id":"cccc","names":null}]"#;
        let lists = [first.as_bytes(), second.as_bytes()].map(|list| parse_images(list).unwrap());
        let of = |(store, list): (usize, Vec<ImageRecord>)| list.into_iter().map(move |image| Found { store, image });
        lists.into_iter().enumerate().flat_map(of).collect()
    }

    fn id(text: &str) -> Option<String> {
        find(text, &images(), "here").ok().map(|matched| matched.found.image.id.as_str().to_owned())
    }

    #[test]
    fn names_and_identifiers() {
        let digest = Digest::sha256(b"m");
        let other = Digest::sha256(b"o");
        let cases = [
            ("x", Some("aaaa1")),
            ("localhost/x", Some("aaaa2")),
            ("y:1", Some("aaaa2")),
            ("y", None),
            ("only", Some("aaaa3")),
            ("q.io/z", Some("bbbb")),
            ("@bbbb", Some("bbbb")),
            ("@bbb", Some("bbbb")),
            ("bbb", Some("bbbb")),
            ("bb", None),
            // Two begin so in the first storage, and one in the second.
            ("aaaa", Some("aaaa3")),
            ("aaaa2", Some("aaaa2")),
            ("@cccc", Some("cccc")),
            ("q.io/z@bbbb", Some("bbbb")),
            ("q.io/w@bbbb", None),
            ("y@aaaa2", Some("aaaa2")),
            ("@dddd", None),
            ("x@", None),
            ("", None),
            (&format!("localhost/x@{digest}"), Some("aaaa2")),
            (&format!("localhost/x:2@{digest}"), Some("aaaa2")),
            (&format!("x@{digest}"), Some("aaaa2")),
            (&format!("localhost/w@{digest}"), None),
            (&format!("localhost/x@{other}"), None),
        ];
        for (text, expected) in cases {
            assert_eq!(id(text).as_deref(), expected, "{text}");
        }
        let images = images();
        let by_digest = find(&format!("x@{digest}"), &images, "here").unwrap();
        assert_eq!(by_digest.named.unwrap().digest(), Some(&digest));
        for (text, named) in [
            ("x", Some("docker.io/library/x:latest")),
            ("y:1", Some("localhost/y:1")),
            ("y@aaaa2", Some("localhost/y:latest")),
            ("aaaa2", None),
            ("@bbb", None),
        ] {
            let matched = find(text, &images, "here").unwrap();
            assert_eq!(matched.named.map(|name| name.to_string()).as_deref(), named, "{text}");
        }
        let local = |text: &str| built_here(text).map(|name| name.to_string());
        assert_eq!(local("x"), Some("localhost/x:latest".into()));
        assert_eq!(local("a/b:1"), Some("localhost/a/b:1".into()));
        assert_eq!([local("localhost/x"), local("h:5000/x")], [None, None]);
        assert!(find("nothing", &images, "here").unwrap_err().to_string().contains("\"nothing\" not found in here"));
    }
}
