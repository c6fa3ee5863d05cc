//! What the loopback registry answers to each request (OCI distribution specification, "Endpoints").

use std::ops::Range;

use oci_image::Digest;

use crate::registry_auth;
use crate::registry_faults;
use crate::registry_http::{Delivery, Request, Response};
use crate::registry_state::{Behaviour, State};

/// The answer to a request.
pub(crate) fn answer(state: &mut State, host: &str, request: &Request) -> Response {
    let mut response = decide(state, host, request);
    // Parts of blobs have had theirs.
    if !is_blob(request)
        && let Some(trouble) = registry_faults::next(&mut state.behaviour.faults, request, 0, response.body.len())
    {
        let body = response.body.clone();
        response = registry_faults::spoil(response, &trouble, &body, 0);
    }
    if request.method == "HEAD" {
        response.delivery = Delivery::HeadOnly;
    }
    response
}

fn decide(state: &mut State, host: &str, request: &Request) -> Response {
    if state.behaviour.fail_first > 0 {
        state.behaviour.fail_first -= 1;
        return Response::error(503, "UNAVAILABLE", "try again");
    }
    if request.path() == "/token" {
        return registry_auth::token(state, request);
    }
    if let Some(challenge) = registry_auth::challenge(state, host, request) {
        return challenge;
    }
    let path = request.path().to_owned();
    let Some(rest) = path.strip_prefix("/v2/") else { return Response::error(404, "NOT_FOUND", "no such page") };
    if rest.is_empty() {
        return Response::new(200);
    }
    if let Some((repository, upload)) = rest.split_once("/blobs/uploads/") {
        return self::upload(state, host, request, (repository, upload));
    }
    if let Some((repository, digest)) = rest.split_once("/blobs/") {
        return blob(state, request, (repository, digest));
    }
    if let Some((repository, reference)) = rest.split_once("/manifests/") {
        return manifest(state, request, (repository, reference));
    }
    if let Some(repository) = rest.strip_suffix("/tags/list") {
        return tags(state, repository);
    }
    Response::error(404, "NAME_UNKNOWN", "no such path")
}

fn tags(state: &State, repository: &str) -> Response {
    let names = state.manifests.keys().filter(|(of, name)| of == repository && !name.contains(':'));
    let list: Vec<String> = names.map(|(_, name)| format!("{name:?}")).collect();
    if list.is_empty() {
        return Response::error(404, "NAME_UNKNOWN", "repository name not known to registry");
    }
    let body = format!(r#"{{"name":"{repository}","tags":[{}]}}"#, list.join(","));
    Response::new(200).header("Content-Type", "application/json").body(body.into_bytes())
}

fn blob(state: &mut State, request: &Request, (repository, digest): (&str, &str)) -> Response {
    let Behaviour { blobs_at, page, expired, .. } = &state.behaviour;
    if let Some(base) = blobs_at {
        let signature = format!("s3cret-{}", state.seen.len());
        return Response::new(307).header("Location", format!("{base}{}?signature={signature}", request.path()));
    }
    if expired.as_ref().is_some_and(|expired| request.query("signature").contains(expired)) {
        return Response::error(403, "DENIED", "request has expired");
    }
    if *page {
        return Response::page();
    }
    let Some(bytes) = state.blobs.get(&(repository.to_owned(), digest.to_owned())) else {
        return Response::error(404, "BLOB_UNKNOWN", "blob unknown to registry");
    };
    let mut bytes = spoilt(state, bytes);
    let length = bytes.len() as i64 + state.behaviour.extra;
    bytes.resize(usize::try_from(length).unwrap_or_default(), b'+');
    let (start, mut response) = match request.header("range").map(|range| asked(range, bytes.len())) {
        None => (0, Response::new(200).body(bytes.clone())),
        Some(Some(range)) => (range.start, Response::part(range, &bytes)),
        Some(None) => return Response::error(416, "RANGE_INVALID", "no such part"),
    };
    response.delivery = match &state.behaviour {
        Behaviour { cut: true, .. } => Delivery::Cut,
        Behaviour { stall: true, .. } => Delivery::Stall,
        Behaviour { no_length: true, .. } => Delivery::Chunked,
        _ => Delivery::Right,
    };
    let length = response.body.len();
    let response = match registry_faults::next(&mut state.behaviour.faults, request, start, length) {
        Some(trouble) => registry_faults::spoil(response, &trouble, &bytes, start),
        None => response,
    };
    let said = said_digest(state, digest);
    let typed = response.headers.iter().any(|(name, _)| name == "Content-Type");
    let response = if typed { response } else { response.header("Content-Type", "application/octet-stream") };
    response.header("Docker-Content-Digest", said)
}

/// The one closed or open range of a `Range` header within `length` bytes.
fn asked(range: &str, length: usize) -> Option<Range<usize>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let first = first.parse::<usize>().ok()?;
    let last = last.parse::<usize>().unwrap_or(usize::MAX).min(length.checked_sub(1)?);
    (first <= last).then_some(first..last + 1)
}

/// Whether a request asks for the bytes of a blob.
fn is_blob(request: &Request) -> bool {
    request.method == "GET" && request.path().contains("/blobs/")
}

