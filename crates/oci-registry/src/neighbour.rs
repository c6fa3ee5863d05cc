//! Another image of a repository, for what a new tag is likely to share with it.

use oci_image::RawManifest;
use reqwest::Method;
use serde::Deserialize;

use crate::ask::Ask;
use crate::auth::Scope;
use crate::error::RegistryError;
use crate::exchange::Session;
use crate::pull::manifest_there;
use crate::{limits, problem};

/// The tag that is asked for before all others.
const NEWEST: &str = "latest";

/// How the tags of signatures and attestations begin, which are no images to be run.
const ATTACHED: [&str; 2] = ["sha256-", "sha512-"];

/// A list of tags. A registry that knows the repository and has no tags may say `null`.
#[derive(Deserialize)]
struct Tags {
    tags: Option<Vec<String>>,
}

/// The manifest of `latest`, or else of the last tag in the registry's order; `None` where there is none. It is worth one
/// try and no more.
pub(crate) async fn neighbour(session: &Session) -> Result<Option<RawManifest>, RegistryError> {
    match choose(&tags(session).await?) {
        Some(tag) => manifest_there(session, tag, None).await.map(Some),
        None => Ok(None),
    }
}

async fn tags(session: &Session) -> Result<Vec<String>, RegistryError> {
    let place = session.place("fetching", "list of tags".to_owned());
    let ask = Ask::new(Method::GET, session.endpoint().tags(), Scope::pull(session.name.repository()), &place);
    let response = session.expect(session.send(ask).await?, &[200], &place).await?;
    let bytes = problem::read_document(response, limits::MANIFEST_BYTES, &session.patience, &place).await?;
    let list: Tags =
        serde_json::from_slice(&bytes).map_err(|_| RegistryError::protocol(&place, "it is not the expected JSON"))?;
    Ok(list.tags.unwrap_or_default())
}

fn choose(tags: &[String]) -> Option<&str> {
    let attached = |tag: &&str| ATTACHED.iter().any(|start| tag.starts_with(start));
    let images = || tags.iter().map(String::as_str).filter(|tag| !attached(tag));
    images().find(|tag| *tag == NEWEST).or_else(|| images().next_back())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_by_name_is_chosen() {
        let choose = |tags: &[&str]| {
            let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
            choose(&tags).map(str::to_owned)
        };
        assert_eq!(choose(&["1", "latest", "2"]).as_deref(), Some("latest"));
        assert_eq!(choose(&["40", "41", "sha256-00.sig"]).as_deref(), Some("41"));
        assert_eq!(choose(&["sha256-00.sig"]), None);
    }
}
