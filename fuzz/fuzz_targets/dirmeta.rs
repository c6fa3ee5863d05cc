//! libFuzzer's door to the target `dirmeta`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::dirmeta::run(data));
