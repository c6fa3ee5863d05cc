//! libFuzzer's door to the target `keyfile`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::keyfile::run(data));
