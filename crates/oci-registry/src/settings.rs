//! Everything that is read before a registry is asked: options, configuration files and the places they lead to.

use crate::auth::{Authorizer, Credential, Found, Wallet};
use crate::config::{Place, Registries};
use crate::error::RegistryError;
use crate::name::ImageName;
use crate::options::RegistryOptions;
use crate::tls::Clients;

/// What is known of a host's settings. Read once per session; nothing of it changes afterwards.
#[derive(Debug)]
pub(crate) struct Settings {
    options: RegistryOptions,
    registries: Registries,
    wallet: Wallet,
}

impl Settings {
    /// Reads the configuration files.
    pub(crate) fn read(options: &RegistryOptions) -> Result<Self, RegistryError> {
        let registries = Registries::read(&options.environment)?;
        Ok(Self { options: options.clone(), registries, wallet: Wallet::new(options) })
    }

    /// What the caller said.
    pub(crate) fn options(&self) -> &RegistryOptions {
        &self.options
    }

    /// The places an image is fetched from, in the order in which they are to be asked: its mirrors, then its own location.
    /// There is at least one; an image that is blocked everywhere is an error.
    pub(crate) fn places(&self, name: &ImageName) -> Result<Vec<Place>, RegistryError> {
        Ok(self.registries.places(name)?.into_iter().map(|place| self.judged(place)).collect())
    }

    /// The only place an image is pushed to.
    pub(crate) fn place_to_push(&self, name: &ImageName) -> Result<Place, RegistryError> {
        self.registries.place_to_push(name).map(|place| self.judged(place))
    }

    /// Who we are at a place. May run a credential helper.
    pub(crate) fn authorizer(&self, place: &Place) -> Result<Authorizer, RegistryError> {
        Ok(Authorizer::new(self.credential(place)?.map(|found| found.credential)))
    }

    /// The credentials for a place. May run a credential helper.
    pub(crate) fn credential(&self, place: &Place) -> Result<Option<Found>, RegistryError> {
        match &self.options.credentials {
            _ if self.options.anonymous => Ok(None),
            Some((user, password)) => {
                let credential = Credential::login(&**user, &**password);
                Ok(place.at_home.then(|| Found { credential, source: "the options".to_owned() }))
            }
            None => self.wallet.find(place.host(), place.repository(), self.registries.helpers()),
        }
    }

    /// The clients to ask a place with. Where there is another place, nobody else tells what is wrong with them.
    pub(crate) fn clients(&self, place: &Place) -> Result<Clients, RegistryError> {
        Clients::new(place.host(), place.insecure, &self.options).inspect_err(|error| {
            if let Some(listener) = &self.options.debug_auth {
                listener(&format!("certificates for {}: {error}", place.host()));
            }
        })
    }

    /// What the options say about certificates counts more than the files.
    fn judged(&self, place: Place) -> Place {
        let insecure = !self.options.tls_verify || (place.insecure && !self.options.tls_always);
        Place { insecure, ..place }
    }
}
