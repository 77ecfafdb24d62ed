//! The subset of HTTP/1.1 that the benchmark needs: messages with a Content-Length over keep-alive
//! connections.

use std::io::{Error, ErrorKind, Result, Write};
use std::net::SocketAddr;
use std::ops::Range;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection of a client or a server.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// The length of the last read message in the buffer.
    used: usize,
}

/// The ranges of a message in the buffer of its connection.
pub(crate) struct Message {
    start_line: Range<usize>,
    body: Range<usize>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        Self::over(TcpStream::connect(address).await?)
    }

    pub(crate) fn over(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(4096), used: 0 })
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Reads the next message; `None` if the peer has closed the connection between two messages.
    pub(crate) async fn read(&mut self) -> Result<Option<Message>> {
        self.buffer.drain(..self.used);
        self.used = 0;
        loop {
            if let Some(message) = parse(&self.buffer)? {
                self.used = message.body.end;
                return Ok(Some(message));
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return if self.buffer.is_empty() {
                    Ok(None)
                } else {
                    Err(ErrorKind::UnexpectedEof.into())
                };
            }
        }
    }

    /// Sends a request and reads the response; returns its status and the message.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<(u16, Message)> {
        self.write(request).await?;
        let answer = self.read().await?.ok_or(ErrorKind::UnexpectedEof)?;
        let status =
            self.start_line(&answer).split(' ').nth(1).and_then(|status| status.parse().ok());
        Ok((status.ok_or_else(|| malformed("a response without a status"))?, answer))
    }

    /// The first line: `POST /path HTTP/1.1` or `HTTP/1.1 200 OK`.
    pub(crate) fn start_line(&self, message: &Message) -> &str {
        std::str::from_utf8(&self.buffer[message.start_line.clone()]).unwrap_or_default()
    }

    pub(crate) fn body(&self, message: &Message) -> &[u8] {
        &self.buffer[message.body.clone()]
    }
}

/// The bytes of a request.
pub(crate) fn request(
    method: &str,
    host: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256 + body.len());
    // Writing to a Vec cannot fail.
    let _ = write!(bytes, "{method} {path} HTTP/1.1\r\nHost: {host}\r\n");
    for (name, value) in headers {
        let _ = write!(bytes, "{name}: {value}\r\n");
    }
    let _ = write!(bytes, "Content-Length: {}\r\n\r\n", body.len());
    bytes.extend_from_slice(body);
    bytes
}

fn parse(bytes: &[u8]) -> Result<Option<Message>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head =
        std::str::from_utf8(&bytes[..end]).map_err(|_| malformed("a head that is not UTF-8"))?;
    let mut lines = head.split("\r\n");
    let start_line = 0..lines.next().unwrap_or_default().len();
    let mut length = 0;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            length = value
                .trim()
                .parse()
                .map_err(|_| malformed("a Content-Length that is not a number"))?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(malformed("a chunked body, which is not supported"));
        }
    }
    let body = end + 4..end + 4 + length;
    Ok((bytes.len() >= body.end).then_some(Message { start_line, body }))
}

fn malformed(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}
