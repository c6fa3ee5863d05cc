//! libFuzzer's door to the target `index`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::index::run(data));
