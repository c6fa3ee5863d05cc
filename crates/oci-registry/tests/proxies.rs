//! What a proxy gets to see of a registry that is asked over TLS.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use oci_image::ImageSource;
use oci_registry::{Environment, RegistryOptions, RegistrySource, TransferOptions};

fn options(proxy: &str) -> RegistryOptions {
    RegistryOptions {
        anonymous: true,
        timeout: Duration::from_secs(2),
        transfer: TransferOptions { retries: 0, persistence: Duration::ZERO, ..Default::default() },
        environment: Environment::new(Path::new("/nonexistent"), 0, &[("https_proxy", proxy)]),
        ..Default::default()
    }
}

/// Asks for an image through a proxy with nothing behind it, and says what came of it.
fn ask_through(proxy: &str) -> String {
    let source = RegistrySource::open("registry.example:5000/a/b:t", &options(proxy)).expect("the name is good");
    told(&source)
}

/// What comes of asking for an image that is not to be had, for users and in all its parts.
fn told(source: &RegistrySource) -> String {
    let error = source.manifest().expect_err("there is none");
    format!("{}: {error:?}", error.source().map(ToString::to_string).unwrap_or_default())
}

#[test]
fn a_proxy_that_fails_is_named_with_its_variable_and_without_its_password() {
    for answer in ["HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n", "", "stall"] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let proxy = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("somebody comes");
            let mut some = [0; 1024];
            let _ = stream.read(&mut some).expect("the client speaks first");
            match answer {
                // Until the client is gone.
                "stall" => drop(stream.read(&mut some)),
                answer => stream.write_all(answer.as_bytes()).expect("it listens"),
            }
        });
        let text = ask_through(&format!("http://ann:secret@{address}"));
        let named = format!("a/b through the proxy http://{address} (https_proxy): ");
        assert!(text.contains(&named) && !text.contains("secret"), "{text}");
        proxy.join().expect("the proxy ends");
    }
}

#[test]
fn a_registry_without_tls_is_told_from_a_broken_one() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let registry = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody comes");
        let mut some = [0; 4096];
        let _ = stream.read(&mut some).expect("the client speaks first");
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").expect("it listens");
    });
    let source = RegistrySource::open(&format!("{address}/a/b:t"), &options("")).expect("the name is good");
    let text = told(&source);
    assert!(text.contains("what answers there speaks no TLS"), "{text}");
    registry.join().expect("the registry ends");
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
