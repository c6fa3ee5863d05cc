//! libFuzzer's door to the target `registries_conf`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::registries_conf::run(data));
