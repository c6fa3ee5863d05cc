//! The commands that turn commits into images and back.

pub mod build;
pub mod encapsulate;
pub mod image;
pub mod image_options;
pub mod info;
pub mod pull;
pub mod unencapsulate;
