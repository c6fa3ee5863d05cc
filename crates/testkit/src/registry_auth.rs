//! Who may ask the loopback registry: its challenges and its token server.

use crate::registry_http::{Request, Response};
use crate::registry_state::{Auth, State};

/// The refusal a request earns, if it does.
pub(crate) fn challenge(state: &mut State, host: &str, request: &Request) -> Option<Response> {
    let header = request.header("authorization");
    let (granted, challenge) = match &state.behaviour.auth {
        Auth::Open => (true, "Basic realm=\"test\"".to_owned()),
        Auth::Basic { user, password } => (header == Some(&basic(user, password)), "Basic realm=\"test\"".to_owned()),
        Auth::Token { .. } => {
            let left = header.and_then(|h| h.strip_prefix("Bearer ")).and_then(|t| state.tokens.get_mut(t));
            let granted = left.is_some_and(|left| {
                let granted = *left > 0;
                *left = left.saturating_sub(1);
                granted
            });
            (granted, format!("Bearer realm=\"http://{host}/token\",service=\"test\",scope=\"repository:x:pull\""))
        }
    };
    if granted && !state.behaviour.refuse_all {
        return None;
    }
    let refusal = Response::error(401, "UNAUTHORIZED", "authentication required");
    Some(refusal.header("WWW-Authenticate", challenge))
}

/// The token server.
pub(crate) fn token(state: &mut State, request: &Request) -> Response {
    let Auth::Token { login, identity, uses } = &state.behaviour.auth else { return Response::new(404) };
    let granted = match (request.method.as_str(), login) {
        ("GET", None) => true,
        ("GET", Some((user, password))) => request.header("authorization") == Some(&basic(user, password)),
        ("POST", _) => {
            let sent = request.form("refresh_token");
            request.form("grant_type") == ["refresh_token"] && identity.as_ref().is_some_and(|i| sent == [i.as_str()])
        }
        _ => false,
    };
    let scoped = !request.query("scope").is_empty() || !request.form("scope").is_empty();
    if !granted || !scoped {
        return Response::error(401, "UNAUTHORIZED", "incorrect username or password");
    }
    let uses = *uses;
    state.counter += 1;
    let token = format!("token-{}", state.counter);
    state.tokens.insert(token.clone(), uses);
    // Both spellings of the member are in use.
    let member = if request.method == "POST" { "access_token" } else { "token" };
    let body = format!(r#"{{"{member}":"{token}","expires_in":300}}"#);
    Response::new(200).header("Content-Type", "application/json").body(body.into_bytes())
}

/// The `Authorization` header of a user name and password.
pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64(format!("{user}:{password}").as_bytes()))
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * at)) as usize & 63];
            text.push(if at <= three.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_every_rest() {
        assert_eq!(["", "f", "fo", "foo"].map(|t| base64(t.as_bytes())), ["", "Zg==", "Zm8=", "Zm9v"]);
    }
}
