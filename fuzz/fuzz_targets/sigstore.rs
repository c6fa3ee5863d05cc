//! libFuzzer's door to the target `sigstore`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::sigstore::run(data));
