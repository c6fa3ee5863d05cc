//! libFuzzer's door to the target `dirtree`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::dirtree::run(data));
