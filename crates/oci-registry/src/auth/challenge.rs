//! Reads `WWW-Authenticate` (RFC 9110, and the token specification of the distribution project).

use http_auth::parser::ChallengeParser;

/// How a registry wants to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// User name and password with every request.
    Basic,
    /// A token from a token server.
    Bearer(Server),
}

/// The token server a registry points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    /// Its address, not yet judged.
    pub(crate) realm: String,
    /// The name the token must be for, where the registry gave one.
    pub(crate) service: Option<String>,
}

impl Challenge {
    /// The best of the offered challenges: a token before a password, because it is narrower; a password only for those
    /// who have one. What cannot be read is passed over.
    pub(crate) fn choose<'a>(headers: impl Iterator<Item = &'a str>, has_credential: bool) -> Option<Self> {
        let mut basic = false;
        for header in headers {
            // The parser stops at the first thing it does not know; what it has read until then is good.
            for challenge in ChallengeParser::new(header).map_while(Result::ok) {
                if challenge.scheme.eq_ignore_ascii_case("basic") {
                    basic = true;
                } else if challenge.scheme.eq_ignore_ascii_case("bearer") {
                    let value = |name: &str| {
                        let found = challenge.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
                        found.map(|(_, value)| value.to_unescaped())
                    };
                    if let Some(realm) = value("realm") {
                        return Some(Self::Bearer(Server { realm, service: value("service") }));
                    }
                }
            }
        }
        (basic && has_credential).then_some(Self::Basic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_before_password() {
        let bearer = r#"Bearer realm="https://auth.example/t?a=\"b\"",service="reg",scope="repository:a:pull""#;
        let server = Server { realm: "https://auth.example/t?a=\"b\"".into(), service: Some("reg".into()) };
        assert_eq!(Challenge::choose([bearer].into_iter(), false), Some(Challenge::Bearer(server.clone())));
        assert_eq!(Challenge::choose(["Basic realm=\"x\"", bearer].into_iter(), true), Some(Challenge::Bearer(server)));
    }

    #[test]
    fn passwords_only_for_those_who_have_one() {
        assert_eq!(Challenge::choose(["basic realm=\"x\""].into_iter(), true), Some(Challenge::Basic));
        assert_eq!(Challenge::choose(["Basic realm=\"x\""].into_iter(), false), None);
        assert_eq!(Challenge::choose(["Negotiate", "Bearer", "\u{7f}"].into_iter(), true), None);
    }
}
