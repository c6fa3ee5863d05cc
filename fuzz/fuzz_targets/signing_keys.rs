//! libFuzzer's door to the target `signing_keys`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::signing_keys::run(data));
