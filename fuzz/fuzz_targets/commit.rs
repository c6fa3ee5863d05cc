//! libFuzzer's door to the target `commit`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::commit::run(data));
