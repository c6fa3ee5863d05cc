//! Commits and summaries against a remote's configuration.

use std::time::SystemTime;

use ostree_core::{CommitId, Metadata, VerifyCommit, VerifyError};

use crate::detached;
use crate::engine::EngineVerifier;
use crate::error::SignError;
use crate::keys;
use crate::limits::MAX_SIGNATURES;
use crate::openpgp::{Keyring, SignatureReport};
use crate::trust::settings::RemoteTrust;

/// Checks commits, and summaries, as a remote's configuration asks for.
pub struct CommitVerifier {
    name: String,
    gpg: Option<Keyring>,
    gpg_summary: Option<Keyring>,
    engines: Option<Vec<EngineVerifier>>,
    engines_summary: Option<Vec<EngineVerifier>>,
    now: SystemTime,
    date: fn(u64) -> String,
}

/// Which of a remote's checks are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Commit,
    Summary,
}

/// What the OpenPGP signatures in detached metadata are worth, one element after the other; a whole element that cannot be
/// read has one report. Of more than [`MAX_SIGNATURES`] the first ones count.
pub fn commit_reports(keyring: &Keyring, message: &[u8], detached: &Metadata, now: SystemTime) -> Vec<SignatureReport> {
    let signatures = detached::signatures(detached, keys::GPG);
    let reports = signatures.iter().flat_map(|signature| keyring.verify_detached(signature, message, now));
    reports.take(MAX_SIGNATURES).collect()
}

impl CommitVerifier {
    /// Reads all keys that the configuration names. What is signed must be good at the time `now`; `date` makes texts of
    /// seconds since 1970 for messages.
    ///
    /// # Errors
    /// Keys that are asked for cannot be read, or there are none.
    pub fn new(trust: &RemoteTrust, now: SystemTime, date: fn(u64) -> String) -> Result<Self, SignError> {
        let keyring = |is_asked: bool| is_asked.then(|| trust.keyring()).transpose();
        Ok(Self {
            name: trust.name.clone(),
            gpg: keyring(trust.gpg_verify)?,
            gpg_summary: keyring(trust.gpg_verify_summary)?,
            engines: trust.verifiers(&trust.sign_verify)?,
            engines_summary: trust.verifiers(&trust.sign_verify_summary)?,
            now,
            date,
        })
    }

    /// Whether commits are checked at all.
    pub fn checks_commits(&self) -> bool {
        self.gpg.is_some() || self.engines.is_some()
    }

    /// Whether summaries are checked at all.
    pub fn checks_summaries(&self) -> bool {
        self.gpg_summary.is_some() || self.engines_summary.is_some()
    }

    /// Refuses a configuration that lets any commit pass.
    ///
    /// # Errors
    /// [`SignError::ChecksNothing`].
    pub fn require_checks(self) -> Result<Self, SignError> {
        if self.checks_commits() { Ok(self) } else { Err(SignError::ChecksNothing { remote: self.name }) }
    }

    /// Checks a summary with its `summary.sig`, `None` if there is none.
    ///
    /// # Errors
    /// [`SignError::NotVerified`] and what is wrong with the signatures themselves.
    pub fn verify_summary(&self, summary: &[u8], signatures: Option<&[u8]>) -> Result<(), SignError> {
        if !self.checks_summaries() {
            return Ok(());
        }
        self.verify(Subject::Summary, summary, signatures)
    }

    fn verify(&self, subject: Subject, message: &[u8], signatures: Option<&[u8]>) -> Result<(), SignError> {
        let (gpg, engines) = match subject {
            Subject::Commit => (&self.gpg, &self.engines),
            Subject::Summary => (&self.gpg_summary, &self.engines_summary),
        };
        let metadata = signatures.map(Metadata::decode).transpose();
        let metadata = metadata.map_err(|why| SignError::malformed("signatures", why))?;
        if let Some(keyring) = gpg {
            self.verify_gpg(subject, keyring, message, &metadata.clone().unwrap_or_default())?;
        }
        if let Some(engines) = engines {
            match &metadata {
                Some(metadata) => self.verify_engines(engines, message, metadata)?,
                None => return Err(SignError::NotVerified("Can't verify commit without detached metadata".to_owned())),
            }
        }
        Ok(())
    }

    fn verify_gpg(
        &self,
        subject: Subject,
        keyring: &Keyring,
        message: &[u8],
        metadata: &Metadata,
    ) -> Result<(), SignError> {
        let reports = commit_reports(keyring, message, metadata, self.now);
        if reports.is_empty() {
            return Err(SignError::NotVerified(match subject {
                Subject::Commit => "GPG verification enabled, but no signatures found \
                    (use gpg-verify=false in remote config to disable)"
                    .to_owned(),
                Subject::Summary => "GPG verification enabled, but no summary signatures found \
                    (use gpg-verify-summary=false in remote config to disable)"
                    .to_owned(),
            }));
        }
        if reports.iter().any(|report| report.outcome.is_good()) {
            return Ok(());
        }
        // The newest signature is the last, and what is said of it comes first.
        let all: String = reports.iter().rev().map(|report| report.describe("", &self.date).to_string()).collect();
        Err(SignError::NotVerified(all.trim_end().to_owned()))
    }

    fn verify_engines(&self, engines: &[EngineVerifier], message: &[u8], metadata: &Metadata) -> Result<(), SignError> {
        let mut problems = Vec::new();
        for engine in engines {
            let signatures = detached::signatures(metadata, engine.engine().metadata_key());
            if signatures.is_empty() && metadata.get(engine.engine().metadata_key()).is_none() {
                continue;
            }
            match engine.verify(message, &signatures, self.now) {
                Ok(_) => return Ok(()),
                Err(problem) => problems.push(problem),
            }
        }
        let others = problems.len().saturating_sub(1);
        let text = match problems.first() {
            None => "No signatures found".to_owned(),
            Some(first) if others > 0 => format!("({others} other invalid signatures): {first}"),
            Some(first) => first.to_string(),
        };
        Err(SignError::NotVerified(format!("Can't verify commit: {text}")))
    }
}

impl VerifyCommit for CommitVerifier {
    fn verify_commit(&self, commit: &CommitId, bytes: &[u8], detached: Option<&[u8]>) -> Result<(), VerifyError> {
        if !self.checks_commits() {
            return Ok(());
        }
        let problem = |why: SignError| match why {
            // As libostree prefixes what OpenPGP says, and only that.
            SignError::NotVerified(text) if !text.starts_with("Can't verify commit") => {
                VerifyError::new(format!("Commit {commit}: {text}"))
            }
            other => VerifyError::new(other),
        };
        self.verify(Subject::Commit, bytes, detached).map_err(problem)
    }
}
