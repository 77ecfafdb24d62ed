//! A minimal HTTP client like a browser: one request at a time over a keep-alive connection, with a
//! session cookie and gzip.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::case::{Case, Kind};

/// The read timeout, longer than any page may take; it ends the measurement.
const TIMEOUT: Duration = Duration::from_secs(90);

/// A client with a session of a signed-in user for pages and an API key for the API.
pub(crate) struct Browser {
    address: SocketAddr,
    session: String,
    key: String,
    connection: Option<BufReader<TcpStream>>,
}

/// The measurement of a response.
pub(crate) struct Response {
    /// The time from the first byte of the request to the last byte of the response; for a stream,
    /// to the last byte of its head.
    pub(crate) elapsed: Duration,
    /// The length of the body as sent.
    pub(crate) bytes: usize,
}

struct Head {
    status: u16,
    length: Option<usize>,
    chunked: bool,
}

impl Browser {
    pub(crate) const fn new(address: SocketAddr, session: String, key: String) -> Self {
        Self { address, session, key, connection: None }
    }

    /// Sends the request of a case; another status than the expected one is an error.
    pub(crate) fn get(&mut self, case: &Case) -> Outcome<Response> {
        let credentials = match case.kind {
            Kind::Api => format!("Authorization: Bearer {}", self.key),
            Kind::Home | Kind::Page | Kind::Stream => {
                format!("Cookie: carillon_session={}", self.session)
            }
        };
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\n{credentials}\r\nAccept-Encoding: gzip\r\n\r\n",
            case.path, self.address
        );
        let mut connection = self.connect()?;
        let started = Instant::now();
        connection.get_mut().write_all(request.as_bytes())?;
        let head = head(&mut connection)?;
        if case.kind == Kind::Stream {
            // The connection is dropped, because the stream does not end.
            let response = Response { elapsed: started.elapsed(), bytes: 0 };
            return expect(case, &head, &[]).map(|()| response);
        }
        let body = body(&mut connection, &head)?;
        let elapsed = started.elapsed();
        expect(case, &head, &body)?;
        self.connection = Some(connection);
        Ok(Response { elapsed, bytes: body.len() })
    }

    /// Calls the API with a JSON or an empty body; returns the body of the response.
    pub(crate) fn call(&mut self, method: &str, path: &str, json: &str) -> Outcome<String> {
        let request = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{json}",
            self.address,
            self.key,
            json.len()
        );
        let mut connection = self.connect()?;
        connection.get_mut().write_all(request.as_bytes())?;
        let head = head(&mut connection)?;
        let text = String::from_utf8_lossy(&body(&mut connection, &head)?).into_owned();
        if !(200..300).contains(&head.status) {
            return Err(format!("{method} {path} was answered with {}: {text}", head.status).into());
        }
        self.connection = Some(connection);
        Ok(text)
    }

    fn connect(&mut self) -> Outcome<BufReader<TcpStream>> {
        if let Some(open) = self.connection.take() {
            return Ok(open);
        }
        let stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        Ok(BufReader::with_capacity(64 * 1024, stream))
    }
}

fn expect(case: &Case, head: &Head, body: &[u8]) -> Outcome<()> {
    if head.status == case.status {
        return Ok(());
    }
    let text = String::from_utf8_lossy(body).chars().take(500).collect::<String>();
    Err(format!(
        "{} was answered with {} instead of {}: {text}",
        case.path, head.status, case.status
    )
    .into())
}

fn head(connection: &mut BufReader<TcpStream>) -> Outcome<Head> {
    let first = line(connection)?;
    let status = first
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .ok_or("a response without a status")?;
    let mut head = Head { status, length: None, chunked: false };
    loop {
        let line = line(connection)?;
        let Some((name, value)) = line.split_once(':') else { return Ok(head) };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => head.length = Some(value.trim().parse()?),
            "transfer-encoding" => head.chunked = value.trim() == "chunked",
            _ => {}
        }
    }
}

fn body(connection: &mut BufReader<TcpStream>, head: &Head) -> Outcome<Vec<u8>> {
    let mut body = Vec::new();
    if !head.chunked {
        connection.take(u64::try_from(head.length.unwrap_or(0))?).read_to_end(&mut body)?;
        return Ok(body);
    }
    loop {
        let length = u64::from_str_radix(&line(connection)?, 16)?;
        connection.by_ref().take(length).read_to_end(&mut body)?;
        line(connection)?;
        if length == 0 {
            return Ok(body);
        }
    }
}

/// Reads a line, without its line ending.
fn line(connection: &mut BufReader<TcpStream>) -> Outcome<String> {
    let mut line = String::new();
    if connection.read_line(&mut line)? == 0 {
        return Err("the response is incomplete".into());
    }
    Ok(line.trim_end().to_owned())
}
