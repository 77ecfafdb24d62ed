//! [`LogFormat`]: how log lines are written.

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One line for people, coloured on a terminal.
    Text,
    /// One JSON object per line, for collectors.
    Json,
}
