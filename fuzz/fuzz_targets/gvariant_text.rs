//! libFuzzer's door to the target `gvariant_text`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::gvariant_text::run(data));
