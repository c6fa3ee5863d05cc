//! gzip written by several threads as one member, with bytes that depend on the input and the level alone.
//!
//! The input is cut into blocks of a fixed size. Each block is deflated on its own, with the 32 KiB before it as preset
//! dictionary, and ended on a byte boundary by a sync flush, so that the pieces simply follow each other. The last one
//! carries the end mark. A reader sees one deflate stream (RFC 1951) in one member (RFC 1952).

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender};
use flate2::{Compress, FlushCompress, Status};

/// Uncompressed bytes of a block. Smaller blocks cost size (each starts with fresh Huffman tables), larger ones memory.
const BLOCK: usize = 256 * 1024;
/// Bytes a deflate back-reference can reach.
const WINDOW: usize = 32 * 1024;
/// The sync flush's empty block and the longest expansion of incompressible input, with room to spare.
const fn output_bound(input: usize) -> usize {
    input + input / 8 + 1024
}

/// Threads that deflate blocks, shared by any number of writers. They end when the last clone is dropped.
#[derive(Clone)]
pub struct Workers {
    shared: Arc<Shared>,
}

struct Shared {
    jobs: usize,
    /// `None` with one job, which runs in the writer's own thread; taken when the threads are to end.
    queue: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked was already reported to the writer that waited for its block.
            let _ = thread.join();
        }
    }
}

impl Workers {
    /// Starts `jobs` threads; none for 0 or 1, where each writer compresses in its caller's thread.
    ///
    /// # Errors
    /// The operating system's, when it gives no more threads.
    pub fn new(jobs: usize) -> io::Result<Self> {
        let jobs = jobs.max(1);
        if jobs == 1 {
            return Ok(Self { shared: Arc::new(Shared { jobs, queue: None, threads: Vec::new() }) });
        }
        let (queue, work) = crossbeam_channel::unbounded::<Job>();
        let mut threads = Vec::with_capacity(jobs);
        for _ in 0..jobs {
            let work = work.clone();
            let builder = std::thread::Builder::new().name("deflate".to_owned());
            threads.push(builder.spawn(move || serve(&work))?);
        }
        Ok(Self { shared: Arc::new(Shared { jobs, queue: Some(queue), threads }) })
    }

    /// How many blocks are compressed at once.
    pub fn jobs(&self) -> usize {
        self.shared.jobs
    }
}

fn serve(work: &Receiver<Job>) {
    for mut job in work {
        run(&mut job.block);
        // A writer that was dropped no longer waits; the block goes with it.
        let _ = job.reply.send(job.block);
    }
}

struct Job {
    block: Block,
    reply: Sender<Block>,
}

/// A block on its way through a worker, with its buffers, which are used again.
#[derive(Default)]
struct Block {
    /// The dictionary (`dictionary` bytes), then the data.
    input: Vec<u8>,
    dictionary: usize,
    level: u32,
    last: bool,
    output: Vec<u8>,
    crc: crc32fast::Hasher,
    failed: Option<io::Error>,
}

impl Block {
    fn data_len(&self) -> usize {
        self.input.len() - self.dictionary
    }

    /// Empties the block and gives it the last bytes of `previous` as dictionary.
    fn start(&mut self, previous: &[u8], level: u32) {
        let tail = previous.get(previous.len().saturating_sub(WINDOW)..).unwrap_or_default();
        self.input.clear();
        self.input.reserve(WINDOW + BLOCK);
        self.input.extend_from_slice(tail);
        self.dictionary = tail.len();
        self.level = level;
        self.last = false;
    }
}

/// Deflates a block into its output buffer and notes what went wrong.
fn run(block: &mut Block) {
    block.failed = deflate(block).err();
}

