//! libFuzzer's door to the target `file_header`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::file_header::run(data));
