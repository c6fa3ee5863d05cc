//! libFuzzer's door to the target `openpgp_keys`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::openpgp_keys::run(data));
