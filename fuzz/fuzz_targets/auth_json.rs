//! libFuzzer's door to the target `auth_json`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::auth_json::run(data));
