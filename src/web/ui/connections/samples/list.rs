//! Samples of the list of connections: empty, and with an active and a stopped one.

use super::{ConnectionListPage, Row};
use crate::web::ui::connections::connection_view::ConnectionView;
use crate::web::ui::connections::sender_view::SenderView;
use crate::web::{Samples, Varies};

impl Samples for ConnectionListPage {
    const VARIES: Varies = Varies {
        texts: &[
            "connections.connection.name",
            "connections.connection.account_name",
            "connections.senders.label",
        ],
        lists: &["connections"],
    };

    fn samples() -> Vec<Self> {
        let row = |connection, senders| Row { connection, senders };
        let rows = vec![
            row(ConnectionView::sample(), SenderView::samples()),
            row(ConnectionView::stopped_sample(), Vec::new()),
        ];
        vec![
            Self { connections: Vec::new(), is_reachable: true, strays: None },
            Self { connections: rows, is_reachable: true, strays: Some(3) },
        ]
    }
}
