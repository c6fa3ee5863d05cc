//! The tar format as a whole: what is written, what is read back, and what is refused.

// Helpers of tests fail by panicking, as the tests do.
#![allow(clippy::unwrap_used)]

mod bad_input;
mod layer;
mod layer_labels;
mod layer_links;
mod layer_support;
mod replace;
mod round_trip;
mod support;
mod tree;
