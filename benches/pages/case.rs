//! A measured request, and the templates that the list of them is written with.

use serde::Serialize;

/// The kind of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// The home page.
    Home,
    /// Any other page.
    Page,
    /// A response of the JSON API.
    Api,
    /// A stream, measured until the end of its head.
    Stream,
}

/// A measured request.
pub(crate) struct Case {
    pub(crate) kind: Kind,
    pub(crate) what: &'static str,
    pub(crate) path: String,
    /// The expected status of the response.
    pub(crate) status: u16,
}

/// A [`Case`] with placeholders in its path.
pub(crate) struct CaseTemplate {
    pub(crate) kind: Kind,
    /// The route as in the source.
    pub(crate) route: &'static str,
    pub(crate) what: &'static str,
    /// The path, with names from `world/names.sql` in `<…>`.
    pub(crate) path: &'static str,
    pub(crate) status: u16,
}

/// A request for a page.
pub(crate) const fn page(
    route: &'static str,
    what: &'static str,
    path: &'static str,
) -> CaseTemplate {
    CaseTemplate { kind: Kind::Page, route, what, path, status: 200 }
}

/// A request to the API.
pub(crate) const fn api(
    route: &'static str,
    what: &'static str,
    path: &'static str,
) -> CaseTemplate {
    CaseTemplate { kind: Kind::Api, route, what, path, status: 200 }
}

/// A request for a stream.
pub(crate) const fn stream(
    route: &'static str,
    what: &'static str,
    path: &'static str,
) -> CaseTemplate {
    CaseTemplate { kind: Kind::Stream, route, what, path, status: 200 }
}

/// A page request whose expected status is not 200.
pub(crate) const fn page_with_status(
    route: &'static str,
    what: &'static str,
    path: &'static str,
    status: u16,
) -> CaseTemplate {
    CaseTemplate { kind: Kind::Page, route, what, path, status }
}
