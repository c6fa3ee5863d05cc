//! libFuzzer's door to the target `ostreemeta`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::ostreemeta::run(data));
