//! libFuzzer's door to the target `metadata`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::metadata::run(data));
