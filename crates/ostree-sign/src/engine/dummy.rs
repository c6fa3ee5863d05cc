//! The engine for tests: whoever knows the key can sign.

use crate::error::SignError;

/// The variable that switches the engine on.
const SWITCH: &str = "OSTREE_DUMMY_SIGN_ENABLED";

/// Refuses unless the engine is switched on.
pub(super) fn check() -> Result<(), SignError> {
    match std::env::var_os(SWITCH) {
        Some(value) if value == "1" => Ok(()),
        _ => Err(SignError::DummyDisabled),
    }
}
