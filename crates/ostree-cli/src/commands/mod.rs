//! The commands, one per file.

pub mod container;
pub mod generate;
pub mod repo;
pub mod tar;
