//! What a proxy gets to see of a registry that is asked over TLS.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use oci_image::ImageSource;
use oci_registry::{Environment, RegistryOptions, RegistrySource, TransferOptions};

/// Asks for an image through a proxy with nothing behind it, and says what came of it.
fn ask_through(proxy: &str) -> String {
    let options = RegistryOptions {
        anonymous: true,
        timeout: Duration::from_secs(5),
        transfer: TransferOptions { retries: 0, persistence: Duration::ZERO, ..Default::default() },
        environment: Environment::new(Path::new("/nonexistent"), 0, &[("https_proxy", proxy)]),
        ..Default::default()
    };
    let source = RegistrySource::open("registry.example:5000/a/b:t", &options).expect("the name is good");
    format!("{:?}", source.manifest().expect_err("there is nothing behind the proxy"))
}

#[test]
fn a_socks_proxy_finds_the_addresses_of_hosts_itself() {
    for scheme in ["socks5", "socks5h"] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let proxy = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("somebody comes");
            let mut hello = [0; 2];
            stream.read_exact(&mut hello).expect("version 5, and how many ways to say who it is");
            stream.read_exact(&mut vec![0; usize::from(hello[1])]).expect("the ways");
            stream.write_all(&[5, 0]).expect("it listens");
            // Version, connect, reserved, kind of address, length of the name.
            let mut head = [0; 5];
            stream.read_exact(&mut head).expect("a request");
            let mut name = vec![0; usize::from(head[4]) + 2];
            stream.read_exact(&mut name).expect("name and port");
            stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).expect("it listens");
            let mut first = [0];
            stream.read_exact(&mut first).expect("the client speaks first");
            (head, name, first)
        });
        let text = ask_through(&format!("{scheme}://{address}"));
        // A client that asks for the name elsewhere never comes.
        assert!(!text.contains("resolv"), "{text}");
        let (head, name, first) = proxy.join().expect("the proxy ends");
        assert_eq!((head[..4].to_vec(), first), (vec![5, 1, 0, 3], [0x16]), "{scheme}");
        let (name, port) = name.split_at(name.len() - 2);
        assert_eq!((name, port), (&b"registry.example"[..], &5000_u16.to_be_bytes()[..]), "{scheme}");
    }
}

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
    let text = ask_through(&format!("http://ann:pw@{address}"));
    assert!(!text.contains("pw"), "{text}");
    let (head, first) = proxy.join().expect("the proxy ends");
    assert_eq!(head.first().map(String::as_str), Some("CONNECT registry.example:5000 HTTP/1.1"));
    let sent = head.iter().find(|line| line.to_ascii_lowercase().starts_with("proxy-authorization:"));
    assert!(sent.is_some_and(|line| line.ends_with("YW5uOnB3")), "{head:?}");
    assert_eq!(first, [0x16], "a TLS handshake follows");
}
