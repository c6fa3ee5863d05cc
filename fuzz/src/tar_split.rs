//! tar-split data, as container storages keep it of layers.

use oci_storage::tar_split::TarSplit;

/// Reading never panics, and the length is the one of all pieces.
pub fn run(data: &[u8]) {
    let mut split = TarSplit::new(data);
    let mut total = 0_u64;
    let whole = loop {
        match split.next_piece() {
            Ok(Some(piece)) => match total.checked_add(piece.len()) {
                Some(sum) => total = sum,
                None => break false,
            },
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    assert_eq!(TarSplit::new(data).total().ok(), whole.then_some(total));
}

/// Both types of lines, with and without everything optional.
pub fn seeds() -> Vec<Vec<u8>> {
    let archive = concat!(
        r#"{"type":2,"payload":"aGVhZA==","position":0}"#,
        "\n",
        r#"{"type":1,"name":"./d/","payload":null,"position":1}"#,
        "\n",
        r#"{"type":1,"name":"./d/x","size":1,"payload":"IxAAAAAAAAA=","position":2}"#,
        "\n",
    );
    let raw = r#"{"type":1,"name_raw":"/y94","size":2,"payload":"AAAAAAAAAAE=","position":3}"#;
    [archive, raw, ""].map(|text| text.as_bytes().to_vec()).into()
}
