//! Asks a server on this machine whether it is ready.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::app::AppError;

/// Done when `GET /readyz` at the address that the server listens on answers 200 within five
/// seconds.
pub(super) fn ask(bind: SocketAddr) -> Result<(), AppError> {
    let address = SocketAddr::new(reachable(bind.ip()), bind.port());
    let status = status(address).map_err(|error| {
        AppError::Other(format!("nothing answers at http://{address}/readyz: {error}"))
    })?;
    match status.split(' ').nth(1) {
        Some("200") => Ok(()),
        _ => Err(AppError::Other(format!(
            "http://{address}/readyz answers “{status}” where 200 means ready"
        ))),
    }
}

/// The address to call for one that is listened on: “all addresses” are reached through the
/// loopback.
fn reachable(bind: IpAddr) -> IpAddr {
    match bind {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

/// The first line of the answer. By hand, because a whole HTTP client is more than a line needs.
fn status(address: SocketAddr) -> io::Result<String> {
    let patience = Duration::from_secs(5);
    let mut stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    stream.write_all(
        format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut answer = Vec::new();
    stream.take(1024).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn answer(text: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let read = stream.read(&mut request).unwrap();
            assert!(request[..read].starts_with(b"GET /readyz HTTP/1.1\r\n"));
            stream.write_all(text.as_bytes()).unwrap();
        });
        address
    }

    #[test]
    fn only_200_means_ready() {
        ask(answer("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")).unwrap();
        let error =
            ask(answer("HTTP/1.1 503 Service Unavailable\r\n\r\n")).unwrap_err().to_string();
        assert!(error.contains("503"), "{error}");
        assert!(
            ask("127.0.0.1:1".parse().unwrap())
                .unwrap_err()
                .to_string()
                .contains("nothing answers")
        );
    }
}
