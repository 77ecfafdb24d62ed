//! Answers to forms: a redirect, with a sentence for the page that follows.

use actix_web::HttpResponse;
use actix_web::cookie::Cookie;
use actix_web::http::header::LOCATION;
use actix_web::web::Data;

use super::error::PageResult;
use super::flash::{Flash, FlashKind, Undo};
use super::page::Pages;
use super::session::Cookies;
use crate::context::Context;

/// A redirect (303) to a page of ours; ends with [`Self::flash`], [`Self::warning`] or
/// [`Self::silently`].
#[must_use]
pub struct Redirect {
    context: Data<Context>,
    pages: Data<Pages>,
    path: String,
    cookies: Vec<Cookie<'static>>,
    undo: Option<Undo>,
}

impl Redirect {
    /// To `path`, without the path prefix of the public URL.
    pub(in crate::web) fn to(
        context: Data<Context>,
        pages: Data<Pages>,
        path: impl Into<String>,
    ) -> Self {
        Self { context, pages, path: path.into(), cookies: Vec::new(), undo: None }
    }

    /// Sets a cookie on the way.
    pub(in crate::web) fn cookie(mut self, cookie: Cookie<'static>) -> Self {
        self.cookies.push(cookie);
        self
    }

    /// Offers on the next page to take it back, by a form that posts these fields to a path of
    /// ours.
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

    /// Says on the next page that it is done.
    pub fn flash(self, text: impl Into<String>) -> PageResult {
        self.saying(FlashKind::Success, text.into())
    }

    /// Says on the next page what could not be done, or not fully.
    pub fn warning(self, text: impl Into<String>) -> PageResult {
        self.saying(FlashKind::Warning, text.into())
    }

    /// Says nothing.
    #[expect(clippy::unnecessary_wraps, reason = "it ends a handler, as the other two do")]
    pub fn silently(self) -> PageResult {
        let mut response = HttpResponse::SeeOther();
        response.insert_header((LOCATION, format!("{}{}", self.pages.base(), self.path)));
        for cookie in self.cookies {
            response.cookie(cookie);
        }
        Ok(response.finish())
    }

    fn saying(mut self, kind: FlashKind, text: String) -> PageResult {
        let value = Flash { kind, text, undo: self.undo.take() }.sign(&self.context.secret_key);
        self.cookies.push(Cookies::of(&self.context.config.public_url).set_flash(value));
        self.silently()
    }
}
