//! The names of the refs that keep layers and images: any text escaped so that it is a ref name, and back.
//!
//! The escaping is that of ostree's own tools: ASCII letters and digits stand for themselves, `_` is doubled, a `/` stays
//! where it follows a letter or digit and is not the last character, `-` stays, and everything else becomes the
//! hexadecimal code point between two `_`.

use oci_image::{Digest, ImageReference};
use ostree_core::RefName;

use crate::error::ContainerError;
use crate::keys::{BLOB_REFS, IMAGE_REFS};

/// The ref that keeps the layer of this digest (the one of the stored, usually compressed bytes).
pub fn blob_ref(digest: &Digest) -> RefName {
    prefixed(BLOB_REFS, &digest.to_string()).expect("a digest has no character that escaping cannot make fit for a ref")
}

/// The ref that names the stored image `image`.
///
/// # Errors
/// [`ContainerError::RefText`] for a reference with a NUL in it, or one whose escaped form is no ref name: a `-` behind a
/// `/` is the only such case.
pub fn image_ref(image: &ImageReference) -> Result<RefName, ContainerError> {
    prefixed(IMAGE_REFS, &image.to_string())
}

/// The digest in the name of a layer's ref.
///
/// # Errors
/// [`ContainerError::RefText`] for a name with another prefix, or that was not made by [`blob_ref`].
pub fn parse_blob_ref(name: &RefName) -> Result<Digest, ContainerError> {
    let text = unprefixed(BLOB_REFS, name)?;
    text.parse().map_err(|_| bad(name.as_str(), "no layer digest"))
}

/// The image in the name of an image's ref.
///
/// # Errors
/// [`ContainerError::RefText`] for a name with another prefix, one that was not made by escaping, or one that stands for
/// no image reference.
pub fn parse_image_ref(name: &RefName) -> Result<ImageReference, ContainerError> {
    let text = unprefixed(IMAGE_REFS, name)?;
    text.parse().map_err(|_| bad(name.as_str(), "no image reference"))
}

/// Escapes `text`, which must not be empty nor hold a NUL; `None` then.
pub fn escape(text: &str) -> Option<String> {
    if text.is_empty() || text.contains('\0') {
        return None;
    }
    let mut out = String::with_capacity(text.len() * 2);
    let mut follows_alphanumeric = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '/' if follows_alphanumeric && characters.peek().is_some() => out.push('/'),
            '-' => out.push('-'),
            '_' => out.push_str("__"),
            plain if plain.is_ascii_alphanumeric() => out.push(plain),
            other => out.push_str(&format!("_{:02X}_", u32::from(other))),
        }
        follows_alphanumeric = character.is_ascii_alphanumeric();
    }
    Some(out)
}

/// Undoes [`escape`]; `None` for a text it does not write.
pub fn unescape(escaped: &str) -> Option<String> {
    let mut out = String::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some(character) = rest.chars().next() {
        let after = rest.get(character.len_utf8()..)?;
        rest = match character {
            '_' => {
                let (code, after) = after.split_once('_')?;
                out.push(decode(code)?);
                after
            }
            '-' | '/' => {
                out.push(character);
                after
            }
            plain if plain.is_ascii_alphanumeric() => {
                out.push(plain);
                after
            }
            _ => return None,
        };
    }
    (!out.is_empty()).then_some(out)
}

/// The character between two `_`: none stands for `_` itself.
fn decode(code: &str) -> Option<char> {
    if code.is_empty() {
        return Some('_');
    }
    if !code.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    char::from_u32(u32::from_str_radix(code, 16).ok()?).filter(|character| *character != '\0')
}

fn prefixed(prefix: &str, text: &str) -> Result<RefName, ContainerError> {
    let escaped = escape(text).ok_or_else(|| bad(text, "empty, or a NUL in it"))?;
    RefName::new(format!("{prefix}/{escaped}")).map_err(|_| bad(text, "a part of it begins with '-'"))
}

fn unprefixed(prefix: &str, name: &RefName) -> Result<String, ContainerError> {
    let escaped = name.as_str().strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/'));
    let text = escaped.and_then(unescape);
    text.ok_or_else(|| bad(name.as_str(), "not in escaped form"))
}

fn bad(text: &str, reason: &'static str) -> ContainerError {
    ContainerError::RefText { text: text.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_vectors() {
        let vectors = [
            ("registry:quay.io/coreos/fedora:latest", "registry_3A_quay_2E_io/coreos/fedora_3A_latest"),
            ("docker://quay.io/x", "docker_3A__2F__2F_quay_2E_io/x"),
            ("oci:/tmp/oext/o1", "oci_3A__2F_tmp/oext/o1"),
            ("sha256:12", "sha256_3A_12"),
            ("//", "_2F__2F_"),
            ("a/", "a_2F_"),
            ("a-/b_c", "a-_2F_b__c"),
            ("\u{1f600}é", "_1F600__E9_"),
        ];
        for (text, escaped) in vectors {
            assert_eq!(escape(text).as_deref(), Some(escaped));
            assert_eq!(unescape(escaped).as_deref(), Some(text));
        }
        assert_eq!((escape(""), escape("a\0b")), (None, None));
        for bad in ["", "_", "_zz_", "_00_", "_D800_", "_+41_", "a.b", "é", "_41"] {
            assert_eq!(unescape(bad), None, "{bad}");
        }
    }

    #[test]
    fn names_of_both_kinds() {
        let digest = Digest::sha256(b"x");
        let name = blob_ref(&digest);
        assert!(name.as_str().starts_with("ostree/container/blob/sha256_3A_2d711642"), "{name}");
        assert_eq!(parse_blob_ref(&name).unwrap(), digest);
        assert!(parse_image_ref(&name).is_err());
        let sha512: Digest = format!("sha512:{}", "0f".repeat(64)).parse().unwrap();
        assert_eq!(parse_blob_ref(&blob_ref(&sha512)).unwrap(), sha512);
        let image: ImageReference = "registry:registry.example.com/os:latest".parse().unwrap();
        let name = image_ref(&image).unwrap();
        assert_eq!(name.as_str(), "ostree/container/image/docker_3A__2F__2F_registry_2E_example_2E_com/os_3A_latest");
        assert_eq!(parse_image_ref(&name).unwrap(), image);
        assert!(image_ref(&"oci:a/-b".parse().unwrap()).is_err());
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in "[a-z0-9/_.:@\\PC-]{1,40}") {
            let escaped = escape(&text).unwrap();
            prop_assert_eq!(unescape(&escaped), Some(text));
        }

        #[test]
        fn every_reference_comes_back(name in "[a-z0-9/_.:@é-]{1,40}") {
            let image = ImageReference { transport: oci_image::Transport::OciDir, name };
            if let Ok(name) = image_ref(&image) {
                prop_assert_eq!(parse_image_ref(&name).unwrap(), image);
            }
        }

        #[test]
        fn unescaping_never_panics(text: String) {
            let _ = unescape(&text);
        }
    }
}
