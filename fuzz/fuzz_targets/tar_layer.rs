//! libFuzzer's door to the target `tar_layer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::tar_layer::run(data));
