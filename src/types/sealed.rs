//! Secrets sealed at rest: the key that seals them and the column type that holds them.
