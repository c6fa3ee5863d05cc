//! What a proxy gets to see of a registry that is asked over TLS.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use oci_image::ImageSource;
use oci_registry::{Environment, RegistryOptions, RegistrySource, TransferOptions};

#[test]
fn tls_goes_through_a_tunnel_that_sees_no_more_than_the_address() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let proxy = std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("somebody comes");
        let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a line");
            if line.trim().is_empty() {
                break;
            }
            head.push(line.trim().to_owned());
        }
        (&stream).write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").expect("it listens");
        let mut first = [0];
        reader.read_exact(&mut first).expect("the client speaks first");
        (head, first)
    });
    let variables = [("https_proxy", format!("http://ann:pw@{address}"))];
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let options = RegistryOptions {
        anonymous: true,
        timeout: Duration::from_secs(5),
        transfer: TransferOptions { retries: 0, persistence: Duration::ZERO, ..Default::default() },
        environment: Environment::new(Path::new("/nonexistent"), 0, &variables),
        ..Default::default()
    };
    let source = RegistrySource::open("registry.example:5000/a/b:t", &options).expect("the name is good");
    let text = format!("{:?}", source.manifest().expect_err("there is nothing behind the proxy"));
    assert!(!text.contains("pw"), "{text}");
    let (head, first) = proxy.join().expect("the proxy ends");
    assert_eq!(head.first().map(String::as_str), Some("CONNECT registry.example:5000 HTTP/1.1"));
    let sent = head.iter().find(|line| line.to_ascii_lowercase().starts_with("proxy-authorization:"));
    assert!(sent.is_some_and(|line| line.ends_with("YW5uOnB3")), "{head:?}");
    assert_eq!(first, [0x16], "a TLS handshake follows");
}
