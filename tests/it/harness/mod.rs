//! The test harness. [`TestApp`] runs a complete Carillon with a simulated Twilio;
//! [`test_database`] gives it a database, usually on the [`shared_server`] of the test run, and
//! [`fixtures`] the data that most stories start with; [`invariants`] checks what must hold when a
//! story ends.
//!
//! [`api_client`] and [`scriptless_browser`] are HTTP clients, [`browser`] is a real browser, and
//! [`axe`] checks the accessibility of a page. [`carillon_process`] starts `carillon serve`;
//! [`dedicated_cluster`] and [`replicated_pair`] start PostgreSQL servers that a story may stop or
//! kill; [`mailbox`] is a mail server, [`stop_texts`] sends STOP texts, and [`waiting`] lets time
//! pass. Start reading at [`TestApp`].

pub(crate) mod api_client;
pub(crate) mod axe;
pub(crate) mod browser;
pub(crate) mod carillon_process;
pub(crate) mod dedicated_cluster;
pub(crate) mod fixtures;
pub(crate) mod invariants;
pub(crate) mod mailbox;
pub(crate) mod replicated_pair;
pub(crate) mod scriptless_browser;
mod shared_server;
pub(crate) mod stop_texts;
mod stranded_messages;
mod test_app;
pub(crate) mod test_database;
mod test_environment;
mod waiting;

use test_environment::finish;

pub(crate) use fixtures::{HANDSET, OTHER_HANDSET};
pub(crate) use test_app::{
    TestApp, TestOptions, UNTIL_COLLECTED, UNTIL_LOOKED_UP, days, hours, seconds,
};
pub(crate) use test_environment::{choose_crypto, print_line, seed};
pub(crate) use waiting::{between_polls, real_time};
