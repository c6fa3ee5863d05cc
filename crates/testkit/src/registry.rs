//! A loopback OCI registry for tests, on threads and plain HTTP/1.1, that misbehaves on request.

use std::io::{self, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use oci_image::Digest;

use crate::registry_faults;
pub use crate::registry_faults::{Fault, On, Trouble};
use crate::registry_http::Request;
use crate::registry_routes;
use crate::registry_state::State;
pub use crate::registry_state::{Auth, Behaviour, Seen};

/// A running registry. Dropping it ends it.
#[derive(Debug)]
pub struct Registry {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    over: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl Registry {
    /// Starts a registry on a free port of the loopback interface.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start(behaviour: Behaviour) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State { behaviour, ..State::default() }));
        let over = Arc::new(AtomicBool::new(false));
        let (shared, ended) = (Arc::clone(&state), Arc::clone(&over));
        let acceptor = thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                if let Ok(stream) = stream {
                    let (shared, ended) = (Arc::clone(&shared), Arc::clone(&ended));
                    thread::spawn(move || drop(serve(stream, address, &shared, &ended)));
                }
            }
        });
        Ok(Self { address, state, over, acceptor: Some(acceptor) })
    }

    /// `127.0.0.1:PORT`, as image names begin.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes the registry's behaviour from now on.
    pub fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.state().behaviour);
    }

    /// Puts a blob into a repository.
    pub fn put_blob(&self, repository: &str, bytes: &[u8]) -> Digest {
        let digest = Digest::sha256(bytes);
        self.state().blobs.insert((repository.to_owned(), digest.to_string()), bytes.to_vec());
        digest
    }

    /// Puts a manifest into a repository, under its digest and `tag`.
    pub fn put_manifest(&self, repository: &str, tag: &str, media_type: &str, bytes: &[u8]) -> Digest {
        let digest = Digest::sha256(bytes);
        for name in [tag, &digest.to_string()] {
            let key = (repository.to_owned(), name.to_owned());
            self.state().manifests.insert(key, (media_type.to_owned(), bytes.to_vec()));
        }
        digest
    }

    /// A blob of a repository, if it is there.
    pub fn blob(&self, repository: &str, digest: &Digest) -> Option<Vec<u8>> {
        self.state().blobs.get(&(repository.to_owned(), digest.to_string())).cloned()
    }

    /// The media type and bytes of a manifest, by tag or digest.
    pub fn manifest(&self, repository: &str, reference: &str) -> Option<(String, Vec<u8>)> {
        self.state().manifests.get(&(repository.to_owned(), reference.to_owned())).cloned()
    }

    /// Is away for so long: closes every connection without a word.
    pub fn go_away(&self, time: Duration) {
        self.state().behaviour.away_until = Some(Instant::now() + time);
    }

    /// Adds a fault.
    pub fn fault(&self, fault: Fault) {
        self.state().behaviour.faults.push(fault);
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        self.state().seen.clear();
    }

    /// Every request so far, in order.
    pub fn seen(&self) -> Vec<Seen> {
        self.state().seen.clone()
    }

    /// How many uploads were begun and neither ended nor cancelled.
    pub fn open_uploads(&self) -> usize {
        self.state().uploads.len()
    }

    /// How many tokens were given out.
    pub fn tokens_given(&self) -> usize {
        self.state().tokens.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes the acceptor; should that fail, it is not waited for.
        let woken = TcpStream::connect(self.address).is_ok();
        if let Some(acceptor) = self.acceptor.take().filter(|_| woken) {
            let _ = acceptor.join();
        }
    }
}

/// Serves one connection to its end.
fn serve(mut stream: TcpStream, address: SocketAddr, state: &Mutex<State>, over: &AtomicBool) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let most = |request: &Request| registry_faults::upload_cut(&mut locked(state).behaviour.faults, request);
    while let Some(request) = Request::read(&mut reader, most)? {
        if locked(state).behaviour.away_until.is_some_and(|until| Instant::now() < until) {
            return Ok(());
        }
        let (response, index, delay, rate) = {
            let mut state = locked(state);
            state.seen.push(Seen {
                method: request.method.clone(),
                target: request.target.clone(),
                authorization: request.header("authorization").map(str::to_owned),
                length: request.body.len(),
                range: request.header("range").map(str::to_owned),
                given: 0,
            });
            let index = state.seen.len() - 1;
            if request.broken {
                registry_routes::keep(&mut state, &request);
                return Ok(());
            }
            let response = registry_routes::answer(&mut state, &address.to_string(), &request);
            (response, index, state.behaviour.delay, state.behaviour.rate)
        };
        thread::sleep(delay);
        let (given, goes_on) = response.write(&mut stream, rate, &|| over.load(Ordering::SeqCst));
        if let Some(seen) = locked(state).seen.get_mut(index) {
            seen.given = given;
        }
        if !goes_on? {
            return Ok(());
        }
    }
    Ok(())
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(|e| e.into_inner())
}
