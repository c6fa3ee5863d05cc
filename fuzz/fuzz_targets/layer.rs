//! libFuzzer's door to the target `layer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::layer::run(data));
