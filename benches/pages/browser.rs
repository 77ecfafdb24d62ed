//! As much of a browser as the measurement needs: one request at a time over a connection that
//! stays open, with cookie and gzip.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::cases::{Case, Kind};

/// Longer than any page may take: an answer that does not come ends the measurement.
const TIMEOUT: Duration = Duration::from_secs(90);

/// Somebody who is signed in, and a program with a key.
pub(crate) struct Browser {
    address: SocketAddr,
    session: String,
    key: String,
    connection: Option<BufReader<TcpStream>>,
}

/// What came.
pub(crate) struct Answer {
    /// From the first byte of the request to the last of the answer, or of its head where it is a
    /// stream.
    pub(crate) took: Duration,
    /// How long the body was, as it was sent.
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

    /// Asks for what a case asks for; another status than it is to have is an error.
    pub(crate) fn get(&mut self, case: &Case) -> Outcome<Answer> {
        let who = match case.kind {
            Kind::Api => format!("Authorization: Bearer {}", self.key),
            Kind::Home | Kind::Page | Kind::Stream => {
                format!("Cookie: carillon_session={}", self.session)
            }
        };
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\n{who}\r\nAccept-Encoding: gzip\r\n\r\n",
            case.path, self.address
        );
        let mut connection = self.connect()?;
        let begun = Instant::now();
        connection.get_mut().write_all(request.as_bytes())?;
        let head = head(&mut connection)?;
        if case.kind == Kind::Stream {
            // It goes on without us: another connection next time.
            return expect(case, &head, &[]).map(|()| Answer { took: begun.elapsed(), bytes: 0 });
        }
        let body = body(&mut connection, &head)?;
        let took = begun.elapsed();
        expect(case, &head, &body)?;
        self.connection = Some(connection);
        Ok(Answer { took, bytes: body.len() })
    }

    /// Calls the API with JSON, or with nothing, and returns what it answered.
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
        let said = String::from_utf8_lossy(&body(&mut connection, &head)?).into_owned();
        if !(200..300).contains(&head.status) {
            return Err(format!("{method} {path} was answered with {}: {said}", head.status).into());
        }
        self.connection = Some(connection);
        Ok(said)
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
    let said = String::from_utf8_lossy(body).chars().take(500).collect::<String>();
    Err(format!(
        "{} was answered with {} instead of {}: {said}",
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
        .ok_or("an answer without a status")?;
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

/// The next line, without its end.
fn line(connection: &mut BufReader<TcpStream>) -> Outcome<String> {
    let mut line = String::new();
    if connection.read_line(&mut line)? == 0 {
        return Err("the answer breaks off".into());
    }
    Ok(line.trim_end().to_owned())
}
