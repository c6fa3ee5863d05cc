//! libFuzzer's door to the target `policy`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::policy::run(data));
