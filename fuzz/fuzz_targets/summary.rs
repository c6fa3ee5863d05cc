//! libFuzzer's door to the target `summary`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::summary::run(data));
