//! Connections, senders and registrations as pages show them.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::queue::{self, QueueView};
use crate::connections::{Check, Connection, Status};
use crate::messages::throttle::figures::QueueFigures;
use crate::senders::Sender;
use crate::senders::registration::Registration;

/// A connection with its status.
#[derive(Debug, Serialize)]
pub(super) struct ConnectionView {
    #[serde(flatten)]
    pub(super) connection: Connection,
    status: Status,
    is_trial: bool,
}

/// A sender with its status.
#[derive(Debug, Serialize)]
pub(super) struct SenderView {
    #[serde(flatten)]
    pub(super) sender: Sender,
    status: Status,
    label: String,
    shown_address: String,
    /// The rate: `1 SMS part per second`.
    speed: String,
    /// The validity, how long a message may wait: `2 days`.
    patience: String,
    queue: Option<QueueView>,
}

/// A registration in words.
#[derive(Debug, Serialize)]
pub(super) struct RegistrationView {
    #[serde(flatten)]
    registration: Registration,
    check: Check,
}

impl From<Registration> for RegistrationView {
    fn from(registration: Registration) -> Self {
        Self { check: registration.check(), registration }
    }
}

impl From<Connection> for ConnectionView {
    fn from(connection: Connection) -> Self {
        Self { status: connection.status(), is_trial: connection.is_trial(), connection }
    }
}

impl From<Sender> for SenderView {
    fn from(sender: Sender) -> Self {
        Self {
            status: sender.status(),
            label: sender.label(),
            shown_address: sender.address.for_people(),
            speed: queue::speed(sender.parts_per_second),
            patience: queue::validity(sender.validity),
            queue: None,
            sender,
        }
    }
}

impl SenderView {
    /// A sender with its queue.
    pub(super) fn with_queue(sender: Sender, waiting: &QueueFigures, now: DateTime<Utc>) -> Self {
        let queue = QueueView::of(&sender, waiting, now);
        Self { queue, ..sender.into() }
    }
}

#[cfg(debug_assertions)]
#[path = "samples/view.rs"]
mod samples;
