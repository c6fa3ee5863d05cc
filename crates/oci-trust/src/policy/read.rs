//! The text of a policy, strictly: unknown and repeated members are errors wherever they are.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{TrustError, shown};
use crate::in_storage;
use crate::json::{At, Json, Members};
use crate::limits::POLICY_BYTES;
use crate::policy::identity_rule::IdentityRule;
use crate::policy::keys::KeyMembers;
use crate::policy::requirement::{Fulcio, Pki, Requirement, SigstoreRule, SigstoreTrust, SimpleRule};
use crate::policy::table::Policy;

const GPG_KEYS: KeyMembers = KeyMembers { path: "keyPath", paths: Some("keyPaths"), data: "keyData", datas: None };
const SIGSTORE_KEYS: KeyMembers = KeyMembers { datas: Some("keyDatas"), ..GPG_KEYS };
const REKOR_KEYS: KeyMembers = KeyMembers {
    path: "rekorPublicKeyPath",
    paths: Some("rekorPublicKeyPaths"),
    data: "rekorPublicKeyData",
    datas: Some("rekorPublicKeyDatas"),
};
const CA: KeyMembers = KeyMembers { path: "caPath", paths: None, data: "caData", datas: None };

/// Kinds of keys that a policy may name. Only the first can be checked.
const KEY_TYPES: [&str; 4] = ["GPGKeys", "signedByGPGKeys", "X509Certificates", "signedByX509CAs"];

impl Policy {
    /// Reads a policy's text; `path` is for messages.
    ///
    /// # Errors
    /// [`TrustError::BadFile`] with the member that is unknown, there twice, missing or wrong. All of the text must be right,
    /// also what concerns other images.
    pub fn parse(text: &[u8], path: &Path) -> Result<Self, TrustError> {
        policy(text, path).map_err(|reason| TrustError::BadFile { what: "policy", path: path.to_owned(), reason })
    }
}

fn policy(text: &[u8], path: &Path) -> Result<Policy, String> {
    if text.len() as u64 > POLICY_BYTES {
        return Err(format!("larger than {POLICY_BYTES} bytes"));
    }
    let json = Json::parse(text)?;
    let mut members = At::top(&json).object()?;
    let default = requirements(&members.required("default")?)?;
    let mut transports = BTreeMap::new();
    if let Some(at) = members.optional("transports") {
        for (transport, at) in at.object()?.rest() {
            transports.insert(transport.to_owned(), scopes(transport, &at)?);
        }
    }
    members.end()?;
    Ok(Policy { path: path.to_owned(), default, transports })
}

fn scopes(transport: &str, at: &At<'_>) -> Result<BTreeMap<String, Vec<Requirement>>, String> {
    let mut scopes = BTreeMap::new();
    for (scope, at) in at.object()?.rest() {
        if let Some(reason) = Some(scope).filter(|scope| !scope.is_empty()).and_then(|s| scope_problem(transport, s)) {
            return Err(at.wrong(reason));
        }
        scopes.insert(scope.to_owned(), requirements(&at)?);
    }
    Ok(scopes)
}

/// Why a scope can be none of a transport's.
fn scope_problem(transport: &str, scope: &str) -> Option<&'static str> {
    match transport {
        "dir" | "oci" | "oci-archive" => match scope {
            "/" => Some("unknown key: the scope for all paths is the empty one"),
            _ if !scope.starts_with('/') => Some("unknown key: a scope must be an absolute path"),
            _ if scope.split('/').skip(1).any(|part| matches!(part, "" | "." | "..")) => {
                Some("unknown key: a scope must be a path in its shortest form")
            }
            _ => None,
        },
        "containers-storage" => in_storage::scope_problem(scope),
        "docker-archive" | "tarball" | "sif" => Some("unknown key: this transport has no scopes but the empty one"),
        _ => None,
    }
}

fn requirements(at: &At<'_>) -> Result<Vec<Requirement>, String> {
    let list = at.list()?;
    if list.is_empty() {
        return Err(at.wrong("the list of requirements is empty"));
    }
    list.iter().map(requirement).collect()
}

