//! A [`Relay`] between a client and Carillon, which shows what passes, and loses answers on demand.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use flate2::read::GzDecoder;
use reqwest::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, HOST, HeaderMap, HeaderName,
    HeaderValue, RETRY_AFTER,
};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

/// A request that has passed, with its answer.
#[derive(Debug, Clone)]
pub(super) struct Passed {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    /// The number of bytes of the body, decompressed.
    pub(super) bytes: usize,
    /// The body, decompressed.
    pub(super) body: Value,
    /// The status of Carillon's answer; none if there was no answer.
    pub(super) status: Option<u16>,
}

/// Passes requests on to a Carillon; dropping it stops it.
pub(super) struct Relay {
    address: SocketAddr,
    state: Arc<State>,
    _server: AbortOnDropHandle<()>,
}

struct State {
    /// The base URL of Carillon.
    url: String,
    http: reqwest::Client,
    passed: Mutex<Vec<Passed>>,
    /// For the next requests: whether the client gets the answer; afterwards it always does.
    is_answered: Mutex<VecDeque<bool>>,
}

impl Relay {
    /// Starts one to the Carillon at a base URL.
    pub(super) async fn to(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            url: url.to_owned(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            passed: Mutex::default(),
            is_answered: Mutex::default(),
        });
        let server = tokio::spawn(serve(listener, Arc::clone(&state)));
        Self { address, state, _server: AbortOnDropHandle::new(server) }
    }

    /// Its own base URL, for the client.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Loses the answer to the next request, which Carillon has performed.
    pub(super) fn lose_an_answer(&self) {
        self.state.is_answered.lock().unwrap().push_back(false);
    }

    /// What has passed, in the order of the answers.
    pub(super) fn passed(&self) -> Vec<Passed> {
        self.state.passed.lock().unwrap().clone()
    }
}

impl Passed {
    /// The ids of its calls.
    pub(super) fn message_ids(&self) -> Vec<String> {
        let batch = self.body["batch"].as_array().unwrap();
        batch.iter().map(|call| call["messageId"].as_str().unwrap().to_owned()).collect()
    }

    /// The value of a header, if it has it.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            if let Err(error) = state.relay(stream).await {
                tracing::warn!(%error, "a client and the relay lost each other");
            }
        });
    }
}

impl State {
    /// Passes on one request; the client opens a connection for each.
    async fn relay(&self, stream: TcpStream) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        let (path, headers, body) = read_request(&mut stream).await?;
        let mut own = headers.clone();
        for name in [ACCEPT_ENCODING, HOST, CONNECTION, CONTENT_LENGTH] {
            own.remove(name);
        }
        let request = self.http.post(format!("{}{path}", self.url)).headers(own).body(body.clone());
        let answer = request.send().await;
        let plain = if headers.get(CONTENT_ENCODING).is_some_and(|coding| coding == "gzip") {
            let mut plain = Vec::new();
            GzDecoder::new(&*body).read_to_end(&mut plain)?;
            plain
        } else {
            body
        };
        self.passed.lock().unwrap().push(Passed {
            path,
            headers,
            bytes: plain.len(),
            body: serde_json::from_slice(&plain)?,
            status: answer.as_ref().ok().map(|answer| answer.status().as_u16()),
        });
        let is_answered = self.is_answered.lock().unwrap().pop_front().unwrap_or(true);
        let Some(answer) = answer.ok().filter(|_| is_answered) else { return Ok(()) };
        let status = answer.status();
        let retry_after = match answer.headers().get(RETRY_AFTER) {
            Some(seconds) => format!("retry-after: {}\r\n", seconds.to_str().unwrap()),
            None => String::new(),
        };
        let body = answer.text().await.map_err(io::Error::other)?;
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             {retry_after}connection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    }
}

/// The path, headers and body of a request whose length is declared.
async fn read_request(
    stream: &mut BufReader<TcpStream>,
) -> io::Result<(String, HeaderMap, Vec<u8>)> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let path = line.split(' ').nth(1).ok_or(io::ErrorKind::UnexpectedEof)?.to_owned();
    let mut headers = HeaderMap::new();
    loop {
        line.clear();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.split_once(':') else { break };
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(io::Error::other)?;
        headers.append(name, HeaderValue::from_str(value.trim()).map_err(io::Error::other)?);
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await?;
    Ok((path, headers, body))
}
