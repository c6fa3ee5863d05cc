//! libFuzzer's door to the target `manifest`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::manifest::run(data));
