//! Samples of the database page: embedded and small, remote and large.

use chrono::{DateTime, TimeDelta};

use super::{DatabasePage, Row, Server};
use crate::db::table_sizes::TableSize;
use crate::web::{Samples, Varies, quantities};

impl Samples for DatabasePage {
    const VARIES: Varies = Varies {
        texts: &["server.database", "server.address", "server.data_dir"],
        lists: &["rows"],
    };

    fn samples() -> Vec<Self> {
        let then = DateTime::UNIX_EPOCH;
        let server = |address: Option<&str>| Server {
            version: "15.14 (Debian 15.14-0+deb12u1)".to_owned(),
            database: "carillon".to_owned(),
            address: address.map(str::to_owned),
            data_dir: "/var/lib/<carillon>".to_owned(),
            size: quantities::size(5_368_709_120),
            time: then + TimeDelta::days(3),
            time_zone: "Etc/UTC".to_owned(),
            started_at: then,
            up: quantities::duration_rounded_down(TimeDelta::days(3)),
            connections: 12,
            most_connections: 100,
            own_connections: 4,
            migration: "20261121081100".to_owned(),
            migrated_at: then,
        };
        let table = |name: &str, rows, dead_rows, at| {
            let (name, bytes) = (name.to_owned(), rows * 200);
            Row::new(TableSize {
                name,
                rows,
                dead_rows,
                bytes,
                index_bytes: bytes / 3,
                toast_bytes: 0,
                vacuumed_at: at,
                analyzed_at: at,
            })
        };
        let long = format!(
            "postgres://carillon:…@{}/carillon?sslmode=verify-full",
            "a-long-name.".repeat(12)
        );
        vec![
            Self { read_at: then, server: server(None), rows: vec![table("contacts", 0, 0, None)] },
            Self {
                read_at: then,
                server: server(Some(&long)),
                rows: vec![table("messages", 10_000_000, 20_000_000, Some(then))],
            },
        ]
    }
}
