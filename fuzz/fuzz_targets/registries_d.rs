//! libFuzzer's door to the target `registries_d`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::registries_d::run(data));
