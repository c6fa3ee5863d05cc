//! Asks a credential helper, a program `docker-credential-NAME` of the user's own choice.
//!
//! The protocol: the argument `get`, the registry on standard input, one JSON object on standard output.

use std::io::{self, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::Deserialize;

use super::credential::{Credential, Secret};
use crate::environment::Environment;
use crate::error::RegistryError;
use crate::limits;
use crate::problem::printable;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

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
        // On failure the output is a message, not a secret.
        let text = String::from_utf8_lossy(&output);
        if UNKNOWN.iter().any(|unknown| text.contains(unknown)) {
            return Ok(None);
        }
        return Err(failed(format!("it failed: {}", printable(text.trim()))));
    }
    let answer: Answer =
        serde_json::from_slice(&output).map_err(|_| failed("its answer is not the expected JSON".to_owned()))?;
    Ok(match (answer.username.as_str(), answer.secret.as_str()) {
        ("", "") => None,
        (IDENTITY_USER, token) => Some(Credential::Identity(Secret::new(token))),
        (user, password) => Some(Credential::basic(user, password)),
    })
}

/// Runs a helper to its end, but no longer than `limit`. Whether it succeeded, and what it printed.
fn run(mut command: Command, input: &str, limit: Duration) -> io::Result<(bool, Vec<u8>)> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn()?;
    let result = talk(&mut child, input, limit);
    if result.is_err() {
        // It may have ended by itself in the meantime, which is as good.
        let _ = child.kill();
    }
    let status = child.wait()?;
    result.map(|output| (status.success(), output))
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
    let output = receiver
        .recv_timeout(limit)
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} s", limit.as_secs())))??;
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
        let error = run(shell("exec sleep 1000"), "host", Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn names_are_no_paths_and_absent_helpers_are_told() {
        assert!(get("../x", "h", &Environment::default()).is_err());
        let message = get("surely-not-there", "h.example", &Environment::default()).unwrap_err().to_string();
        assert!(message.contains("docker-credential-surely-not-there") && message.contains("h.example"), "{message}");
    }
}
