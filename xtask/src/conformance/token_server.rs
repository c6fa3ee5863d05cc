//! A token server for registries that send their users to one, for cases about credentials.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::signed_token::{Claims, Signer};

/// How it is called.
pub const HELP: &str = "\
cargo xtask token-server KEY CERTIFICATE FILE [OPTION...]

Opens a port on the loopback interface, writes its address to FILE and gives tokens there for two minutes, signed with
KEY, to the user ann with the password pw and to whoever has the identity token ann-identity. Every request is printed:
method, service, account, what it was asked with, what for, and the status of the answer. Options:

  anonymous       others get a token to pull
  only:PREFIX     ann gets tokens for repositories with this prefix alone
  life:SECONDS    the registry takes a token no longer (default 300)
  busy:NUMBER     so many requests are answered with status 503 first";

/// For how long the port is served. A case that hangs must not leave it behind.
const LIFE: Duration = Duration::from_secs(120);
/// The longest request.
const REQUEST_BYTES: u64 = 64 << 10;
/// What the user shows in the header: `ann:pw`.
const BASIC: &str = "Basic YW5uOnB3";
/// What the user shows in a form.
const IDENTITY: &str = "ann-identity";

/// How the server behaves.
#[derive(Debug, PartialEq, Eq)]
struct Manner {
    anonymous: bool,
    only: String,
    life: u64,
    busy: u64,
}

impl Manner {
    fn parse(options: &[String]) -> Result<Self> {
        let mut manner = Self { anonymous: false, only: String::new(), life: 300, busy: 0 };
        for option in options {
            let number = |text: &str| text.parse().with_context(|| format!("{option}: no number"));
            match option.split_once(':') {
                None if option == "anonymous" => manner.anonymous = true,
                Some(("only", prefix)) => prefix.clone_into(&mut manner.only),
                Some(("life", seconds)) => manner.life = number(seconds)?,
                Some(("busy", requests)) => manner.busy = number(requests)?,
                _ => bail!("{option}: neither anonymous, only:PREFIX, life:SECONDS nor busy:NUMBER"),
            }
        }
        Ok(manner)
    }
}

/// What somebody asks with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Nothing,
    Password,
    Identity,
    Wrong,
}

impl Shown {
    fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Password => "password",
            Self::Identity => "identity",
            Self::Wrong => "wrong",
        }
    }
}

/// A request for a token.
#[derive(Debug, PartialEq, Eq)]
struct Question {
    method: String,
    service: String,
    account: String,
    shown: Shown,
    scopes: BTreeSet<String>,
}

impl Question {
    /// Reads a request from its parts: the line, the `Authorization` header and the body.
    fn parse(line: &str, authorization: Option<&str>, body: &str) -> Result<Self> {
        let mut words = line.split_whitespace();
        let (method, target) = words.next().zip(words.next()).context("no request line")?;
        let query = if method == "POST" { body } else { target.split_once('?').map_or("", |(_, query)| query) };
        let pairs: Vec<(&str, String)> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key, decoded(value)))
            .collect();
        let values = |key: &str| -> Vec<&str> {
            pairs.iter().filter(|(name, _)| *name == key).map(|(_, value)| value.as_str()).collect()
        };
        let first = |key: &str| values(key).first().copied().unwrap_or_default();
        let shown = match (authorization, first("refresh_token")) {
            (None, "") => Shown::Nothing,
            (Some(BASIC), "") => Shown::Password,
            (None, IDENTITY) if method == "POST" && first("grant_type") == "refresh_token" => Shown::Identity,
            _ => Shown::Wrong,
        };
        Ok(Self {
            method: method.to_owned(),
            service: first("service").to_owned(),
            account: first("account").to_owned(),
            shown,
            scopes: values("scope").iter().flat_map(|scope| scope.split(' ')).map(str::to_owned).collect(),
        })
    }

    /// What of its scopes is granted, as a registry reads it; to users for names that begin with `only`.
    fn access(&self, only: &str) -> Vec<Value> {
        let granted = |scope: &String| {
            let (name, actions) = scope.strip_prefix("repository:")?.rsplit_once(':')?;
            let known = self.shown != Shown::Nothing;
            if known && !name.starts_with(only) {
                return None;
            }
            let actions: Vec<&str> = actions.split(',').filter(|action| known || *action == "pull").collect();
            Some(json!({"type": "repository", "name": name, "actions": actions}))
        };
        self.scopes.iter().filter_map(granted).collect()
    }
}

/// Opens the server that the arguments describe.
///
/// # Errors
/// Arguments that say nothing, or no free port.
pub fn run(args: &[String]) -> Result<()> {
    let [key, certificate, file, options @ ..] = args else {
        println!("{HELP}");
        return Ok(());
    };
    let mut manner = Manner::parse(options)?;
    let signer = Signer::new(Path::new(key), Path::new(certificate))?;
    let listener = TcpListener::bind("127.0.0.1:0").context("open a port")?;
    // Whoever waits for the file must not find it half written.
    let new = format!("{file}.new");
    std::fs::write(&new, format!("{}\n", listener.local_addr()?)).with_context(|| format!("write {new}"))?;
    std::fs::rename(&new, file).with_context(|| format!("write {file}"))?;
    thread::spawn(|| {
        thread::sleep(LIFE);
        std::process::exit(0);
    });
    for client in listener.incoming().flatten() {
        // Whoever opens a connection and asks nothing must not keep the others waiting.
        client.set_read_timeout(Some(Duration::from_secs(5)))?;
        if let Err(problem) = serve(client, &signer, &mut manner) {
            println!("{problem:#}");
        }
    }
    Ok(())
}

