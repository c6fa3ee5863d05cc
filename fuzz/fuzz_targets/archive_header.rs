//! libFuzzer's door to the target `archive_header`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::archive_header::run(data));
