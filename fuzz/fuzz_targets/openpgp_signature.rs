//! libFuzzer's door to the target `openpgp_signature`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::openpgp_signature::run(data));
