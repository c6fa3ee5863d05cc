//! Commits wrapped into images and taken out again.

mod bad_images;
mod documents;
mod round_trip;
mod stored;
mod support;
