//! The one source of time, so that tests can advance it.
