//! Commits wrapped into images and taken out again.

mod bad_images;
mod derive;
mod detached;
mod documents;
mod interrupted;
mod layered;
mod pulled;
mod reexport;
mod round_trip;
mod stored;
mod support;
mod watched;
