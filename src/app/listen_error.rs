//! The error of an address that cannot be listened on.

use std::io::ErrorKind;
use std::net::SocketAddr;

use super::error::AppError;

/// The error for an address that cannot be listened on; it says what to do.
pub(super) fn listen_error(bind: SocketAddr, setting: &str, error: &std::io::Error) -> AppError {
    AppError::Other(match error.kind() {
        ErrorKind::AddrInUse => format!(
            "another program is already listening on {bind}: stop it, or set {setting} to a free \
             port"
        ),
        ErrorKind::PermissionDenied => format!(
            "no permission to listen on {bind}: ports below 1024 need root or \
             CAP_NET_BIND_SERVICE; set {setting} to another port"
        ),
        ErrorKind::AddrNotAvailable => {
            format!("{bind} is not an address of this machine: set {setting} to one that is")
        }
        _ => format!("cannot listen on {bind} ({setting}): {error}"),
    })
}
