//! Files opened and read ahead on a second thread while the stream is written.

use std::io::{Cursor, Read};
use std::sync::mpsc::{SyncSender, sync_channel};

use ostree_core::{FileId, ReadObject};

use super::objects::{OpenFile, open};
use super::plan::FileMap;
use crate::error::TarError;
use crate::limits::{MAX_READ_AHEAD, SMALL_FILE_SIZE};

/// How many files are ahead at most: with small files alone read in full, their content stays below the limit.
const AHEAD: usize = MAX_READ_AHEAD / SMALL_FILE_SIZE as usize;

/// Called with each file, opened, and its paths.
type Each<'e, 'p> = dyn FnMut(&FileId, &'p [String], OpenFile) -> Result<(), TarError> + 'e;

/// Opens the files in order and calls `each` with them. The content of small files is at hand by then.
pub(super) fn for_each_file<'p>(
    store: &dyn ReadObject,
    files: &'p FileMap,
    each: &mut Each<'_, 'p>,
) -> Result<(), TarError> {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(AHEAD);
        scope.spawn(move || read_ahead(store, files, &sender));
        for (id, paths) in files {
            // The channel closes early only after an error was sent through it, or with a panic of the other thread.
            let Ok(file) = receiver.recv() else { break };
            each(id, paths, file?)?;
        }
        Ok(())
    })
}

fn read_ahead(store: &dyn ReadObject, files: &FileMap, sender: &SyncSender<Result<OpenFile, TarError>>) {
    for id in files.keys() {
        let file = open(store, id).and_then(|file| read_small(id, file));
        let failed = file.is_err();
        // Nobody listens any more when writing the stream failed.
        if sender.send(file).is_err() || failed {
            return;
        }
    }
}

fn read_small(id: &FileId, mut file: OpenFile) -> Result<OpenFile, TarError> {
    if file.size <= SMALL_FILE_SIZE
        && let Some(content) = file.content.take()
    {
        let mut bytes = Vec::with_capacity(file.size as usize + 1);
        // One byte more than promised is enough to notice, when it is written, that there are too many.
        let read = content.take(file.size + 1).read_to_end(&mut bytes);
        read.map_err(|source| TarError::Content { file: *id, source })?;
        file.content = Some(Box::new(Cursor::new(bytes)));
    }
    Ok(file)
}
