//! libFuzzer's door to the target `storage_records`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::storage_records::run(data));
