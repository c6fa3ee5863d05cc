//! One blob on its way: from what is kept of it, then from the places that have it, going on after every break.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use oci_image::{Descriptor, DigestHasher};
use reqwest::StatusCode;
use tokio::time::Instant;

use crate::error::{Place, RegistryError};
use crate::exchange::Session;
use crate::limits::{self, BLOCK_BYTES};
use crate::pace::Grant;
use crate::partial::Partial;
use crate::partial_store::Room;
use crate::pipe::Sender;
use crate::route::{Route, Turns};
use crate::segment::{self, Opened, Segment};
use crate::wait::AnswerBody;

/// A blob on its way.
pub(crate) struct Transfer {
    route: Arc<Route>,
    descriptor: Descriptor,
    /// How many of its bytes came and were passed on or held back.
    at: u64,
    hasher: DigestHasher,
    partial: Option<Partial>,
    /// The partial blob grows no more.
    frozen: bool,
    out: Out,
    /// How many bytes did not come over the network; `None` where none are kept either.
    kept: Option<Arc<AtomicU64>>,
    right: Arc<AtomicBool>,
}

/// Where the bytes go.
enum Out {
    /// Into memory, until the digest is right.
    Held(Vec<u8>, Sender<RegistryError>),
    /// To the reader.
    Pipe(Sender<RegistryError>),
}

/// Why a transfer ended early.
enum End {
    /// It failed, and so the next try may.
    Failed(RegistryError),
    /// Nobody reads any more.
    Unread,
}

impl From<RegistryError> for End {
    fn from(error: RegistryError) -> Self {
        Self::Failed(error)
    }
}

impl Transfer {
    /// A transfer that begins with the first byte. `right` becomes true before the pipe ends whose bytes have the digest; that
    /// alone tells such an end from that of a transfer which nobody carried to one.
    pub(crate) fn new(
        route: Arc<Route>,
        descriptor: Descriptor,
        sender: Sender<RegistryError>,
        kept: Option<Arc<AtomicU64>>,
        right: Arc<AtomicBool>,
    ) -> Self {
        let held = descriptor.size <= limits::HELD_BYTES;
        let room = usize::try_from(descriptor.size).unwrap_or(usize::MAX);
        let out = if held { Out::Held(Vec::with_capacity(room), sender) } else { Out::Pipe(sender) };
        let hasher = DigestHasher::new(descriptor.digest.algorithm());
        Self { route, descriptor, at: 0, hasher, partial: None, frozen: false, out, kept, right }
    }

    /// Moves the blob into the pipe until its end, an error that lasts, or the reader's loss of interest.
    pub(crate) async fn run(mut self) {
        let ended = match self.all().await {
            Ok(()) => self.hand_over().await,
            ended => ended,
        };
        match ended {
            Ok(()) => self.right.store(true, Ordering::Release),
            Err(End::Failed(error)) => {
                let (Out::Held(_, sender) | Out::Pipe(sender)) = self.out;
                sender.fail(error);
            }
            Err(End::Unread) => {}
        }
    }

    async fn all(&mut self) -> Result<(), End> {
        if self.kept.is_some() {
            let (route, descriptor) = (Arc::clone(&self.route), self.descriptor.clone());
            self.partial = tokio::task::block_in_place(|| route.partials.as_ref()?.open(&descriptor).ok());
            self.pass_on_kept().await?;
        }
        let mut turns = self.route.turns_for(&self.descriptor.digest);
        loop {
            self.fetch_rest(&mut turns).await?;
            let Some(error) = self.wrong_digest(&turns) else { return Ok(()) };
            if let Some(partial) = self.partial.take() {
                partial.discard();
            }
            let Out::Held(held, _) = &mut self.out else {
                self.route.note_wrong(&self.descriptor.digest);
                return Err(error.into());
            };
            held.clear();
            self.at = 0;
            self.hasher = DigestHasher::new(self.descriptor.digest.algorithm());
            turns.next(error).await?;
        }
    }

