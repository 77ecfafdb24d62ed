//! A fake Twilio with little overhead: accepts messages, records their times and recipients, and
//! responds after a configurable latency.

use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::time::{Duration, Instant};

use carillon::clock::Clock;
use parking_lot::Mutex;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;

use crate::Outcome;
use crate::http::{Connection, Message};

pub(crate) const ACCOUNT_SID: &str = "ACbe000000000000000000000000000001";
pub(crate) const AUTH_TOKEN: &str = "be70c0ffee70c0ffee70c0ffee70c0ff";
pub(crate) const SENDER: &str = "+12065550199";
const NUMBER_SID: &str = "PNbe000000000000000000000000000001";

/// The running fake Twilio.
pub(crate) struct FakeTwilio {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

/// A posted message.
#[derive(Clone)]
pub(crate) struct Post {
    /// When the request was read completely.
    pub(crate) at: Instant,
    pub(crate) to: String,
    /// The status callback URL without its fragment.
    pub(crate) status_callback: String,
    pub(crate) sid: String,
}

struct Shared {
    latency_us: AtomicU64,
    in_flight: AtomicUsize,
    peak_in_flight: AtomicUsize,
    count: AtomicUsize,
    posts: Mutex<Vec<Post>>,
    /// The first half of every SID; the second half is the serial number.
    run: u64,
    serial: AtomicU64,
    date: String,
}

impl FakeTwilio {
    /// Starts the server on a free port.
    pub(crate) async fn start(on: &Handle) -> Outcome<Self> {
        let shared = Arc::new(Shared {
            latency_us: AtomicU64::new(0),
            in_flight: AtomicUsize::new(0),
            peak_in_flight: AtomicUsize::new(0),
            count: AtomicUsize::new(0),
            posts: Mutex::default(),
            run: rand::random(),
            serial: AtomicU64::new(0),
            date: Clock::system().now().format("%a, %d %b %Y %H:%M:%S +0000").to_string(),
        });
        let serving = Arc::clone(&shared);
        let address = on
            .spawn(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await?;
                let address = listener.local_addr()?;
                tokio::spawn(async move {
                    while let Ok((stream, _)) = listener.accept().await {
                        tokio::spawn(serve(stream, Arc::clone(&serving)));
                    }
                });
                std::io::Result::Ok(address)
            })
            .await??;
        Ok(Self { address, shared })
    }

    /// Deletes the recorded messages and sets the latency of responses.
    pub(crate) fn begin(&self, latency: Duration) {
        self.shared
            .latency_us
            .store(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX), Relaxed);
        self.shared.count.store(0, Relaxed);
        self.shared.peak_in_flight.store(0, Relaxed);
        self.shared.posts.lock().clear();
    }

    /// The number of posted messages.
    pub(crate) fn count(&self) -> usize {
        self.shared.count.load(Relaxed)
    }

    /// The highest number of requests in progress at the same time.
    pub(crate) fn peak_in_flight(&self) -> usize {
        self.shared.peak_in_flight.load(Relaxed)
    }

    /// The posted messages, oldest first.
    pub(crate) fn posts(&self) -> Vec<Post> {
        self.shared.posts.lock().clone()
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) -> std::io::Result<()> {
    let mut connection = Connection::over(stream)?;
    let mut answer = Vec::with_capacity(2048);
    while let Some(request) = connection.read().await? {
        answer.clear();
        if connection.start_line(&request).starts_with("POST ")
            && connection.start_line(&request).contains("/Messages.json")
        {
            let in_flight = shared.in_flight.fetch_add(1, Relaxed) + 1;
            shared.peak_in_flight.fetch_max(in_flight, Relaxed);
            shared.accept(connection.body(&request), in_flight, &mut answer);
            let latency = shared.latency_us.load(Relaxed);
            if latency > 0 {
                tokio::time::sleep(Duration::from_micros(latency)).await;
            }
            shared.in_flight.fetch_sub(1, Relaxed);
        } else {
            answer_other(&connection, &request, &mut answer);
        }
        connection.write(&answer).await?;
    }
    Ok(())
}

impl Shared {
    /// Records a message and writes Twilio's response to it.
    fn accept(&self, form: &[u8], in_flight: usize, answer: &mut Vec<u8>) {
        let at = Instant::now();
        let form: HashMap<_, _> = url::form_urlencoded::parse(form).collect();
        let field = |name: &str| form.get(name).map(ToString::to_string).unwrap_or_default();
        let (to, from, text) = (field("To"), field("From"), field("Body"));
        let number = self.serial.fetch_add(1, Relaxed);
        let sid = format!("SM{:016x}{number:016x}", self.run);
        let mut status_callback = field("StatusCallback");
        status_callback.truncate(status_callback.find('#').unwrap_or(status_callback.len()));
        self.posts.lock().push(Post { at, to: to.clone(), status_callback, sid: sid.clone() });
        let uri = format!("/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{sid}");
        let body = json!({
            "body": text, "num_segments": "1", "direction": "outbound-api", "from": from, "to": to,
            "date_created": self.date, "date_updated": self.date, "date_sent": null, "price": null, "price_unit": "USD",
            "error_code": null, "error_message": null, "uri": format!("{uri}.json"), "account_sid": ACCOUNT_SID, "num_media": "0",
            "status": "queued", "messaging_service_sid": null, "sid": sid, "api_version": "2010-04-01",
            "subresource_uris": {
                "media": format!("{uri}/Media.json"),
                "feedback": format!("{uri}/Feedback.json")
            },
        })
        .to_string();
        let extra = format!(
            "Twilio-Request-Id: RQ{number:032x}\r\nTwilio-Concurrent-Requests: {in_flight}\r\n"
        );
        write_answer(answer, "201 CREATED", &extra, &body);
        self.count.fetch_add(1, Relaxed);
    }
}

/// Writes the responses to the requests of connecting an account and of periodic work: the account,
/// its only number, an empty list of messages.
fn answer_other(connection: &Connection, request: &Message, answer: &mut Vec<u8>) {
    let path = connection.start_line(request).split(' ').nth(1).unwrap_or_default();
    let number = || {
        json!({
            "sid": NUMBER_SID, "account_sid": ACCOUNT_SID, "phone_number": SENDER, "friendly_name": "Bench", "sms_url": "", "sms_method": "POST",
            "capabilities": {
                "voice": false,
                "sms": true,
                "mms": false,
                "fax": false
            }, "sms_application_sid": "", "status": "in-use",
        })
    };
    let body = if path.contains(&format!("/IncomingPhoneNumbers/{NUMBER_SID}")) {
        number()
    } else if path.contains("/IncomingPhoneNumbers.json") {
        json!({ "incoming_phone_numbers": [number()], "next_page_uri": null })
    } else if path.contains("/Messages.json") {
        json!({ "messages": [], "next_page_uri": null })
    } else if path.ends_with(&format!("/Accounts/{ACCOUNT_SID}.json")) {
        json!({ "sid": ACCOUNT_SID, "friendly_name": "Bench", "status": "active", "type": "Full" })
    } else {
        write_answer(
            answer,
            "404 NOT FOUND",
            "",
            &json!({ "code": 20404, "message": "not found", "status": 404 }).to_string(),
        );
        return;
    };
    write_answer(answer, "200 OK", "", &body.to_string());
}

fn write_answer(answer: &mut Vec<u8>, status: &str, extra: &str, body: &str) {
    // Writing to a Vec cannot fail.
    let _ = write!(
        answer,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{extra}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
}
