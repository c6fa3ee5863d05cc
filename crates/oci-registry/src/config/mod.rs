//! The host's registry settings: `registries.conf` version 2 with its drop-ins (containers-registries.conf(5)).

mod content;
mod keys;
mod load;
mod matching;
mod place;
mod registries;
mod short_name;

pub(crate) use place::Place;
pub use registries::Registries;
