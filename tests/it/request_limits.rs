//! Limits on requests: compressed, endless, half-sent or unread ones cost neither memory nor
//! connections, and webhooks of Twilio get through at the same time.

use std::io::Write;
use std::time::{Duration, Instant};

use carillon::app::ProcessRole;
use carillon::clock::Clock;
use carillon::users::Role;
use flate2::write::GzEncoder;
use flate2::{Compress, Compression, FlushCompress};
use futures::future::join_all;
use reqwest::Response;
use reqwest::header::CONTENT_ENCODING;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use twilio_simulator::{ACCOUNT_SID, AUTH_TOKEN, LONG_CODE, sign};

use crate::harness::carillon_process::{Process, ProcessOptions};
use crate::harness::fixtures::PASSWORD;
use crate::harness::{HANDSET, TestApp, TestOptions};

const MB: u64 = 1 << 20;
const FORM: &str = "application/x-www-form-urlencoded";

async fn with_system_clock() -> TestApp {
    TestApp::with(TestOptions { clock: Clock::system(), ..TestOptions::default() }).await
}

/// A gigabyte of zeros, compressed to about a megabyte.
fn bomb() -> Vec<u8> {
    let mut compress = Compress::new(Compression::best(), false);
    let (zeros, mut block) = (vec![0; 1 << 20], Vec::with_capacity(1 << 16));
    compress.compress_vec(&zeros, &mut block, FlushCompress::Full).unwrap();
    assert_eq!(compress.total_in(), MB);
    let mut bomb = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    (0..1_024).for_each(|_| bomb.extend_from_slice(&block));
    bomb
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_gigabyte_is_never_decompressed() {
    let app = with_system_clock().await;
    let twilio = app.connect_twilio().await;
    let process = app.process(ProcessRole::Web).await;
    let url = format!("http://{}", process.bind());
    let bomb = bomb();
    assert!(bomb.len() < 2 << 20, "{}", bomb.len());
    let post = async |path: &str, kind: &str, key: Option<&str>| {
        let request = app
            .http
            .post(format!("{url}{path}"))
            .header(CONTENT_ENCODING, "gzip")
            .header("Content-Type", kind);
        let request = if let Some(key) = key { request.bearer_auth(key) } else { request };
        request.body(bomb.clone()).send().await.map(|answer| answer.status().as_u16())
    };
    app.http.get(format!("{url}/login")).send().await.unwrap();
    let before = process.peak_memory();
    let inbound = format!("/hooks/twilio/{}/inbound", twilio.connection_id);
    let key = app.api().key.clone();
    for (path, kind, key, expected) in [
        ("/login", FORM, None, 415),
        (inbound.as_str(), FORM, None, 415),
        ("/contacts", FORM, None, 415),
        ("/api/v1/events", "application/json", None, 401),
        ("/api/v1/events", "application/json", Some(key.as_str()), 413),
    ] {
        let answers = join_all((0..40).map(|_| post(path, kind, key))).await;
        // A client that sends its whole body first may find the connection closed.
        let statuses: Vec<u16> = answers.into_iter().flatten().collect();
        assert!(
            statuses.len() >= 20 && statuses.iter().all(|status| *status == expected),
            "{path}: {statuses:?}"
        );
        let more = process.peak_memory().saturating_sub(before);
        assert!(more < 160 * MB, "{path} took {} MB", more / MB);
    }
    let listed = process.api(&app).get("/contacts").await.ok();
    assert_eq!(listed["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_accepts_gzip_up_to_its_limit_and_names_what_it_refuses() {
    let app = TestApp::start().await;
    let post = async |coding: &str, body: Vec<u8>| -> Response {
        let request =
            app.http.post(format!("{}/contacts", app.api().url)).bearer_auth(&app.api().key);
        request
            .header("Content-Type", "application/json")
            .header(CONTENT_ENCODING, coding)
            .body(body)
            .send()
            .await
            .unwrap()
    };
    let contact = json!({ "phone": HANDSET, "first_name": "Zoë" }).to_string();
    assert_eq!(post("gzip", gzip(contact.as_bytes())).await.status(), 201);
    assert_eq!(app.contact_of(HANDSET).await["first_name"], "Zoë");
    assert_eq!(
        post("identity", contact.clone().into_bytes()).await.status(),
        422,
        "the body is parsed, and the contact exists"
    );

    for (coding, body, status, code) in [
        ("br", contact.clone().into_bytes(), 415, "unsupported_encoding"),
        ("deflate", contact.clone().into_bytes(), 415, "unsupported_encoding"),
        ("zstd", contact.clone().into_bytes(), 415, "unsupported_encoding"),
        ("gzip, gzip", gzip(&gzip(contact.as_bytes())), 415, "unsupported_encoding"),
        ("gzip", gzip(&gzip(contact.as_bytes())), 400, "malformed"),
        ("gzip", contact.clone().into_bytes(), 400, "malformed"),
        ("gzip", gzip(contact.as_bytes())[..20].to_vec(), 400, "malformed"),
        ("gzip", gzip(&vec![b' '; 5 << 20]), 413, "too_large"),
        ("identity", vec![b' '; 5 << 20], 413, "too_large"),
    ] {
        let answer = post(coding, body).await;
        assert_eq!(answer.status(), status, "{coding}");
        let text = answer.text().await.unwrap();
        assert!(text.contains(&format!("\"code\":\"{code}\"")), "{coding}: {text}");
    }
    assert_eq!(app.count("contacts").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_form_or_webhook_is_refused_with_a_reason() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let path = format!("/hooks/twilio/{}/inbound", twilio.connection_id);
    let params = [
        ("MessageSid", "SM00000000000000000000000000000001"),
        ("AccountSid", ACCOUNT_SID),
        ("From", HANDSET),
        ("To", LONG_CODE),
        ("Body", "STOP"),
    ];
    for coding in ["gzip", "deflate", "br", "GZIP", "identity, gzip"] {
        let answer =
            app.signed_call(&path, &params).header(CONTENT_ENCODING, coding).send().await.unwrap();
        assert_eq!(answer.status(), 415, "{coding}");
        assert!(answer.text().await.unwrap().contains("without Content-Encoding"), "{coding}");
    }
    assert_eq!(app.count("suppressions").await, 0);
    assert_eq!(
        app.signed_call(&path, &params)
            .header(CONTENT_ENCODING, "identity")
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(app.count("suppressions").await, 1);

    let answer = app
        .http
        .post(format!("{}/login", app.url))
        .header("Content-Type", FORM)
        .header(CONTENT_ENCODING, "gzip");
    let answer = answer.body(gzip(b"email=a&password=b")).send().await.unwrap();
    assert_eq!(answer.status(), 415);
    assert!(answer.text().await.unwrap().contains("This form is compressed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_signed_in_users_may_send_large_forms() {
    let app = TestApp::start().await;
    app.user("ada@example.com", Role::Admin).await;
    let large = "x".repeat(200_000);
    let stranger = app.site();
    let form = stranger.open("/login").await.form("/login").with("email", "ada@example.com");
    assert_eq!(stranger.send(&form.clone().with("password", &large)).await.status, 413);
    stranger.send(&form.with("password", PASSWORD)).await.ok();
    let form = stranger
        .open("/contacts/new")
        .await
        .ok()
        .form("/contacts")
        .with("phone", HANDSET)
        .with("first_name", &large);
    assert_eq!(
        stranger.send(&form).await.status,
        422,
        "the form is parsed, and the name is too long"
    );
    let form = form.with("first_name", &"x".repeat(3 << 20));
    assert_eq!(stranger.send(&form).await.status, 413);
}

/// A client without an idle connection, which the server might have closed.
fn new_client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Sends the beginning of a request on a new connection.
async fn begin_request(process: &Process, start: &str) -> TcpStream {
    let mut stream = TcpStream::connect(process.bind()).await.unwrap();
    stream.write_all(start.as_bytes()).await.unwrap();
    stream
}

/// Waits until the server closes a connection, and returns what it sent.
async fn read_until_closed(mut stream: TcpStream) -> String {
    let mut received = Vec::new();
    // A reset also ends the connection.
    let _ = stream.read_to_end(&mut received).await;
    String::from_utf8_lossy(&received).into_owned()
}

/// Incomplete requests.
fn half_sent(hook: &str) -> [String; 5] {
    let head = format!("Host: localhost\r\nContent-Type: {FORM}\r\n");
    [
        format!("POST /login HTTP/1.1\r\n{head}Content-Length: 1000\r\n\r\nemail=a"),
        format!("POST {hook} HTTP/1.1\r\n{head}Content-Length: 1000\r\n\r\nBody=a"),
        format!("POST /login HTTP/1.1\r\n{head}Transfer-Encoding: chunked\r\n\r\n5\r\nemail\r\n"),
        format!("GET /healthz HTTP/1.1\r\n{head}Transfer-Encoding: chunked\r\n\r\n5\r\nemail\r\n"),
        "POST /login HTTP/1.1\r\nHost: local".to_owned(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn half_sent_requests_time_out_and_do_not_block_a_stop() {
    let app = with_system_clock().await;
    let twilio = app.connect_twilio().await;
    let settings = [
        ("CARILLON_REQUEST_TIMEOUT", "3"),
        ("CARILLON_MAX_CONNECTIONS", "400"),
        ("CARILLON_CONNECTIONS_PER_CALLER", "100000"),
    ];
    let process = app
        .process_with(
            ProcessRole::Web,
            ProcessOptions { settings: &settings, ..ProcessOptions::default() },
        )
        .await;
    let hook = format!("/hooks/twilio/{}/inbound", twilio.connection_id);
    let before = process.open_files();
    let starts = half_sent(&hook);
    let mut open = Vec::new();
    for number in 0..1_100 {
        open.push(begin_request(&process, &starts[number % starts.len()]).await);
    }

    let params: Vec<(String, String)> = [
        ("MessageSid", "SM00000000000000000000000000000001"),
        ("AccountSid", ACCOUNT_SID),
        ("From", HANDSET),
        ("To", LONG_CODE),
        ("Body", "STOP"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    let url = format!("http://{}{hook}", process.bind());
    let started = Instant::now();
    let call = new_client()
        .post(&url)
        .form(&params)
        .header("X-Twilio-Signature", sign(AUTH_TOKEN, &url, &params));
    assert_eq!(call.send().await.unwrap().status(), 200);
    // Twilio waits for 15 seconds.
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert_eq!(app.count("suppressions").await, 1);

    let waited = Instant::now();
    let received = tokio::time::timeout(
        Duration::from_mins(1),
        join_all(open.into_iter().map(read_until_closed)),
    )
    .await
    .unwrap();
    assert!(waited.elapsed() < Duration::from_secs(40), "{:?}", waited.elapsed());
    let count = |status: &str| {
        received
            .iter()
            .filter(|received| received.starts_with(&format!("HTTP/1.1 {status}")))
            .count()
    };
    assert!(count("408") > 50, "connections that stayed open are answered 408: {}", count("408"));
    app.eventually("all connections are closed", async || {
        (process.open_files() < before + 40).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_request_of_a_connection_has_the_same_timeout() {
    let app = with_system_clock().await;
    let settings = [("CARILLON_REQUEST_TIMEOUT", "1")];
    let process = app
        .process_with(
            ProcessRole::Web,
            ProcessOptions { settings: &settings, ..ProcessOptions::default() },
        )
        .await;
    let mut stream =
        begin_request(&process, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let mut received = [0; 1_024];
    let read = stream.read(&mut received).await.unwrap();
    assert!(received[..read].starts_with(b"HTTP/1.1 200"));
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: lo").await.unwrap();
    let started = Instant::now();
    read_until_closed(stream).await;
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connections_of_a_caller_are_limited_unless_it_is_a_trusted_proxy() {
    let app = with_system_clock().await;
    for (proxies, stay) in [("none", 8), ("127.0.0.0/8", 40)] {
        let settings = [
            ("CARILLON_REQUEST_TIMEOUT", "600"),
            ("CARILLON_CONNECTIONS_PER_CALLER", "8"),
            ("CARILLON_TRUSTED_PROXIES", proxies),
        ];
        let process = app
            .process_with(
                ProcessRole::Web,
                ProcessOptions { settings: &settings, ..ProcessOptions::default() },
            )
            .await;
        let start = format!(
            "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: {FORM}\r\nContent-Length: 1000\r\n\r\na"
        );
        let mut open = Vec::new();
        for _ in 0..40 {
            open.push(begin_request(&process, &start).await);
        }
        let answer =
            new_client().get(format!("http://{}/healthz", process.bind())).send().await.unwrap();
        assert_eq!(answer.status(), 200, "a new connection is accepted");
        let is_closed = |stream: &TcpStream| {
            !matches!(
                stream.try_read(&mut [0; 64]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock
            )
        };
        app.eventually("connections over the limit are closed", async || {
            let closed = open.iter().filter(|stream| is_closed(stream)).count();
            (closed + stay >= 40).then_some(())
        })
        .await;
        let closed = open.iter().filter(|stream| is_closed(stream)).count();
        assert!(closed <= 40 - stay + 2, "{closed} of 40 were closed where {stay} may stay");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unread_answer_does_not_hold_its_connection() {
    let app = with_system_clock().await;
    let settings = [("CARILLON_REQUEST_TIMEOUT", "1")];
    let process = app
        .process_with(
            ProcessRole::Web,
            ProcessOptions { settings: &settings, ..ProcessOptions::default() },
        )
        .await;
    let key = &app.api().key;
    let before = process.open_files();
    let connected = join_all((0..10).map(|_| TcpStream::connect(process.bind()))).await;
    app.eventually("all connections are accepted", async || {
        (process.open_files() >= before + 10).then_some(())
    })
    .await;
    let request = format!(
        "GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n"
    ).repeat(2_000);
    let _lazy = join_all(connected.into_iter().map(async |stream| {
        let mut stream = stream.unwrap();
        // More answers than the socket buffers hold for a client that does not read.
        let _ =
            tokio::time::timeout(Duration::from_millis(500), stream.write_all(request.as_bytes()))
                .await;
        stream
    }))
    .await;
    app.eventually("the connections are closed", async || {
        (process.open_files() < before + 5).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_of_open_files_is_raised_at_the_start() {
    let app = with_system_clock().await;
    let process = app
        .process_with(
            ProcessRole::Web,
            ProcessOptions { open_files: Some(200), ..ProcessOptions::default() },
        )
        .await;
    let (soft, hard) = process.open_files_limit();
    assert_eq!(soft, hard.min(1 << 20));
    assert!(soft > 200, "this machine allows no more than {hard}");
}
