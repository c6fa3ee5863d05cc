//! Streaming tar <-> OSTree objects: the container export format.
