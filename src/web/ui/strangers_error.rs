//! The error page of a visitor who is not signed in.

use serde::Serialize;

use super::error::ErrorPage;
use crate::web::http::page::Page;

/// The error page of a visitor who is not signed in, without the navigation.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(in crate::web) struct StrangersErrorPage(pub(super) ErrorPage);

impl Page for StrangersErrorPage {
    const TEMPLATE: &'static str = "ui/strangers_error.html";
}

#[cfg(debug_assertions)]
#[path = "samples/strangers_error.rs"]
mod samples;
