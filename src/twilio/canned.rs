//! A small HTTP server for the tests of the client: it reads a request, and answers what the test
//! wants, or not at all.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::{Client, ClientOptions, Credentials};

/// What the server does once it has read a request whole.
#[derive(Clone)]
pub(super) enum Act {
    /// Answers with this status and body.
    Answer(u16, String),
    /// Keeps the connection open, and says nothing.
    Hang,
    /// Closes the connection.
    Close,
    /// Promises a longer body than it sends, and closes.
    Truncate(u16, String),
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) line: String,
    pub(super) head: String,
    pub(super) body: String,
}

pub(super) struct Canned {
    pub(super) url: Url,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<Mutex<usize>>,
}

impl Canned {
    /// Starts a server that does these acts in order, and the last one for ever.
    pub(super) async fn start(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let (seen, connections) = (Arc::default(), Arc::default());
        let server = Self { url, seen: Arc::clone(&seen), connections: Arc::clone(&connections) };
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                *connections.lock().unwrap() += 1;
                tokio::spawn(serve(stream, acts.clone(), Arc::clone(&seen)));
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

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

pub(super) fn credentials() -> Credentials {
    Credentials::with_auth_token("AC0123456789abcdef0123456789abcdef", &"0a1b2c".into()).unwrap()
}

async fn serve(stream: TcpStream, acts: Vec<Act>, seen: Arc<Mutex<Vec<Seen>>>) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await {
        let count = {
            let mut seen = seen.lock().unwrap();
            seen.push(request);
            seen.len()
        };
        let act = acts.get(count - 1).or(acts.last()).cloned().unwrap();
        let (status, body, promised) = match act {
            Act::Answer(status, body) => (status, body.clone(), body.len()),
            Act::Truncate(status, body) => (status, body.clone(), body.len() + 100),
            Act::Hang => return std::future::pending().await,
            Act::Close => return,
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

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Seen> {
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
    Some(Seen { line, head, body: String::from_utf8(body).ok()? })
}