fn deflate(block: &mut Block) -> io::Result<()> {
    // A compressor that is reset keeps its old hash chains, and what they lead to shows in the output. Only a new one
    // gives the same bytes whatever its thread did before.
    let mut compress = Compress::new(flate2::Compression::new(block.level), false);
    let (dictionary, data) = block.input.split_at(block.dictionary);
    if !dictionary.is_empty() {
        compress.set_dictionary(dictionary)?;
    }
    block.crc = crc32fast::Hasher::new();
    block.crc.update(data);
    block.output.clear();
    block.output.reserve(output_bound(data.len()));
    deflate_all(&mut compress, data, block.last, &mut block.output)
}

/// Deflates all of `data` and flushes it, into the spare room of `output`, which grows should the bound not hold.
fn deflate_all(compress: &mut Compress, data: &[u8], last: bool, output: &mut Vec<u8>) -> io::Result<()> {
    let flush = if last { FlushCompress::Finish } else { FlushCompress::Sync };
    let start = compress.total_in();
    loop {
        let taken = usize::try_from(compress.total_in() - start).unwrap_or(usize::MAX);
        let rest = data.get(taken..).unwrap_or_default();
        let status = compress.compress_vec(rest, output, flush)?;
        let done = match status {
            Status::StreamEnd => true,
            // A flush is complete when there is room left behind it.
            Status::Ok | Status::BufError => !last && output.len() < output.capacity(),
        };
        if done {
            return Ok(());
        }
        output.reserve(output_bound(0).max(output.capacity() / 2));
    }
}

/// A writer that compresses what it is given to one gzip member in `out`.
pub(super) struct ParallelGzip<W: Write> {
    out: W,
    workers: Workers,
    level: u32,
    current: Block,
    waiting: VecDeque<Receiver<Block>>,
    free: Vec<Block>,
    crc: crc32fast::Hasher,
    /// The uncompressed length modulo 2^32, as the trailer has it (ISIZE, RFC 1952, 2.3.1).
    length: u32,
    header_written: bool,
}

impl<W: Write> ParallelGzip<W> {
    pub(super) fn new(out: W, level: u32, workers: Workers) -> Self {
        let mut current = Block::default();
        current.start(&[], level);
        Self {
            out,
            workers,
            level,
            current,
            waiting: VecDeque::new(),
            free: Vec::new(),
            crc: crc32fast::Hasher::new(),
            length: 0,
            header_written: false,
        }
    }

    /// Compresses the rest, writes the trailer and gives the inner writer back.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.current.last = true;
        self.submit()?;
        while !self.waiting.is_empty() {
            self.collect()?;
        }
        let crc = std::mem::take(&mut self.crc).finalize();
        self.out.write_all(&crc.to_le_bytes())?;
        self.out.write_all(&self.length.to_le_bytes())?;
        Ok(self.out)
    }

    /// Gives the current block to a worker and starts the next, whose dictionary is its end.
    fn submit(&mut self) -> io::Result<()> {
        let mut next = self.free.pop().unwrap_or_default();
        next.start(&self.current.input, self.level);
        let mut block = std::mem::replace(&mut self.current, next);
        let Some(queue) = &self.workers.shared.queue else {
            run(&mut block);
            return self.emit(block);
        };
        let (reply, result) = crossbeam_channel::bounded(1);
        queue.send(Job { block, reply }).map_err(|_| worker_lost())?;
        self.waiting.push_back(result);
        // Two blocks a worker: one being compressed, one ready, so that none waits for this thread.
        while self.waiting.len() >= 2 * self.workers.shared.jobs {
            self.collect()?;
        }
        Ok(())
    }

    /// Waits for the oldest block and writes it.
    fn collect(&mut self) -> io::Result<()> {
        match self.waiting.pop_front() {
            Some(result) => {
                let block = result.recv().map_err(|_| worker_lost())?;
                self.emit(block)
            }
            None => Ok(()),
        }
    }

    fn emit(&mut self, mut block: Block) -> io::Result<()> {
        if let Some(error) = block.failed.take() {
            return Err(error);
        }
        if !self.header_written {
            self.out.write_all(&header(self.level))?;
            self.header_written = true;
        }
        self.crc.combine(&block.crc);
        self.length = self.length.wrapping_add(block.data_len() as u32);
        self.out.write_all(&block.output)?;
        self.free.push(block);
        Ok(())
    }
}