fn serve(mut client: TcpStream, signer: &Signer, manner: &mut Manner) -> Result<()> {
    let question = read(&client)?;
    let (status, answer) = answer(&question, signer, manner)?;
    let scopes: Vec<&str> = question.scopes.iter().map(String::as_str).collect();
    let Question { method, service, account, shown, .. } = &question;
    println!("{method} {service} {} {} {} {status}", or_dash(account), shown.word(), or_dash(&scopes.join(" ")));
    let body = answer.to_string();
    write!(
        client,
        "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )?;
    Ok(())
}

fn answer(question: &Question, signer: &Signer, manner: &mut Manner) -> Result<(u16, Value)> {
    let refusal = |code: &str, message: &str| json!({"errors": [{"code": code, "message": message}]});
    if manner.busy > 0 {
        manner.busy -= 1;
        return Ok((503, refusal("UNAVAILABLE", "try again later")));
    }
    if question.shown == Shown::Wrong || (question.shown == Shown::Nothing && !manner.anonymous) {
        return Ok((401, refusal("UNAUTHORIZED", "wrong user name or password")));
    }
    let user = if question.shown == Shown::Nothing { "" } else { "ann" };
    let claims = Claims { service: &question.service, user, access: question.access(&manner.only), life: manner.life };
    let token = signer.token(claims)?;
    // The two forms call it differently.
    let name = if question.method == "POST" { "access_token" } else { "token" };
    Ok((200, json!({name: token, "expires_in": manner.life})))
}

fn read(client: &TcpStream) -> Result<Question> {
    let mut reader = BufReader::new(client.take(REQUEST_BYTES));
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let (mut authorization, mut length, mut chunked) = (None, 0, false);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        match header.trim_end().split_once(": ") {
            None => break,
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => authorization = Some(value.to_owned()),
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse()?,
            Some((name, "chunked")) if name.eq_ignore_ascii_case("transfer-encoding") => chunked = true,
            Some(_) => {}
        }
    }
    let body = if chunked { chunks(&mut reader)? } else { exactly(&mut reader, length)? };
    Question::parse(&line, authorization.as_deref(), &body)
}

/// A body in pieces, each after a line with its length.
fn chunks(reader: &mut impl BufRead) -> Result<String> {
    let mut body = String::new();
    loop {
        let mut length = String::new();
        reader.read_line(&mut length)?;
        let piece = exactly(reader, u64::from_str_radix(length.trim_end(), 16)?)?;
        exactly(reader, 2)?;
        if piece.is_empty() {
            return Ok(body);
        }
        body.push_str(&piece);
    }
}

fn exactly(reader: &mut impl Read, length: u64) -> Result<String> {
    let mut text = String::new();
    reader.take(length).read_to_string(&mut text)?;
    Ok(text)
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

/// A value of a query or a form, decoded.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes: Vec<u8> = parts.next().unwrap_or_default().replace('+', " ").into_bytes();
    for part in parts {
        let (code, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        bytes.extend(u8::from_str_radix(code, 16));
        bytes.extend(rest.replace('+', " ").bytes());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_of_both_forms() {
        let get =
            "GET /token?account=ann&service=s&scope=repository%3Aa%2Fb%3Apull%2Cpush&scope=repository:c:pull HTTP/1.1";
        let question = Question::parse(get, Some(BASIC), "").expect("a request");
        assert_eq!((question.shown, question.account.as_str()), (Shown::Password, "ann"));
        let access = json!([
            {"type": "repository", "name": "a/b", "actions": ["pull", "push"]},
            {"type": "repository", "name": "c", "actions": ["pull"]}
        ]);
        assert_eq!(Value::from(question.access("")), access);
        let form =
            format!("grant_type=refresh_token&scope=repository:a:push+repository:b:pull&refresh_token={IDENTITY}");
        let post = Question::parse("POST /token HTTP/1.1", None, &form).expect("a request");
        assert_eq!((post.shown, post.scopes.len()), (Shown::Identity, 2));
        assert_eq!(Question::parse(get, Some("Basic eDp4"), "").expect("a request").shown, Shown::Wrong);
        let nobody = Question::parse(get, None, "").expect("a request");
        assert_eq!(nobody.access("b")[0]["actions"], json!(["pull"]));
    }

    #[test]
    fn bodies_in_pieces() {
        assert_eq!(chunks(&mut &b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"[..]).expect("a body"), "abcd");
        assert!(chunks(&mut &b"x\r\n"[..]).is_err());
    }

    #[test]
    fn manners() {
        let manner = Manner::parse(&["life:3", "anonymous", "only:a"].map(str::to_owned)).expect("options");
        assert_eq!(manner, Manner { anonymous: true, only: "a".to_owned(), life: 3, busy: 0 });
        assert!(Manner::parse(&["life:x".to_owned()]).is_err() && Manner::parse(&["rude".to_owned()]).is_err());
    }
}
