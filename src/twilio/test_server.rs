//! A minimal HTTP server for tests of the client: reads a request and reacts as the test wants.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::{Client, ClientOptions, Credentials};

/// Reaction to a complete request.
#[derive(Clone)]
pub(super) enum Reaction {
    /// Answers with this status and body.
    Answer(u16, String),
    /// Keeps the connection open without answering.
    Hang,
    /// Closes the connection.
    Close,
    /// Announces a longer body than it sends, then closes the connection.
    Truncate(u16, String),
}

/// A received request.
#[derive(Clone, Debug)]
pub(super) struct ReceivedRequest {
    pub(super) line: String,
    pub(super) head: String,
    pub(super) body: String,
}

pub(super) struct TestServer {
    pub(super) url: Url,
    requests: Arc<Mutex<Vec<ReceivedRequest>>>,
    connections: Arc<Mutex<usize>>,
}

impl TestServer {
    /// Starts a server that reacts in this order, and repeats the last reaction.
    pub(super) async fn start(reactions: Vec<Reaction>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let (requests, connections) = (Arc::default(), Arc::default());
        let server =
            Self { url, requests: Arc::clone(&requests), connections: Arc::clone(&connections) };
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                *connections.lock().unwrap() += 1;
                tokio::spawn(serve(stream, reactions.clone(), Arc::clone(&requests)));
            }
        });
        server
    }

    pub(super) fn client(&self) -> Client {
        let timeout = Duration::from_millis(400);
        let options =
            ClientOptions { api_url: Some(self.url.clone()), timeout, ..ClientOptions::default() };
        Client::new(&options).unwrap()
    }

    pub(super) fn requests(&self) -> Vec<ReceivedRequest> {
        self.requests.lock().unwrap().clone()
    }

    pub(super) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

pub(super) fn credentials() -> Credentials {
    Credentials::with_auth_token("AC0123456789abcdef0123456789abcdef", &"0a1b2c".into()).unwrap()
}

async fn serve(
    stream: TcpStream,
    reactions: Vec<Reaction>,
    requests: Arc<Mutex<Vec<ReceivedRequest>>>,
) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read_request(&mut stream).await {
        let count = {
            let mut requests = requests.lock().unwrap();
            requests.push(request);
            requests.len()
        };
        let reaction = reactions.get(count - 1).or(reactions.last()).cloned().unwrap();
        let (status, body, promised) = match reaction {
            Reaction::Answer(status, body) => (status, body.clone(), body.len()),
            Reaction::Truncate(status, body) => (status, body.clone(), body.len() + 100),
            Reaction::Hang => return std::future::pending().await,
            Reaction::Close => return,
        };
        let head = format!(
            "HTTP/1.1 {status} Whatever\r\nContent-Length: {promised}\r\nTwilio-Request-Id: RQ123\r\n\
             Twilio-Concurrent-Requests: 7\r\nLocation: /elsewhere\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        if promised > body.len() {
            return;
        }
    }
}

async fn read_request(stream: &mut BufReader<TcpStream>) -> Option<ReceivedRequest> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.trim().parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let line = head.lines().next()?.to_owned();
    Some(ReceivedRequest { line, head, body: String::from_utf8(body).ok()? })
}
