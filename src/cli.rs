//! The command line: `carillon demo | serve | migrate | simulator | user | api-key`.
