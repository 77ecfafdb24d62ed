//! Events: what contacts did, reported from outside.
