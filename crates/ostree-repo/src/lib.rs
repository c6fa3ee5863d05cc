//! The OSTree object store on disk: every repository mode, refs, transactions, commit, checkout, fsck and prune.
