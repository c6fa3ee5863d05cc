//! The `ostree-container` binary.

fn main() {}
