//! libFuzzer's door to the target `image_payload`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::image_payload::run(data));
