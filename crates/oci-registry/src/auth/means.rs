//! What fetching a token needs besides the credentials.

use std::sync::Arc;

use crate::endpoint::Endpoint;
use crate::error::Place;
use crate::tls::Clients;
use crate::wait::Patience;

/// What fetching a token needs from the session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Means<'a> {
    /// The clients to ask with.
    pub(crate) clients: &'a Clients,
    /// The registry the token is for.
    pub(crate) endpoint: &'a Endpoint,
    /// How long to wait.
    pub(crate) patience: &'a Patience,
    /// What the token is needed for.
    pub(crate) place: &'a Arc<Place>,
}