    /// Gives out what was held back.
    async fn hand_over(&mut self) -> Result<(), End> {
        if let Out::Held(held, sender) = &mut self.out {
            let held = Bytes::from(std::mem::take(held));
            if !held.is_empty() {
                sender.send(held).await.map_err(|_| End::Unread)?;
            }
        }
        Ok(())
    }

    fn wrong_digest(&self, turns: &Turns) -> Option<RegistryError> {
        let actual = self.hasher.clone().finish();
        let expected = self.descriptor.digest.clone();
        let place = self.place(turns.session()?);
        (actual != expected).then_some(RegistryError::DigestMismatch { place, expected, actual })
    }

    fn place(&self, session: &Session) -> Arc<Place> {
        session.place("fetching", format!("blob {}", self.descriptor.digest))
    }

    /// Passes on what is kept of the blob, and what someone else who fetches it is just keeping.
    async fn pass_on_kept(&mut self) -> Result<(), End> {
        let patience = self.route.turns().session().map_or(limits::PATIENCE, |session| session.patience.idle);
        let (mut moved, mut length) = (Instant::now(), 0);
        while let Some(partial) = &mut self.partial {
            if let Some((block, hasher)) = tokio::task::block_in_place(|| partial.block(self.at, &self.hasher)) {
                self.at += block.len() as u64;
                self.hasher = hasher;
                if let Some(kept) = &self.kept {
                    kept.fetch_add(block.len() as u64, Ordering::Release);
                }
                self.send(block).await?;
                moved = Instant::now();
            } else if self.at == self.descriptor.size {
                return Ok(());
            } else if partial.is_owned() {
                if !partial.is_linked() || partial.cut(self.at).is_err() {
                    self.partial = None;
                }
                return Ok(());
            } else if partial.try_own() {
                // Look once more: it may have grown before it was left.
            } else if length != partial.length() {
                (moved, length) = (Instant::now(), partial.length());
            } else if moved.elapsed() >= patience * limits::FOLLOW_FACTOR {
                self.partial = None;
            } else {
                tokio::time::sleep(limits::FOLLOW_PAUSE).await;
            }
        }
        Ok(())
    }

    /// Fetches the rest.
    async fn fetch_rest(&mut self, turns: &mut Turns) -> Result<(), End> {
        let mut ranged = true;
        while self.at < self.descriptor.size {
            let Some(session) = turns.session().cloned() else { return Ok(()) };
            let before = self.at;
            let tried = self.part(&session, &mut ranged).await;
            if self.at > before {
                turns.progress();
            }
            match tried {
                Ok(()) => {}
                Err(End::Failed(error)) => {
                    // Who answers with something else where a part is asked for may have the whole.
                    let odd = matches!(error, RegistryError::NotRegistry { .. } | RegistryError::Encoded { .. });
                    turns.next(error).await?;
                    ranged = !(ranged && odd);
                }
                Err(End::Unread) => return Err(End::Unread),
            }
        }
        Ok(())
    }

    /// One question and its answer. Where a server cannot be asked for a part, `ranged` is cleared.
    async fn part(&mut self, session: &Session, ranged: &mut bool) -> Result<(), End> {
        let (route, place) = (Arc::clone(&self.route), self.place(session));
        let rest = self.at..self.descriptor.size;
        if let (Some(_), Out::Pipe(sender)) = (route.quota.max(), &self.out) {
            // A block that waits for its reader half-way would be lost when the budget of others ends the run.
            sender.drained().await.map_err(|_| End::Unread)?;
        }
        let mut grant = route.quota.grant_soon(&rest).await;
        let spent = || RegistryError::BudgetSpent { place: Arc::clone(&place), limit: route.quota.max().unwrap_or(0) };
        if grant.left() == 0 {
            return Err(spent().into());
        }
        let mut span = self.at..self.at + grant.left();
        let opened = segment::open(session, &self.descriptor, &place, span.clone(), *ranged).await?;
        let Opened::Part(Segment { response, skip }) = opened else {
            *ranged = false;
            return Ok(());
        };
        if response.status() == StatusCode::OK {
            // Who gives the whole blob where a part was asked for would do so again for the next part.
            grant.grow(skip + rest.end - rest.start);
            span.end = span.end.max(span.start + grant.left().saturating_sub(skip));
        }
        if self.receive(session, Segment { response, skip }, &mut grant, span.end).await? {
            return Ok(());
        }
        Err(spent().into())
    }

