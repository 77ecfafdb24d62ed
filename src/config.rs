//! Configuration from environment variables, each documented at its field.