fn worker_lost() -> io::Error {
    io::Error::other("a compression thread ended unexpectedly")
}

/// No flags, no time, no name; the extra flags say what the level was as zlib does, and the system is "unknown".
fn header(level: u32) -> [u8; 10] {
    let extra = match level {
        0 | 1 => 4,
        9 => 2,
        _ => 0,
    };
    [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, extra, 0xff]
}

impl<W: Write> Write for ParallelGzip<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        // Only when more follows: the last block must be known as such.
        if self.current.data_len() >= BLOCK {
            self.submit()?;
        }
        let room = BLOCK - self.current.data_len();
        let taken = bytes.get(..room.min(bytes.len())).unwrap_or_default();
        self.current.input.extend_from_slice(taken);
        Ok(taken.len())
    }

    /// Does nothing: a flush would change the bytes.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    /// Words in random order: text whose hash chains are long, as the shortcuts of a compressor depend on them.
    fn sample(length: usize) -> Vec<u8> {
        let words = [&b"usr/"[..], b"lib", b"share/", b"\0\0\0\0\0\0", b"ostree", b"s", b".so.1", b"kernel", b"0755"];
        let mut state = 1_u32;
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            match (state >> 20) as usize % 12 {
                word @ 0..9 => bytes.extend_from_slice(words[word]),
                _ => bytes.push((state >> 24) as u8),
            }
        }
        bytes.truncate(length);
        bytes
    }

    fn gzip(bytes: &[u8], level: u32, jobs: usize, piece: usize) -> Vec<u8> {
        let mut writer = ParallelGzip::new(Vec::new(), level, Workers::new(jobs).unwrap());
        for chunk in bytes.chunks(piece) {
            writer.write_all(chunk).unwrap();
        }
        writer.finish().unwrap()
    }

    #[test]
    fn one_member_that_reads_back() {
        for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 77] {
            for level in [0, 1, 6, 9] {
                let bytes = sample(length);
                let stored = gzip(&bytes, level, 1, 10_000);
                let mut back = Vec::new();
                let mut rest = &stored[..];
                flate2::bufread::GzDecoder::new(&mut rest).read_to_end(&mut back).unwrap();
                assert!(back == bytes, "{length} bytes, level {level}");
                assert!(rest.is_empty(), "one member holds everything");
            }
        }
    }

    #[test]
    fn the_bytes_depend_on_neither_threads_nor_pieces() {
        let bytes = sample(9 * BLOCK + 5);
        let expected = gzip(&bytes, 6, 1, bytes.len());
        for (jobs, piece) in [(2, 1000), (3, BLOCK), (8, BLOCK + 1), (1, 511)] {
            assert!(gzip(&bytes, 6, jobs, piece) == expected, "{jobs} jobs, pieces of {piece}");
        }
    }

    #[test]
    fn incompressible_bytes_fit() {
        let mut state = 7_u64;
        let bytes: Vec<u8> = (0..BLOCK * 2)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state as u8
            })
            .collect();
        for level in [0, 1, 2, 6] {
            let mut back = Vec::new();
            flate2::bufread::GzDecoder::new(&gzip(&bytes, level, 2, BLOCK)[..]).read_to_end(&mut back).unwrap();
            assert!(back == bytes, "level {level}");
        }
    }

    #[test]
    fn writers_share_workers() {
        let workers = Workers::new(2).unwrap();
        let bytes = sample(3 * BLOCK);
        let mut first = ParallelGzip::new(Vec::new(), 1, workers.clone());
        let mut second = ParallelGzip::new(Vec::new(), 6, workers);
        first.write_all(&bytes).unwrap();
        second.write_all(&bytes).unwrap();
        drop(first);
        assert!(second.finish().unwrap() == gzip(&bytes, 6, 1, BLOCK));
    }
}
