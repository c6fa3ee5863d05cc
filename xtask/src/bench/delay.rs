//! A way to a server that takes its time: every byte arrives later than it was sent, however many are under way.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// How much is taken over at once.
const PIECE: usize = 64 << 10;

/// Bytes and when they are due.
type Piece = (Instant, Vec<u8>);

/// Opens a port that leads to `server`, where everything takes `delay` in either direction, and gives its address. It is
/// served for as long as this process lives.
///
/// # Errors
/// No port can be opened.
pub fn before(server: &str, delay: Duration) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").context("open a port")?;
    let address = listener.local_addr()?.to_string();
    let server = server.to_owned();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            // A connection that fails is noticed by whoever made it.
            let _ = connect(client, &server, delay);
        }
    });
    Ok(address)
}

fn connect(client: TcpStream, server: &str, delay: Duration) -> Result<()> {
    let server = TcpStream::connect(server)?;
    for (from, to) in [(client.try_clone()?, server.try_clone()?), (server, client)] {
        to.set_nodelay(true)?;
        let (sender, receiver) = channel();
        thread::spawn(move || take(from, &sender, delay));
        thread::spawn(move || give(to, &receiver));
    }
    Ok(())
}

fn take(mut from: TcpStream, sender: &Sender<Piece>, delay: Duration) {
    let mut buffer = vec![0; PIECE];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if sender.send((Instant::now() + delay, buffer[..count].to_vec())).is_err() {
            return;
        }
    }
}

fn give(mut to: TcpStream, receiver: &Receiver<Piece>) {
    for (due, bytes) in receiver {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if to.write_all(&bytes).is_err() {
            return;
        }
    }
    // The end of one direction says nothing of the other.
    let _ = to.shutdown(Shutdown::Write);
}
