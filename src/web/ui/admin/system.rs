//! The system page: version, uptime and effective configuration of this process.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::config::{Config, InEffect, Secrecy, SettingOrigin};
use crate::web::{Admin, Page, PageResult, Visit, quantities};

/// The system page.
#[derive(Debug, Serialize)]
pub(in crate::web) struct SystemPage {
    version: &'static str,
    started_at: DateTime<Utc>,
    up: String,
    time: DateTime<Utc>,
    /// The time zone of the organization.
    time_zone: String,
    data_dir: String,
    pid: u32,
    settings: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: &'static str,
    /// The description split at backticks: every second piece is code.
    about: Vec<&'static str>,
    value: String,
    /// Whether the value is a description and not the literal setting.
    in_words: bool,
    origin: &'static str,
    /// A sentence about the part of the value that is not shown.
    hidden: Option<&'static str>,
}

pub(super) async fn show(visit: Visit<Admin>) -> PageResult {
    let zone = visit.organization.time_zone.name().to_owned();
    let page = SystemPage::new(&visit.context.config, visit.context.started_at, visit.now(), zone);
    visit.page(&page)
}

impl SystemPage {
    fn new(
        config: &Config,
        started_at: DateTime<Utc>,
        now: DateTime<Utc>,
        time_zone: String,
    ) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            started_at,
            up: quantities::duration_rounded_down(now - started_at),
            time: now,
            time_zone,
            data_dir: config.data_dir.display().to_string(),
            pid: std::process::id(),
            settings: config.in_effect().into_iter().map(Row::new).collect(),
        }
    }
}

impl Row {
    fn new(InEffect { setting, value, origin }: InEffect) -> Self {
        let is_set = origin != SettingOrigin::Default;
        Self {
            name: setting.name,
            about: setting.about.trim().split('`').collect(),
            in_words: setting.secrecy == Secrecy::Hidden || (!is_set && value.contains(' ')),
            value,
            origin: match origin {
                SettingOrigin::Default => "Default",
                SettingOrigin::EnvFile => "The file .env",
                SettingOrigin::Environment => "Environment",
                SettingOrigin::Command => "Command line",
            },
            hidden: match setting.secrecy {
                Secrecy::Shown => None,
                Secrecy::Url => Some("Its password is not shown."),
                Secrecy::Hidden => Some("It is never shown."),
            }
            .filter(|_| is_set),
        }
    }
}

impl Page for SystemPage {
    const TEMPLATE: &'static str = "ui/admin/system.html";
}

#[cfg(debug_assertions)]
#[path = "samples/system.rs"]
mod samples;