fn requirement(at: &At<'_>) -> Result<Requirement, String> {
    let mut members = at.object()?;
    let kind = members.required("type")?;
    let found = match kind.text()? {
        "insecureAcceptAnything" => Requirement::InsecureAcceptAnything,
        "reject" => Requirement::Reject,
        "signedBy" => {
            let key_type = members.required("keyType")?;
            let word = key_type.text()?;
            if !KEY_TYPES.contains(&word) {
                return Err(key_type.wrong(format_args!("unknown kind of key {:?}", shown(word))));
            }
            let keys = GPG_KEYS.require(&mut members, at)?;
            Requirement::SignedBy(SimpleRule { key_type: word.to_owned(), keys, identity: identity(&mut members)? })
        }
        "sigstoreSigned" => {
            let trust = trust(&mut members, at)?;
            let rekor = REKOR_KEYS.take(&mut members, at)?;
            match (&trust, &rekor) {
                (SigstoreTrust::Fulcio(_), None) => {
                    return Err(at.wrong(format_args!("fulcio needs one of {REKOR_KEYS}")));
                }
                (SigstoreTrust::Pki(_), Some(_)) => {
                    return Err(at.wrong(format_args!("pki takes none of {REKOR_KEYS}")));
                }
                _ => {}
            }
            Requirement::SigstoreSigned(SigstoreRule { trust, rekor, identity: identity(&mut members)? })
        }
        "signedBaseLayer" => {
            IdentityRule::read(&members.required("baseLayerIdentity")?)?;
            Requirement::SignedBaseLayer
        }
        other => return Err(kind.wrong(format_args!("unknown kind of requirement {:?}", shown(other)))),
    };
    members.end()?;
    Ok(found)
}

fn identity(members: &mut Members<'_>) -> Result<IdentityRule, String> {
    members.optional("signedIdentity").map_or(Ok(IdentityRule::default()), |at| IdentityRule::read(&at))
}

fn trust(members: &mut Members<'_>, at: &At<'_>) -> Result<SigstoreTrust, String> {
    let keys = SIGSTORE_KEYS.take(members, at)?.map(SigstoreTrust::Keys);
    let fulcio = members.optional("fulcio").map(|at| fulcio(&at)).transpose()?;
    let pki = members.optional("pki").map(|at| pki(&at)).transpose()?;
    let mut found = [keys, fulcio, pki].into_iter().flatten();
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(at.wrong(format_args!("exactly one of {SIGSTORE_KEYS}, fulcio, pki must be there"))),
    }
}

fn fulcio(at: &At<'_>) -> Result<SigstoreTrust, String> {
    let mut members = at.object()?;
    let ca = CA.require(&mut members, at)?;
    let text = |at: At<'_>| match at.text()? {
        "" => Err(at.wrong("empty")),
        text => Ok(text.to_owned()),
    };
    let oidc_issuer = text(members.required("oidcIssuer")?)?;
    let subject_email = text(members.required("subjectEmail")?)?;
    members.end()?;
    Ok(SigstoreTrust::Fulcio(Fulcio { ca, oidc_issuer, subject_email }))
}

