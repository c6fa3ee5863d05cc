//! Memory store, store test-suite, misbehaving loopback registry and sample trees for the tests of the other crates.
