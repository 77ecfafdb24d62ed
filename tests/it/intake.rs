//! What strangers send: packed, endless, half-sent, never read. It costs neither memory nor places,
//! and Twilio gets through meanwhile.

use std::io::Write;
use std::time::{Duration, Instant};

use carillon::app::Duty;
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

use crate::harness::process::{Process, ProcessOptions};
use crate::harness::world::PASSWORD;
use crate::harness::{HANDSET, TestApp, TestOptions};

const MB: u64 = 1 << 20;
const FORM: &str = "application/x-www-form-urlencoded";

async fn on_the_machines_time() -> TestApp {
    TestApp::with(TestOptions { clock: Clock::system(), ..TestOptions::default() }).await
}

/// A gigabyte of zeros in about a megabyte: one packed megabyte, a thousand times over.
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
async fn a_packed_gigabyte_is_not_unpacked_wherever_it_is_posted() {
    let app = on_the_machines_time().await;
    let twilio = app.connect_twilio().await;
    let process = app.process(Duty::Web).await;
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
        // Who does not read the answer before the whole gigabyte is out may find the door closed.
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
async fn the_api_reads_gzip_up_to_its_limit_and_says_what_it_does_not_read() {
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
        "read, and known already"
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
async fn a_packed_form_or_webhook_is_refused_with_the_reason_and_changes_nothing() {
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
        let answer = app
            .call_of_twilio(&path, &params)
            .header(CONTENT_ENCODING, coding)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 415, "{coding}");
        assert!(answer.text().await.unwrap().contains("without Content-Encoding"), "{coding}");
    }
    assert_eq!(app.count("suppressions").await, 0);
    assert_eq!(
        app.call_of_twilio(&path, &params)
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
async fn only_those_who_have_signed_in_send_large_forms() {
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
    assert_eq!(stranger.send(&form).await.status, 422, "read, and too long for a name");
    let form = form.with("first_name", &"x".repeat(3 << 20));
    assert_eq!(stranger.send(&form).await.status, 413);
}

/// A caller without a connection, which might have been put out for having nothing to say.
fn anew() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Sends the beginning of a request on a connection of its own.
async fn begin(process: &Process, start: &str) -> TcpStream {
    let mut stream = TcpStream::connect(process.bind()).await.unwrap();
    stream.write_all(start.as_bytes()).await.unwrap();
    stream
}

/// Waits until the server has closed a connection, and gives what it said before.
async fn until_closed(mut stream: TcpStream) -> String {
    let mut said = Vec::new();
    // A reset is an end as well.
    let _ = stream.read_to_end(&mut said).await;
    String::from_utf8_lossy(&said).into_owned()
}

/// Beginnings of requests whose rest never comes.
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
async fn half_sent_requests_end_in_time_and_do_not_keep_a_stop_out() {
    let app = on_the_machines_time().await;
    let twilio = app.connect_twilio().await;
    let settings = [
        ("CARILLON_REQUEST_TIMEOUT", "3"),
        ("CARILLON_MAX_CONNECTIONS", "400"),
        ("CARILLON_CONNECTIONS_PER_CALLER", "100000"),
    ];
    let process = app
        .process_with(
            Duty::Web,
            ProcessOptions { settings: &settings, ..ProcessOptions::default() },
        )
        .await;
    let hook = format!("/hooks/twilio/{}/inbound", twilio.connection_id);
    let before = process.open_files();
    let starts = half_sent(&hook);
    let mut open = Vec::new();
    for number in 0..1_100 {
        open.push(begin(&process, &starts[number % starts.len()]).await);
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
    let begun = Instant::now();
    let call = anew()
        .post(&url)
        .form(&params)
        .header("X-Twilio-Signature", sign(AUTH_TOKEN, &url, &params));
    assert_eq!(call.send().await.unwrap().status(), 200);
    // Twilio itself waits for 15.
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(app.count("suppressions").await, 1);

    let waited = Instant::now();
    let said =
        tokio::time::timeout(Duration::from_mins(1), join_all(open.into_iter().map(until_closed)))
            .await
            .unwrap();
    assert!(waited.elapsed() < Duration::from_secs(40), "{:?}", waited.elapsed());
    let count = |status: &str| {
        said.iter().filter(|said| said.starts_with(&format!("HTTP/1.1 {status}"))).count()
    };
    assert!(count("408") > 50, "those that were not put out are told: {}", count("408"));
    app.eventually("all places are free again", async || {
        (process.open_files() < before + 40).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_request_of_a_connection_has_no_more_time_than_the_first() {
    let app = on_the_machines_time().await;
    let settings = [("CARILLON_REQUEST_TIMEOUT", "1")];
    let process = app
        .process_with(
            Duty::Web,
            ProcessOptions { settings: &settings, ..ProcessOptions::default() },
        )
        .await;
    let mut stream = begin(&process, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let mut said = [0; 1_024];
    let read = stream.read(&mut said).await.unwrap();
    assert!(said[..read].starts_with(b"HTTP/1.1 200"));
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: lo").await.unwrap();
    let begun = Instant::now();
    until_closed(stream).await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_caller_has_only_so_many_connections_unless_it_is_a_trusted_proxy() {
    let app = on_the_machines_time().await;
    for (proxies, stay) in [("none", 8), ("127.0.0.0/8", 40)] {
        let settings = [
            ("CARILLON_REQUEST_TIMEOUT", "600"),
            ("CARILLON_CONNECTIONS_PER_CALLER", "8"),
            ("CARILLON_TRUSTED_PROXIES", proxies),
        ];
        let process = app
            .process_with(
                Duty::Web,
                ProcessOptions { settings: &settings, ..ProcessOptions::default() },
            )
            .await;
        let start = format!(
            "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: {FORM}\r\nContent-Length: 1000\r\n\r\na"
        );
        let mut open = Vec::new();
        for _ in 0..40 {
            open.push(begin(&process, &start).await);
        }
        let answer = anew().get(format!("http://{}/healthz", process.bind())).send().await.unwrap();
        assert_eq!(answer.status(), 200, "a new one gets in");
        let is_closed = |stream: &TcpStream| {
            !matches!(
                stream.try_read(&mut [0; 64]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock
            )
        };
        app.eventually("the others are closed", async || {
            let closed = open.iter().filter(|stream| is_closed(stream)).count();
            (closed + stay >= 40).then_some(())
        })
        .await;
        let closed = open.iter().filter(|stream| is_closed(stream)).count();
        assert!(closed <= 40 - stay + 2, "{closed} of 40 were closed where {stay} may stay");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_read_does_not_hold_its_connection() {
    let app = on_the_machines_time().await;
    let settings = [("CARILLON_REQUEST_TIMEOUT", "1")];
    let process = app
        .process_with(
            Duty::Web,
            ProcessOptions { settings: &settings, ..ProcessOptions::default() },
        )
        .await;
    let key = &app.api().key;
    let before = process.open_files();
    let connected = join_all((0..10).map(|_| TcpStream::connect(process.bind()))).await;
    app.eventually("all are taken", async || (process.open_files() >= before + 10).then_some(()))
        .await;
    let request = format!(
        "GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n"
    ).repeat(2_000);
    let _lazy = join_all(connected.into_iter().map(async |stream| {
        let mut stream = stream.unwrap();
        // More answers than the system keeps for a reader that does not come.
        let _ =
            tokio::time::timeout(Duration::from_millis(500), stream.write_all(request.as_bytes()))
                .await;
        stream
    }))
    .await;
    app.eventually("they are closed", async || (process.open_files() < before + 5).then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_of_open_files_is_raised_at_the_start() {
    let app = on_the_machines_time().await;
    let process = app
        .process_with(
            Duty::Web,
            ProcessOptions { open_files: Some(200), ..ProcessOptions::default() },
        )
        .await;
    let (soft, hard) = process.open_files_limit();
    assert_eq!(soft, hard.min(1 << 20));
    assert!(soft > 200, "this machine allows no more than {hard}");
}