fn pki(at: &At<'_>) -> Result<SigstoreTrust, String> {
    const ROOTS: KeyMembers = KeyMembers { path: "caRootsPath", paths: None, data: "caRootsData", datas: None };
    const INTERMEDIATES: KeyMembers =
        KeyMembers { path: "caIntermediatesPath", paths: None, data: "caIntermediatesData", datas: None };
    let mut members = at.object()?;
    let roots = ROOTS.require(&mut members, at)?;
    let between = INTERMEDIATES.take(&mut members, at)?;
    let mut subject = |name: &str| {
        let text = members.optional(name).map(|at| at.text().map(str::to_owned)).transpose()?;
        Ok::<_, String>(text.filter(|text| !text.is_empty()))
    };
    let (subject_email, subject_hostname) = (subject("subjectEmail")?, subject("subjectHostname")?);
    if subject_email.is_none() && subject_hostname.is_none() {
        return Err(at.wrong("at least one of subjectEmail, subjectHostname must be there"));
    }
    members.end()?;
    Ok(SigstoreTrust::Pki(Pki { roots, between, subject_email, subject_hostname }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::ImageIdentity;
    use crate::policy::table::Scope;

    fn parse(text: &str) -> Result<Policy, String> {
        policy(text.as_bytes(), Path::new("p"))
    }

    #[test]
    fn every_requirement_is_read() {
        let text = r#"{"default":[{"type":"reject"}],"transports":{"docker":{"":[{"type":"insecureAcceptAnything"}],
            "h.example":[{"type":"signedBy","keyType":"GPGKeys","keyPaths":["/a","/b"]},
                {"type":"sigstoreSigned","keyDatas":["YQ=="],"rekorPublicKeyPath":"/r","signedIdentity":{"type":"matchRepository"}}],
            "h.example/f":[{"type":"sigstoreSigned","fulcio":{"caData":"YQ==","oidcIssuer":"i","subjectEmail":"e"},
                "rekorPublicKeyData":"YQ=="}],
            "h.example/p":[{"type":"sigstoreSigned","pki":{"caRootsPath":"/r","subjectEmail":"e"}}],
            "h.example/b":[{"type":"signedBaseLayer","baseLayerIdentity":{"type":"matchExact"}}]},"never-heard-of":{"x":[{"type":"reject"}]}}}"#;
        let policy = parse(text).unwrap();
        let found = |name: &str| policy.requirements(&ImageIdentity::of(&name.parse().unwrap()).unwrap());
        let (scope, requirements) = found("docker://h.example/a:1");
        assert_eq!(scope, Scope::Named("docker".into(), "h.example".into()));
        assert_eq!(requirements.len(), 2);
        assert!(matches!(&requirements[0], Requirement::SignedBy(rule) if rule.keys.len() == 2));
        assert_eq!(found("docker://h.example/f:1").0.to_string(), "transports.docker.\"h.example/f\"");
        assert_eq!(found("docker://other.example/f:1").0, Scope::Transport("docker".into()));
        assert_eq!(found("dir:/").0, Scope::Default);
    }

    #[test]
    fn wildcards_are_for_what_has_no_host_rule() {
        let text = r#"{"default":[{"type":"reject"}],"transports":{"docker":{"*.example":[{"type":"reject"}],
            "*.b.example":[{"type":"reject"}],"a.b.example":[{"type":"reject"}]}}}"#;
        let policy = parse(text).unwrap();
        let scope = |name: &str| policy.requirements(&ImageIdentity::of(&name.parse().unwrap()).unwrap()).0.to_string();
        assert!(scope("docker://a.b.example/x").ends_with("\"a.b.example\""));
        assert!(scope("docker://c.b.example:5000/x").ends_with("\"*.b.example\""));
        assert!(scope("docker://b.example/x").ends_with("\"*.example\""));
        assert_eq!(scope("docker://example/x"), "default");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let with = |requirement: &str| format!(r#"{{"default":[{requirement}]}}"#);
        let cases = [
            ("{}".to_owned(), "key \"default\" is missing"),
            (r#"{"default":[]}"#.into(), "default: the list of requirements is empty"),
            (r#"{"default":[{"type":"reject"}],"default":[{"type":"reject"}]}"#.into(), "duplicate key \"default\""),
            (r#"{"default":[{"type":"reject"}],"x":1}"#.into(), "unknown key \"x\""),
            (
                r#"{"default":[{"type":"reject"}],"transports":null}"#.into(),
                "transports: expected an object, found null",
            ),
            (with(r#"{"type":"foo"}"#), "default[0].type: unknown kind of requirement \"foo\""),
            (with(r#"{"type":"reject","y":1}"#), "default[0]: unknown key \"y\""),
            (with(r#"{"type":"signedBy","keyType":"X","keyPath":"/x"}"#), "unknown kind of key \"X\""),
            (with(r#"{"type":"signedBy","keyType":"GPGKeys"}"#), "exactly one of keyPath, keyPaths, keyData must be"),
            (with(r#"{"type":"signedBy","keyType":"GPGKeys","keyPath":"/x","keyData":""}"#), "exactly one of"),
            (with(r#"{"type":"signedBy","keyType":"GPGKeys","keyData":"?"}"#), "default[0].keyData: not base64"),
            (with(r#"{"type":"signedBy","keyType":"GPGKeys","keyDatas":["YQ=="]}"#), "exactly one of"),
            (
                with(
                    r#"{"type":"sigstoreSigned","keyPath":"/x","fulcio":{"caPath":"/c","oidcIssuer":"i","subjectEmail":"e"}}"#,
                ),
                "exactly one of keyPath, keyPaths, keyData, keyDatas, fulcio, pki",
            ),
            (
                with(r#"{"type":"sigstoreSigned","fulcio":{"caPath":"/c","oidcIssuer":"i","subjectEmail":"e"}}"#),
                "fulcio needs",
            ),
            (
                r#"{"default":[{"type":"reject"}],"transports":{"dir":{"a":[{"type":"reject"}]}}}"#.into(),
                "transports.dir.a: unknown key: a scope must be an absolute path",
            ),
            (
                r#"{"default":[{"type":"reject"}],"transports":{"oci":{"/a/../b":[{"type":"reject"}]}}}"#.into(),
                "shortest form",
            ),
            (
                r#"{"default":[{"type":"reject"}],"transports":{"docker-archive":{"/a":[{"type":"reject"}]}}}"#.into(),
                "no scopes",
            ),
        ];
        for (text, reason) in cases {
            let found = parse(&text).unwrap_err();
            assert!(found.contains(reason), "{text}\n{found}");
        }
    }
}
