//! Whether whoever asked is still there.
//!
//! An answer that takes long while nothing of it can be written does not notice that nobody waits for it any more: only the connection
//! itself tells.

use std::{any::Any, io::ErrorKind, net::TcpStream, os::fd::AsFd, sync::Arc};

use actix_web::dev::Extensions;
use actix_web::{HttpRequest, rt};

/// A second hold on the connection of a request.
#[derive(Clone)]
pub(super) struct Wire(Arc<TcpStream>);

/// Keeps a second hold on each connection, for [`Wire::of`].
pub fn keep_wire(connection: &dyn Any, extensions: &mut Extensions) {
    if let Some(stream) = connection.downcast_ref::<rt::net::TcpStream>()
        && let Ok(copy) = stream.as_fd().try_clone_to_owned()
    {
        extensions.insert(Wire(Arc::new(copy.into())));
    }
}

impl Wire {
    /// The connection that a request came by; none if it cannot be held.
    pub(super) fn of(request: &HttpRequest) -> Option<Self> {
        request.conn_data().cloned()
    }

    /// Whether the other side has hung up.
    pub(super) fn is_cut(&self) -> bool {
        match self.0.peek(&mut [0]) {
            Ok(waiting) => waiting == 0,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_connection_is_cut_when_the_other_side_has_gone_and_not_while_it_is_silent_or_asks_for_more() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut caller = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (ours, _) = listener.accept().unwrap();
        ours.set_nonblocking(true).unwrap();
        let wire = Wire(Arc::new(ours));
        assert!(!wire.is_cut());
        drop(caller);
        while !wire.is_cut() {
            std::thread::yield_now();
        }

        caller = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let wire = Wire(Arc::new(listener.accept().unwrap().0));
        caller.write_all(b"GET /").unwrap();
        assert!(!wire.is_cut());
    }
}
