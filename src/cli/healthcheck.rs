//! The `healthcheck` command: queries a server on this machine.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::app::AppError;

/// Succeeds if `GET /readyz`, at the address that the server listens on, answers 200 within five
/// seconds.
pub(super) fn check(bind: SocketAddr) -> Result<(), AppError> {
    let address = SocketAddr::new(connect_address(bind.ip()), bind.port());
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

/// The address to connect to for a bind address: “all addresses” becomes the loopback address.
fn connect_address(bind: IpAddr) -> IpAddr {
    match bind {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

/// Reads the status line of the response. A whole HTTP client would be more than one line needs.
fn status(address: SocketAddr) -> io::Result<String> {
    let timeout = Duration::from_secs(5);
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
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
        check(answer("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")).unwrap();
        let error =
            check(answer("HTTP/1.1 503 Service Unavailable\r\n\r\n")).unwrap_err().to_string();
        assert!(error.contains("503"), "{error}");
        assert!(
            check("127.0.0.1:1".parse().unwrap())
                .unwrap_err()
                .to_string()
                .contains("nothing answers")
        );
    }
}
