//! Memory store, store test-suite, misbehaving loopback registry and sample trees for the tests of the other crates.

pub mod memory_store;
pub mod registry;
mod registry_auth;
mod registry_faults;
mod registry_http;
mod registry_routes;
mod registry_state;
pub mod sample;
pub mod store_suite;
