//! The OSTree object model: typed ids, GVariant codecs, hashing, tree algebra and the store traits.
