//! Runs the official clients of Segment and RudderStack (`tests/clients/`) as a story asks.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::OnceCell;
use tokio::time::timeout;

/// How long a client may take, with all its retries.
const TIMEOUT: Duration = Duration::from_mins(3);

/// An official client, in a version that people use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    /// @segment/analytics-node: never compresses, keeps repeating.
    SegmentNode,
    /// @rudderstack/rudder-sdk-node: says that its compressed JSON is a form, and sends its first
    /// call alone.
    RudderstackNode,
    /// The last segment-analytics-python that has its key only in the body, and takes nothing but
    /// 200 for success.
    SegmentPython234,
    /// The newest segment-analytics-python.
    SegmentPythonNewest,
}

/// All clients.
pub(super) const CLIENTS: [Client; 4] = [
    Client::SegmentNode,
    Client::RudderstackNode,
    Client::SegmentPython234,
    Client::SegmentPythonNewest,
];

/// What a client is to send, and how.
#[derive(Debug, Clone)]
pub(super) struct Sending {
    url: String,
    key: String,
    calls: Vec<Value>,
    gzip: bool,
    retries: u32,
    clock_offset: TimeDelta,
}

/// How a client ended.
#[derive(Debug)]
pub(super) struct Sent {
    /// Whether it believes that all its calls have arrived.
    pub(super) delivered: bool,
    /// Its errors, and what it logged.
    output: String,
}

impl Sending {
    /// Sends calls, as Segment's specification has them, to the base URL of a source.
    pub(super) fn new(url: &str, key: &str, calls: Vec<Value>) -> Self {
        Self {
            url: url.to_owned(),
            key: key.to_owned(),
            calls,
            gzip: true,
            retries: 10,
            clock_offset: TimeDelta::zero(),
        }
    }

    /// Without compression, if the client has a choice.
    pub(super) fn uncompressed(self) -> Self {
        Self { gzip: false, ..self }
    }

    /// With a limit for how often a batch is repeated.
    pub(super) fn with_retries(self, retries: u32) -> Self {
        Self { retries, ..self }
    }

    /// With a clock that is ahead of the machine's; negative: behind it.
    pub(super) fn with_clock_ahead_by(self, clock_offset: TimeDelta) -> Self {
        Self { clock_offset, ..self }
    }
}

impl Client {
    /// Its place in [`CLIENTS`], for names and numbers of its own.
    pub(super) fn number(self) -> usize {
        CLIENTS.iter().position(|client| *client == self).unwrap()
    }

    /// Runs it until it has delivered everything or given up.
    pub(super) async fn send(self, sending: Sending) -> Sent {
        let directory = installed().await;
        let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
        let (interpreter, program) = match self {
            Self::SegmentNode => ("bin/node", "segment_node.cjs"),
            Self::RudderstackNode => ("bin/node", "rudderstack_node.cjs"),
            Self::SegmentPython234 => ("python-2.3.4/bin/python", "segment_python.py"),
            Self::SegmentPythonNewest => ("python-newest/bin/python", "segment_python.py"),
        };
        let mut child = Command::new(directory.join(interpreter))
            .arg(programs.join(program))
            .env_clear()
            .env("NODE_PATH", directory.join("node_modules"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let input = json!(
            {
                "url": sending.url,
                "write_key": sending.key,
                "calls": sending.calls,
                "gzip": sending.gzip,
                "retries": sending.retries,
                "clock_offset_seconds": sending.clock_offset.num_seconds()
            }
        );
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.to_string().as_bytes()).await.unwrap();
        drop(stdin);
        let output = timeout(TIMEOUT, child.wait_with_output())
            .await
            .unwrap_or_else(|_| panic!("{self:?} did not end"))
            .unwrap();
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let delivered = match output.status.code() {
            Some(0) => true,
            Some(1) if text.starts_with("{\"failures\":") => false,
            _ => panic!("{self:?} ended by an error: {}\n{text}", output.status),
        };
        Sent { delivered, output: text }
    }

    /// Runs it, and fails unless it has delivered everything.
    pub(super) async fn deliver(self, sending: Sending) {
        let sent = self.send(sending).await;
        assert!(sent.delivered, "{self:?}: {}", sent.output);
    }
}

/// The directory of the installed clients. The first story on a machine installs them, so a story
/// asks before its clock starts.
pub(super) async fn installed() -> &'static Path {
    static DIRECTORY: OnceCell<PathBuf> = OnceCell::const_new();
    DIRECTORY.get_or_init(install).await
}

async fn install() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/install-test-clients");
    let output = Command::new(script).arg(target).stdin(Stdio::null()).output().await.unwrap();
    assert!(
        output.status.success(),
        "the clients could not be installed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end())
}
