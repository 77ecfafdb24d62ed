//! The web edge: pages for people ([`ui`]), the JSON API ([`api`]), Segment's protocol
//! ([`segment`]), the webhooks of sources ([`webhook_sources`]) and of Twilio ([`hooks`]), on the
//! shared plumbing of [`http`].
//!
//! [`Web`] is the shared state of a process; [`Visit`] is a request for a page, [`api::Caller`] one
//! of a program. Start reading at [`configure`], which mounts every route.

pub mod api;
mod application;
mod connect_error_conversions;
mod hooks;
mod http;
mod quantities;
mod segment;
pub mod ui;
mod webhook_sources;

pub use application::{Web, application, configure};
pub use hooks::Hooks;
pub use http::access::{Access, Admin, Anyone, Marketer, Viewer};
pub use http::cursor::Cursor;
pub use http::error::{PageError, PageResult};
pub use http::form::Form;
pub use http::intake::Intake;
pub use http::page::{Page, Pages};
#[cfg(debug_assertions)]
pub use http::page::{Samples, Varies};
pub use http::query::Query;
pub use http::redirect::Redirect;
pub use http::server::listen;
pub use segment::SourceBatches;
pub use ui::{LiveMessages, Visit};
