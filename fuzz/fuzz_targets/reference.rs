//! libFuzzer's door to the target `reference`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::reference::run(data));
