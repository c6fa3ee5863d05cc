//! libFuzzer's door to the target `xattrs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ostree_container_fuzz::xattrs::run(data));
