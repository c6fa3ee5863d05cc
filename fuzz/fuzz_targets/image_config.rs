//! libFuzzer's door to the target `image_config`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::image_config::run(data));
