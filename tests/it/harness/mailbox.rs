//! A mail server for stories: [`Mailbox`] accepts every email, by plain SMTP on localhost.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

use super::waiting::poll_until;

/// A mail server and what it has received; dropping it stops it.
pub(crate) struct Mailbox {
    address: SocketAddr,
    received: Arc<Mutex<Vec<ReceivedEmail>>>,
    _server: AbortOnDropHandle<()>,
}

/// An email as the server has received it.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReceivedEmail {
    /// The sender in the envelope.
    pub(crate) from: String,
    /// The recipients in the envelope.
    pub(crate) to: Vec<String>,
    /// Headers and decoded text.
    pub(crate) source: String,
}

impl Mailbox {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::<Mutex<Vec<ReceivedEmail>>>::default();
        let server = tokio::spawn(serve(listener, Arc::clone(&received)));
        Self { address, received, _server: AbortOnDropHandle::new(server) }
    }

    /// The settings of a Carillon that sends its emails here.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        settings(&format!("smtp://{}?tls=none", self.address))
    }

    /// The settings of a Carillon whose mail server is down.
    pub(crate) async fn settings_of_none() -> Vec<(&'static str, String)> {
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        settings(&format!("smtp://carillon:hunter2@{closed}?tls=none"))
    }

    /// Waits until as many emails have arrived, and returns them, oldest first; fails if there are
    /// more.
    pub(crate) async fn emails(&self, count: usize) -> Vec<ReceivedEmail> {
        let emails = poll_until("the emails arrive", async || {
            let received = self.received.lock().unwrap().clone();
            (received.len() >= count).then_some(received)
        })
        .await;
        assert_eq!(emails.len(), count, "{emails:#?}");
        emails
    }
}

impl ReceivedEmail {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let (headers, _) = self.source.split_once("\n\n").unwrap();
        headers.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// The text below the headers.
    pub(crate) fn text(&self) -> &str {
        self.source.split_once("\n\n").unwrap().1
    }

    /// The only link in the text.
    pub(crate) fn link(&self) -> &str {
        let links: Vec<&str> =
            self.text().split_whitespace().filter(|word| word.contains("://")).collect();
        assert_eq!(links.len(), 1, "{}", self.source);
        links[0]
    }
}

fn settings(url: &str) -> Vec<(&'static str, String)> {
    vec![
        ("CARILLON_SMTP_URL", url.to_owned()),
        ("CARILLON_MAIL_FROM", "Carillon <carillon@example.com>".to_owned()),
    ]
}

async fn serve(listener: TcpListener, received: Arc<Mutex<Vec<ReceivedEmail>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let received = Arc::clone(&received);
        tokio::spawn(async move {
            if let Err(error) = converse(stream, &received).await {
                tracing::warn!(%error, "a conversation with the mailbox ended early");
            }
        });
    }
}

async fn converse(mut stream: TcpStream, received: &Mutex<Vec<ReceivedEmail>>) -> io::Result<()> {
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read).lines();
    let mut email = ReceivedEmail::default();
    write.write_all(b"220 mailbox\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let reply = if let Some(from) = address(&line, "MAIL FROM:") {
            email = ReceivedEmail { from, ..ReceivedEmail::default() };
            "250 a sender"
        } else if let Some(to) = address(&line, "RCPT TO:") {
            email.to.push(to);
            "250 a recipient"
        } else if line == "DATA" {
            write.write_all(b"354 go on\r\n").await?;
            email.source = decoded(content(&mut lines).await?);
            received.lock().unwrap().push(std::mem::take(&mut email));
            "250 accepted"
        } else if line.starts_with("EHLO ") {
            "250 mailbox"
        } else if line == "QUIT" {
            "221 bye"
        } else {
            "500 unknown"
        };
        write.write_all(format!("{reply}\r\n").as_bytes()).await?;
    }
    Ok(())
}

/// The address in a command such as `MAIL FROM:<ada@example.com>`.
fn address(line: &str, command: &str) -> Option<String> {
    let (address, _) = line.strip_prefix(command)?.strip_prefix('<')?.split_once('>')?;
    Some(address.to_owned())
}

/// Headers and text up to the line with a single dot; a dot before other lines is removed.
async fn content(lines: &mut Lines<impl AsyncBufRead + Unpin>) -> io::Result<String> {
    let mut content = String::new();
    while let Some(line) = lines.next_line().await?
        && line != "."
    {
        content.push_str(line.strip_prefix('.').unwrap_or(&line));
        content.push('\n');
    }
    Ok(content)
}

/// The source with its text as a mail program shows it: without the soft line breaks and escapes of
/// quoted-printable ASCII.
fn decoded(source: String) -> String {
    if source.contains("Content-Transfer-Encoding: quoted-printable\n") {
        source.replace("=\n", "").replace("=3D", "=")
    } else {
        source
    }
}
