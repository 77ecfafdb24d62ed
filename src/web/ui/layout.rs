//! The layout of every page: the sidebar with the user, the message of the page before, and what is
//! stopped.

use serde::Serialize;

use crate::senders::Stopped;
use crate::users::{Theme, User};
use crate::web::http::flash::Flash;

/// The data of the layout, as `visit` in templates.
#[expect(clippy::struct_excessive_bools, reason = "each is one condition of the templates")]
#[derive(Debug, Serialize)]
pub(in crate::web) struct Layout<'a> {
    pub(super) organization: &'a str,
    pub(super) time_zone: &'a str,
    /// The time zone of the days in counts and filters.
    pub(super) day_zone: &'a str,
    pub(super) theme: Theme,
    pub(super) path: &'a str,
    pub(super) csrf: String,
    /// The message of the page before, if there is one.
    pub(super) flash: Option<&'a Flash>,
    pub(super) stops: &'a [Stopped],
    pub(super) user: Option<&'a User>,
    pub(super) can_edit: bool,
    pub(super) can_administer: bool,
    /// Whether the sidebar is folded to its icons.
    pub(super) folded: bool,
    /// Whether the account menu leads to the style guide.
    pub(super) has_style_guide: bool,
    /// Whether the submitted form was not accepted, so that the title says so.
    pub(super) invalid: bool,
}

impl Layout<'static> {
    /// The layout of error pages without a known user.
    pub(in crate::web) const fn signed_out() -> Self {
        Layout {
            organization: "Carillon",
            time_zone: "UTC",
            day_zone: "UTC",
            theme: Theme::Automatic,
            path: "",
            csrf: String::new(),
            flash: None,
            stops: &[],
            user: None,
            can_edit: false,
            can_administer: false,
            folded: false,
            has_style_guide: false,
            invalid: false,
        }
    }
}

#[cfg(debug_assertions)]
#[path = "samples/layout.rs"]
mod samples;
