//! Responses to form submissions: a redirect, with a message for the page that follows.

use actix_web::HttpResponse;
use actix_web::cookie::Cookie;
use actix_web::http::header::LOCATION;
use actix_web::web::Data;

use super::cookies::Cookies;
use super::error::PageResult;
use super::flash::{Flash, FlashKind, Undo};
use super::page::Pages;
use crate::context::Context;
use crate::types::invisible_characters::is_direction_control;

/// A redirect (303) to one of our pages; ends with [`Self::flash`], [`Self::warning`] or
/// [`Self::without_message`].
#[must_use]
pub struct Redirect {
    context: Data<Context>,
    pages: Data<Pages>,
    path: String,
    cookies: Vec<Cookie<'static>>,
    undo: Option<Undo>,
}

impl Redirect {
    /// A redirect to `path`, which excludes the path prefix of the public URL.
    pub(in crate::web) fn to(
        context: Data<Context>,
        pages: Data<Pages>,
        path: impl Into<String>,
    ) -> Self {
        Self { context, pages, path: path.into(), cookies: Vec::new(), undo: None }
    }

    /// Sets a cookie along with the redirect.
    pub(in crate::web) fn cookie(mut self, cookie: Cookie<'static>) -> Self {
        self.cookies.push(cookie);
        self
    }

    /// Offers on the next page to undo the action, by a form that posts these fields to one of our
    /// paths.
    pub fn undo<'f>(
        mut self,
        path: impl Into<String>,
        fields: impl IntoIterator<Item = (&'f str, &'f str)>,
    ) -> Self {
        let fields =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        self.undo = Some(Undo { path: path.into(), fields });
        self
    }

    /// Shows on the next page that the action is done.
    pub fn flash(self, text: impl Into<String>) -> PageResult {
        self.with_message(FlashKind::Success, &text.into())
    }

    /// Shows on the next page what could not be done, or only in part.
    pub fn warning(self, text: impl Into<String>) -> PageResult {
        self.with_message(FlashKind::Warning, &text.into())
    }

    /// Redirects without a message.
    #[expect(clippy::unnecessary_wraps, reason = "it ends a handler, as the other two do")]
    pub fn without_message(self) -> PageResult {
        let mut response = HttpResponse::SeeOther();
        response.insert_header((LOCATION, format!("{}{}", self.pages.base(), self.path)));
        for cookie in self.cookies {
            response.cookie(cookie);
        }
        Ok(response.finish())
    }

    fn with_message(mut self, kind: FlashKind, text: &str) -> PageResult {
        // A name would reverse the sentence around it, in which nothing isolates it.
        let text = text.chars().filter(|character| !is_direction_control(*character)).collect();
        let value = Flash { kind, text, undo: self.undo.take() }.sign(&self.context.secret_key);
        self.cookies.push(Cookies::of(&self.context.config.public_url).set_flash(value));
        self.without_message()
    }
}
