//! Asks a credential helper, a program `docker-credential-NAME` of the user's own choice.
//!
//! The protocol: the argument `get`, the registry on standard input, one JSON object on standard output.

use std::io::{self, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Deserializer, Value};

use super::credential::Credential;
use super::json::Members;
use crate::environment::Environment;
use crate::error::RegistryError;
use crate::limits;
use crate::problem::printable;

/// The user name that says the secret is an identity token.
const IDENTITY_USER: &str = "<token>";

/// What helpers print when they know nothing about a registry.
const UNKNOWN: [&str; 2] = ["credentials not found", "no credentials server URL"];

/// What the helper `name` knows about `server`; `None` when it knows nothing.
pub(crate) fn get(name: &str, server: &str, environment: &Environment) -> Result<Option<Credential>, RegistryError> {
    let failed = |reason: String| RegistryError::Helper { helper: name.to_owned(), host: server.to_owned(), reason };
    if name.is_empty() || name.contains('/') || name.contains('\0') {
        return Err(failed("its name is not one of a program".to_owned()));
    }
    let program = format!("docker-credential-{name}");
    let mut command = Command::new(environment.program(&program).unwrap_or_else(|| program.into()));
    command.arg("get");
    let (success, output) =
        run(command, server, limits::HELPER_TIME).map_err(|e| failed(format!("it cannot be used: {e}")))?;
    if !success {
        let text = String::from_utf8_lossy(&output);
        if UNKNOWN.iter().any(|unknown| text.contains(unknown)) {
            return Ok(None);
        }
        // On failure the output is a message. One that looks like an answer may hold a secret all the same.
        let told = if text.contains('{') { "and what it printed may be secret".into() } else { printable(text.trim()) };
        return Err(failed(format!("it failed: {told}")));
    }
    let found = answer(&output).ok_or_else(|| failed("its answer is not the expected JSON".to_owned()))?;
    Ok(Some(found).filter(|found| !found.is_nothing()))
}

/// What is in an answer, of which only the first JSON value counts.
fn answer(output: &[u8]) -> Option<Credential> {
    let value = Deserializer::from_slice(output).into_iter::<Value>().next()?.ok()?;
    let mut members = Members::of(value, "the answer").ok()?;
    let (user, secret) = (members.text("Username").ok()?, members.text("Secret").ok()?);
    Some(if user == IDENTITY_USER { Credential::identity(&secret) } else { Credential::login(user, secret) })
}

/// Runs a helper to its end, but no longer than `limit`. Whether it succeeded, and what it printed.
fn run(mut command: Command, input: &str, limit: Duration) -> io::Result<(bool, Vec<u8>)> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn()?;
    let end = Instant::now() + limit;
    let result = talk(&mut child, input, limit).and_then(|output| Ok((ended(&mut child, end, limit)?, output)));
    if result.is_err() {
        // It may have ended by itself in the meantime, which is as good.
        let _ = child.kill();
        child.wait()?;
    }
    result
}

/// Waits until the child has ended, but not beyond `end`. Whether it succeeded.
fn ended(child: &mut Child, end: Instant, limit: Duration) -> io::Result<bool> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if Instant::now() >= end {
            return Err(too_late("it did not end", limit));
        }
        // Its output has ended, so that it is mostly gone.
        thread::sleep(limits::HELPER_PAUSE);
    }
}

fn too_late(what: &str, limit: Duration) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("{what} within {} s", limit.as_secs()))
}

fn talk(child: &mut Child, input: &str, limit: Duration) -> io::Result<Vec<u8>> {
    let pipes = (child.stdin.take(), child.stdout.take());
    let (Some(mut stdin), Some(stdout)) = pipes else { return Err(io::Error::other("no pipes")) };
    match stdin.write_all(input.as_bytes()) {
        // A helper that answers without reading is nobody's problem.
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => return Err(e),
        _ => drop(stdin),
    }
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut output = Vec::new();
        let result = stdout.take(limits::HELPER_BYTES + 1).read_to_end(&mut output).map(|_| output);
        // Nobody listens any more once the time is over.
        let _ = sender.send(result);
    });
    let output = receiver.recv_timeout(limit).map_err(|_| too_late("no answer", limit))??;
    if output.len() as u64 > limits::HELPER_BYTES {
        return Err(io::Error::other("its answer is too long"));
    }
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_and_status_come_back_and_a_hanging_helper_is_ended() {
        let limit = Duration::from_secs(20);
        assert_eq!(run(shell("cat; exit 1"), "host", limit).unwrap(), (false, b"host".to_vec()));
        for script in ["exec sleep 1000", "exec >&-; exec sleep 1000"] {
            let error = run(shell(script), "host", Duration::from_millis(50)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        }
    }

    #[test]
    fn answers_are_read_as_others_read_them() {
        let login = Some(Credential::login("u", "p"));
        assert_eq!(answer(br#"{"Username":"u","Secret":"p"} and more"#), login);
        assert_eq!(answer(br#"{"ServerURL":null,"username":"u","secret":"p"}"#), login);
        assert_eq!(answer(br#"{"Username":"<token>","Secret":"t"}"#), Some(Credential::identity("t")));
        assert_eq!((answer(b"nothing"), answer(br#"{"Secret":5}"#)), (None, None));
    }

    #[test]
    fn names_are_no_paths_and_absent_helpers_are_told() {
        assert!(get("../x", "h", &Environment::default()).is_err());
        let message = get("surely-not-there", "h.example", &Environment::default()).unwrap_err().to_string();
        assert!(message.contains("docker-credential-surely-not-there") && message.contains("h.example"), "{message}");
    }
}
