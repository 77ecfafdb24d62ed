//! The error page of a user who is signed in.

use actix_web::ResponseError;
use serde::Serialize;

use crate::web::http::error::PageError;
use crate::web::http::page::Page;

/// The error page of a user who is signed in, with the navigation.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ErrorPage {
    status: u16,
    heading: String,
    advice: String,
    instead: Instead,
    /// Whether a form was certainly not processed, so that it may be sent once more.
    unsent: bool,
}

/// A page to continue with.
#[derive(Debug, Serialize)]
struct Instead {
    path: &'static str,
    label: &'static str,
}

impl ErrorPage {
    /// The page of an error, which is logged if it is a fault.
    pub(super) fn of(error: &PageError) -> Self {
        match error {
            PageError::Away(reason) => {
                tracing::warn!(
                    reason = %reason,
                    "a page could not be shown: the database does not answer"
                );
            }
            PageError::Internal(reason) => {
                tracing::error!(reason = %reason, "a page could not be shown");
            }
            _ => {}
        }
        Self {
            status: error.status_code().as_u16(),
            heading: error.heading(),
            advice: error.advice(),
            instead: Instead::of(error),
            unsent: matches!(error, PageError::Expired | PageError::TooSlow | PageError::Busy),
        }
    }
}

impl Instead {
    /// The list of the missing kind of record, or the home page.
    fn of(error: &PageError) -> Self {
        let noun = if let PageError::NotFound(noun) = error { *noun } else { "" };
        let (path, label) = match noun {
            "contact" => ("/contacts", "Show all contacts"),
            "message" => ("/messages", "Show all messages"),
            "view" => ("/messages/views", "Show all views"),
            "template" => ("/templates", "Show all templates"),
            "automation" | "enrollment" => ("/automations", "Show all automations"),
            "connection" | "sender" => ("/connections", "Show all connections"),
            _ => ("/", "Go to Home"),
        };
        Self { path, label }
    }
}

impl Page for ErrorPage {
    const TEMPLATE: &'static str = "ui/error.html";
}

#[cfg(debug_assertions)]
#[path = "samples/error.rs"]
mod samples;
