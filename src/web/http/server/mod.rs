//! The HTTP server: actix-web's, on streams of ours that count connections and enforce timeouts.
//! [`connections`] admits connections and evicts them at capacity, `guarded_stream` limits how long
//! they may wait. Start reading at [`listen`].

pub(in crate::web) mod connections;
mod guarded_stream;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_http::HttpService;
use actix_http::error::DispatchError;
use actix_server::Server;
use actix_service::{IntoServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::Error;
use actix_web::dev::AppConfig;
use actix_web::rt::net::TcpStream;
use actix_web::web::Data;
use futures::future::ready;
use tokio::net::TcpSocket;

use crate::context::Context;
use crate::web::application::{Web, application};
use guarded_stream::{GuardedStream, Timeouts};

/// How long a connection may wait for its next request.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long the first request of a connection may take to begin.
const FIRST_HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection may take to close.
const LINGER: Duration = Duration::from_secs(1);
/// How many connections the operating system queues until they are accepted.
const BACKLOG: u32 = 2_048;

/// Listens on an address, where port 0 takes any free port, and returns the server to run.
pub fn listen(
    context: &Data<Context>,
    web: &Web,
    bind: SocketAddr,
    shutdown: Duration,
) -> io::Result<(SocketAddr, Server)> {
    let socket = if bind.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(bind)?;
    let listener = socket.listen(BACKLOG)?.into_std()?;
    let address = listener.local_addr()?;

    let request_timeout = context.config.request_timeout;
    // Longer than actix-web's timeout for the first request of a connection, which answers 408.
    let head_timeout = request_timeout + LINGER;
    let timeouts = Timeouts { idle: KEEP_ALIVE, head: head_timeout, answer: 3 * request_timeout };
    let builder = Server::build().disable_signals().shutdown_timeout(shutdown.as_secs());
    // actix-web counts by thread, and one thread may have all of them. Ours is the limit:
    // connections beyond it are accepted and then closed.
    let builder = builder.max_concurrent_connections(2 * web.intake().connections().total());
    let stopping = builder.graceful_shutdown_signal();
    let (context, web) = (context.clone(), web.clone());
    let builder = builder.listen("carillon", listener, move || {
        let stopping = stopping.clone();
        let stopped = move || {
            let stopping = stopping.clone();
            async move { stopping.notified().await }
        };
        let factory =
            map_config(application(context.clone(), web.clone()), |()| AppConfig::default());
        let http = HttpService::build()
            .graceful_shutdown_signal(stopped)
            .keep_alive(KEEP_ALIVE)
            // This timeout answers 408; the timeouts of our streams close the connection without an
            // answer.
            .client_request_timeout(request_timeout.min(FIRST_HEAD_TIMEOUT))
            // After a response that precedes the end of its request, the rest is read for this
            // long: otherwise the response is lost with the connection.
            .client_disconnect_timeout(LINGER)
            .on_connect_ext(|stream: &GuardedStream<TcpStream>, extensions| {
                drop(extensions.insert(Arc::clone(stream.connection())));
            })
            .h1(factory.into_factory().map_err(|error: Error| error.error_response()));
        let connections = web.intake().connections().clone();
        let accept = move |stream: TcpStream| {
            let peer = stream.peer_addr().ok();
            // Disables Nagle's algorithm: pages are compressed and sent in pieces, and the last
            // piece would wait up to 40 ms for the browser to acknowledge the one before.
            let admitted = stream.set_nodelay(true).map_err(DispatchError::Io).and_then(|()| {
                let full = || {
                    DispatchError::Io(io::Error::other(
                        "there is no capacity for another connection",
                    ))
                };
                let permit = connections.admit(peer.map(|peer| peer.ip())).ok_or_else(full)?;
                Ok((GuardedStream::new(stream, permit, timeouts), peer))
            });
            ready(admitted)
        };
        fn_service(accept).and_then(http)
    })?;
    Ok((address, builder.run()))
}
