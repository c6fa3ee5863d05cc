//! Making signatures.

use std::fmt;
use std::io::Write;
use std::time::SystemTime;

use sequoia_openpgp::Packet;
use sequoia_openpgp::crypto::{self, KeyPair, mpi};
use sequoia_openpgp::packet::Key;
use sequoia_openpgp::packet::key::{PublicParts, UnspecifiedRole};
use sequoia_openpgp::packet::signature::SignatureBuilder;
use sequoia_openpgp::serialize::SerializeInto;
use sequoia_openpgp::serialize::stream::{LiteralWriter, Message, Signer};
use sequoia_openpgp::types::{HashAlgorithm, PublicKeyAlgorithm, SignatureType};

use crate::error::SignError;
use crate::openpgp::agent::Agent;
use crate::openpgp::fingerprint::Fingerprint;
use crate::openpgp::sexp::Sexp;

/// What all signatures are made with: what GnuPG takes by default for every key of today.
const HASH: HashAlgorithm = HashAlgorithm::SHA512;

/// A key that can sign. Nothing of it is ever shown.
pub struct SigningKey {
    primary: Fingerprint,
    hand: Hand,
}

/// Who does the arithmetic.
pub(super) struct Hand(Kind);

enum Kind {
    Local(KeyPair),
    Agent { key: Key<PublicParts, UnspecifiedRole>, agent: Box<Agent>, grip: String },
}

impl SigningKey {
    pub(super) fn new(primary: Fingerprint, hand: Hand) -> Self {
        Self { primary, hand }
    }

    /// The primary key of the owner.
    pub fn primary(&self) -> &Fingerprint {
        &self.primary
    }

    /// The key that signs: the primary key, or one that belongs to it.
    pub fn fingerprint(&self) -> Fingerprint {
        crypto::Signer::public(&self.hand).fingerprint().into()
    }

    /// A detached binary signature over `message`, dated `now`.
    pub fn sign_detached(&mut self, message: &[u8], now: SystemTime) -> Result<Vec<u8>, SignError> {
        let builder = SignatureBuilder::new(SignatureType::Binary).set_hash_algo(HASH);
        let signature = builder
            .set_signature_creation_time(now)
            .and_then(|builder| builder.sign_message(&mut self.hand, message))
            .and_then(|signature| Packet::from(signature).to_vec());
        signature.map_err(|why| self.problem(why))
    }

    /// A signed message that carries `content`, binary, dated `now`.
    pub fn sign_inline(&mut self, content: &[u8], now: SystemTime) -> Result<Vec<u8>, SignError> {
        let mut message = Vec::new();
        let written = (|| {
            let signer = Signer::new(Message::new(&mut message), &mut self.hand)?;
            let signer = signer.hash_algo(HASH)?.creation_time(now).build()?;
            let mut literal = LiteralWriter::new(signer).build()?;
            literal.write_all(content)?;
            literal.finalize()
        })();
        match written {
            Ok(()) => Ok(message),
            Err(why) => Err(self.problem(why)),
        }
    }

    fn problem(&self, why: impl ToString) -> SignError {
        SignError::malformed(format!("signing with key {}", self.fingerprint()), why)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("primary", &self.primary).finish_non_exhaustive()
    }
}

impl Hand {
    /// Signs with the secret parts themselves.
    pub(super) fn local(pair: KeyPair) -> Self {
        Self(Kind::Local(pair))
    }

    /// Lets an agent sign.
    pub(super) fn agent(key: Key<PublicParts, UnspecifiedRole>, agent: Agent, grip: String) -> Self {
        Self(Kind::Agent { key, agent: Box::new(agent), grip })
    }
}

impl crypto::Signer for &mut Hand {
    fn public(&self) -> &Key<PublicParts, UnspecifiedRole> {
        crypto::Signer::public(&**self)
    }

    fn sign(&mut self, algorithm: HashAlgorithm, digest: &[u8]) -> sequoia_openpgp::Result<mpi::Signature> {
        crypto::Signer::sign(&mut **self, algorithm, digest)
    }
}

impl crypto::Signer for Hand {
    fn public(&self) -> &Key<PublicParts, UnspecifiedRole> {
        match &self.0 {
            Kind::Local(pair) => pair.public(),
            Kind::Agent { key, .. } => key,
        }
    }

    fn sign(&mut self, algorithm: HashAlgorithm, digest: &[u8]) -> sequoia_openpgp::Result<mpi::Signature> {
        match &mut self.0 {
            Kind::Local(pair) => pair.sign(algorithm, digest),
            Kind::Agent { key, agent, grip } => {
                let answer = agent.sign(grip, algorithm.into(), digest)?;
                let refuse = || SignError::malformed("gpg-agent", "not a signature that fits the key");
                Ok(signature(key.pk_algo(), &answer).ok_or_else(refuse)?)
            }
        }
    }
}

/// The numbers of a signature that an agent gave.
fn signature(algorithm: PublicKeyAlgorithm, answer: &Sexp) -> Option<mpi::Signature> {
    let number = |name: &[u8]| answer.number(name).map(mpi::MPI::new);
    #[allow(deprecated)]
    match algorithm {
        PublicKeyAlgorithm::RSAEncryptSign | PublicKeyAlgorithm::RSASign => {
            Some(mpi::Signature::RSA { s: number(b"s")? })
        }
        PublicKeyAlgorithm::DSA => Some(mpi::Signature::DSA { r: number(b"r")?, s: number(b"s")? }),
        PublicKeyAlgorithm::ECDSA => Some(mpi::Signature::ECDSA { r: number(b"r")?, s: number(b"s")? }),
        PublicKeyAlgorithm::EdDSA => Some(mpi::Signature::EdDSA { r: number(b"r")?, s: number(b"s")? }),
        _ => None,
    }
}
