//! The faults of the API's responses: errors, held requests and closed connections.

use std::any::Any;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;

use super::faults::Fault;
use super::refusal::Refusal;
use super::shared_state::Shared;

/// A duplicate handle of a connection's socket, with which a handler can close the connection.
pub(super) struct Socket(std::net::TcpStream);

/// Stores a duplicate handle of each connection's socket.
pub(super) fn store_socket(connection: &dyn Any, extensions: &mut Extensions) {
    if let Some(stream) = connection.downcast_ref::<TcpStream>()
        && let Ok(copy) = stream.as_fd().try_clone_to_owned()
    {
        extensions.insert(Socket(copy.into()));
    }
}

/// Applies a fault of the response. Returns the refusal to send instead of the response, or `None`
/// if the response is sent as usual.
pub(super) async fn apply(fault: Fault, request: &HttpRequest, shared: &Shared) -> Option<Refusal> {
    match fault {
        Fault::Refuse { code } => Some(Refusal::new(code)),
        Fault::TooManyRequests => Some(Refusal::new(20429)),
        Fault::ServerError | Fault::ServerErrorRecorded => Some(Refusal::new(20500)),
        Fault::Timeout | Fault::TimeoutRecorded => {
            // Ends after the hold time, or earlier when the simulator stops or is reset.
            let released = shared.release_stalled.notified();
            let _ = tokio::time::timeout(shared.options.hold, released).await;
            close_connection(request).await;
            Some(Refusal::new(20503))
        }
        Fault::Reset | Fault::ResetRecorded => {
            close_connection(request).await;
            Some(Refusal::new(20503))
        }
        Fault::Stall | Fault::StallRecorded => {
            shared.stall().await;
            None
        }
        Fault::Deliver
        | Fault::Undelivered { .. }
        | Fault::Failed { .. }
        | Fault::Slow
        | Fault::Shuffle
        | Fault::Repeat
        | Fault::DropCallbacks => None,
    }
}

/// Closes the connection with a TCP reset and without a response.
async fn close_connection(request: &HttpRequest) {
    let Some(socket) = request.conn_data::<Socket>() else {
        return;
    };
    if let Ok(copy) = socket.0.try_clone()
        && let Ok(stream) = TcpStream::from_std(copy)
    {
        let _ = stream.set_zero_linger();
    }
    let _ = socket.0.shutdown(Shutdown::Read);
    // The server drops this handler when it detects the end of the connection.
    let _ = tokio::time::timeout(Duration::from_secs(5), std::future::pending::<()>()).await;
    let _ = socket.0.shutdown(Shutdown::Both);
}