fn manifest(state: &mut State, request: &Request, (repository, reference): (&str, &str)) -> Response {
    if request.method == "PUT" {
        let digest = Digest::sha256(&request.body).to_string();
        let kind = request.header("content-type").unwrap_or_default().to_owned();
        for name in [reference, &digest] {
            let key = (repository.to_owned(), name.to_owned());
            state.manifests.insert(key, (kind.clone(), request.body.clone()));
        }
        return Response::new(201).header("Docker-Content-Digest", said_digest(state, &digest));
    }
    if state.behaviour.page {
        return Response::page();
    }
    if let Some(length) = state.behaviour.huge_manifest {
        return Response::new(200).header("Content-Type", "application/json").body(vec![b' '; length]);
    }
    let Some((kind, bytes)) = state.manifests.get(&(repository.to_owned(), reference.to_owned())) else {
        return Response::error(404, "MANIFEST_UNKNOWN", "manifest unknown");
    };
    let said = said_digest(state, &Digest::sha256(bytes).to_string());
    let body = spoilt(state, bytes);
    Response::new(200).header("Content-Type", kind).header("Docker-Content-Digest", said).body(body)
}

fn upload(state: &mut State, host: &str, request: &Request, (repository, id): (&str, &str)) -> Response {
    if request.method == "POST" {
        return begin(state, host, request, repository);
    }
    let Some(number) = id.parse().ok().filter(|number| state.uploads.contains_key(number)) else {
        return Response::error(404, "BLOB_UPLOAD_UNKNOWN", "no such upload");
    };
    match request.method.as_str() {
        "PATCH" => patch(state, host, request, (repository, number)),
        "GET" => {
            let range = format!("0-{}", state.uploads.get(&number).map_or(0, Vec::len).saturating_sub(1));
            Response::new(204).header("Location", location(state, host, (repository, number))).header("Range", range)
        }
        "PUT" => end(state, request, (repository, number)),
        "DELETE" => {
            state.uploads.remove(&number);
            Response::new(204)
        }
        _ => Response::error(405, "UNSUPPORTED", "no such operation on an upload"),
    }
}

/// Keeps what came of an upload's body that broke off.
pub(crate) fn keep(state: &mut State, request: &Request) {
    let id = request.path().rsplit('/').next().and_then(|id| id.parse::<usize>().ok());
    if let Some(id) = id.filter(|_| state.behaviour.forgets_uploads) {
        state.uploads.remove(&id);
    }
    if let Some(held) = id.and_then(|id| state.uploads.get_mut(&id)) {
        held.extend_from_slice(&request.body);
    }
}

fn begin(state: &mut State, host: &str, request: &Request, repository: &str) -> Response {
    let wanted = (request.query("mount"), request.query("from"));
    if let ([digest], [from]) = (wanted.0.as_slice(), wanted.1.as_slice())
        && !state.behaviour.refuse_mount
        && let Some(bytes) = state.blobs.get(&(from.clone(), digest.clone())).cloned()
    {
        state.blobs.insert((repository.to_owned(), digest.clone()), bytes);
        return Response::new(201).header("Docker-Content-Digest", digest);
    }
    state.counter += 1;
    let number = state.counter;
    state.uploads.insert(number, Vec::new());
    let response = Response::new(202).header("Location", location(state, host, (repository, number)));
    match state.behaviour.min_piece {
        Some(length) => response.header("OCI-Chunk-Min-Length", length.to_string()),
        None => response,
    }
}

fn location(state: &State, host: &str, (repository, number): (&str, usize)) -> String {
    let path = format!("/v2/{repository}/blobs/uploads/{number}?_state=a%2Bb");
    match &state.behaviour {
        Behaviour { relative: true, .. } => path,
        Behaviour { uploads_at: Some(base), .. } => format!("{base}{path}"),
        _ => format!("http://{host}{path}"),
    }
}

fn patch(state: &mut State, host: &str, request: &Request, (repository, number): (&str, usize)) -> Response {
    let least = state.behaviour.min_piece.unwrap_or(0);
    let held = state.uploads.entry(number).or_default();
    let starts = request.header("content-range").and_then(|range| range.split('-').next()?.parse::<usize>().ok());
    if starts.is_some_and(|start| start != held.len()) {
        return Response::error(416, "BLOB_UPLOAD_INVALID", "this is not the next piece");
    }
    // Only the last piece may be smaller, so nothing comes after a smaller one.
    if least > 0 && !held.len().is_multiple_of(least) {
        return Response::error(416, "SIZE_INVALID", "the piece before was too small");
    }
    held.extend_from_slice(&request.body);
    let range = format!("0-{}", held.len().saturating_sub(1));
    Response::new(202).header("Location", location(state, host, (repository, number))).header("Range", range)
}

fn end(state: &mut State, request: &Request, (repository, number): (&str, usize)) -> Response {
    if request.query("_state") != ["a+b"] {
        return Response::error(400, "BLOB_UPLOAD_INVALID", "the location's query was lost");
    }
    if state.behaviour.pieces_only && !request.body.is_empty() {
        return Response::error(405, "UNSUPPORTED", "pieces only");
    }
    let mut bytes = state.uploads.remove(&number).unwrap_or_default();
    bytes.extend_from_slice(&request.body);
    let digest = Digest::sha256(&bytes).to_string();
    if request.query("digest") != [digest.as_str()] {
        return Response::error(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
    }
    state.blobs.insert((repository.to_owned(), digest.clone()), bytes);
    Response::new(201).header("Docker-Content-Digest", said_digest(state, &digest))
}

fn spoilt(state: &State, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let (true, Some(first)) = (state.behaviour.wrong_bytes, bytes.first_mut()) {
        *first ^= 1;
    }
    bytes
}

fn said_digest(state: &State, digest: &str) -> String {
    if state.behaviour.wrong_digest { Digest::sha256(b"something else").to_string() } else { digest.to_owned() }
}