    /// Takes in the bytes of an answer up to `end`; `false` when the budget is spent before.
    async fn receive(
        &mut self,
        session: &Session,
        segment: Segment,
        grant: &mut Grant<'_>,
        end: u64,
    ) -> Result<bool, End> {
        let Segment { response, mut skip } = segment;
        let (route, place) = (Arc::clone(&self.route), self.place(session));
        let there = session.place_of(&response, &place);
        let mut arriving = AnswerBody::of(response, session.patience, &there);
        while let Some(mut piece) = arriving.next().await? {
            let enough = grant.take(piece.len());
            route.quota.throttle(piece.len()).await;
            let unwanted = usize::try_from(skip).map_or(piece.len(), |skip| skip.min(piece.len()));
            skip -= unwanted as u64;
            drop(piece.split_to(unwanted));
            self.accept(piece, end).await?;
            if self.at == end {
                // What else comes is not asked for. A stream that ends here can be used again.
                let _ = tokio::time::timeout(limits::DRAIN_TIME, arriving.next()).await;
                return Ok(true);
            }
            if !enough {
                return Ok(false);
            }
        }
        let (expected, actual) = (self.descriptor.size, self.at);
        Err(RegistryError::SizeMismatch { place, expected, actual }.into())
    }

    /// Takes in bytes of the blob up to `end`, keeps and passes them on.
    async fn accept(&mut self, mut piece: Bytes, end: u64) -> Result<(), End> {
        piece.truncate(usize::try_from(end - self.at).unwrap_or(usize::MAX));
        while !piece.is_empty() {
            let left = BLOCK_BYTES - self.at % BLOCK_BYTES;
            let part = piece.split_to(usize::try_from(left).map_or(piece.len(), |left| left.min(piece.len())));
            self.hasher.update(&part);
            let at = self.at;
            self.at += part.len() as u64;
            self.keep(at, &part);
            self.send(part).await?;
        }
        Ok(())
    }

    /// Writes a part of one block to the partial blob, while that is wanted.
    fn keep(&mut self, at: u64, part: &[u8]) {
        if at.is_multiple_of(BLOCK_BYTES) {
            self.look_for_room(at);
        }
        let Some(partial) = self.partial.as_ref().filter(|_| !self.frozen) else { return };
        let whole = self.at == self.descriptor.size;
        let right = !whole || self.hasher.clone().finish() == self.descriptor.digest;
        let ends = right && (whole || self.at.is_multiple_of(BLOCK_BYTES));
        let written = partial.write(at, part);
        let written = written.and_then(|()| if ends { partial.end_block(self.at, &self.hasher) } else { Ok(()) });
        if written.is_err() {
            self.partial.take().into_iter().for_each(Partial::discard);
        }
    }

    /// Looks whether the partial blob may grow by the block that begins at `at`. One that may not stays as it is, good for
    /// the next time, unless the space it takes is needed.
    fn look_for_room(&mut self, at: u64) {
        let (Some(partial), Some(store)) = (&mut self.partial, &self.route.partials) else { return };
        let block = self.descriptor.size.saturating_sub(at).min(BLOCK_BYTES);
        let more = block + self.descriptor.digest.algorithm().hex_len() as u64;
        match tokio::task::block_in_place(|| store.room(partial, &self.descriptor.digest, more)) {
            Room::Enough => {}
            Room::Full => {
                self.frozen = true;
                partial.release();
            }
            Room::NoSpace => self.partial.take().into_iter().for_each(Partial::discard),
        }
    }

    async fn send(&mut self, part: Bytes) -> Result<(), End> {
        if let Some(store) = &self.route.partials {
            store.pass_on(part.len() as u64);
        }
        match &mut self.out {
            Out::Held(held, _) => held.extend_from_slice(&part),
            Out::Pipe(sender) => sender.send(part).await.map_err(|_| End::Unread)?,
        }
        Ok(())
    }
}
