//! libFuzzer's door to the target `tar_split`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::tar_split::run(data));
