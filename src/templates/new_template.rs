//! The input for a template: its name, text and media, parsed and checked.

use std::collections::BTreeSet;

use super::media_url::MediaUrl;
use super::template::Template;
use super::template_body::TemplateBody;
use crate::error::FieldErrors;
use crate::types::mistake::{self, Mistake};

/// Maximum length of a name, in characters.
pub(super) const MAX_NAME: usize = 120;

/// Maximum number of media files per message, as limited by Twilio.
pub const MAX_MEDIA_URLS: usize = 10;

/// Checked name, text and media of a template.
#[derive(Debug, PartialEq)]
pub struct NewTemplate {
    pub(super) name: String,
    pub(super) body: TemplateBody,
    media: Vec<MediaUrl>,
    /// The media URLs in their saved form.
    pub(super) media_urls: Vec<String>,
}

impl NewTemplate {
    /// Parses user input; errors are by field: `name`, `body`, `media_urls.0`, `media_urls.1` ….
    pub fn parse(name: &str, body: &str, media_urls: &[String]) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = errors.check("name", parse_name(name));
        let body = errors.check("body", TemplateBody::parse(body));
        let media = check_media_urls(media_urls, &mut errors);
        match (name, body) {
            (Some(name), Some(body)) if errors.is_empty() => {
                let media_urls = media.iter().map(|url| url.as_str().to_owned()).collect();
                Ok(Self { name, body, media, media_urls })
            }
            _ => Err(errors),
        }
    }

    /// The parsed text.
    pub fn body(&self) -> &TemplateBody {
        &self.body
    }

    /// The parsed media URLs.
    pub fn media(&self) -> &[MediaUrl] {
        &self.media
    }

    /// The media URLs in their saved form.
    pub fn media_urls(&self) -> &[String] {
        &self.media_urls
    }

    /// The names of the variables in text and media.
    pub fn variables(&self) -> BTreeSet<String> {
        self.body
            .variables()
            .into_iter()
            .chain(self.media.iter().flat_map(MediaUrl::variables))
            .collect()
    }

    /// Warnings about likely mistakes, in sentences.
    pub fn warnings(&self) -> Vec<String> {
        self.body
            .warnings()
            .into_iter()
            .chain(self.media.iter().flat_map(MediaUrl::warnings))
            .collect()
    }

    /// Whether the saved template has the same text and media.
    pub fn is_text_of(&self, saved: &Template) -> bool {
        saved.body == self.body.as_str() && saved.media_urls == self.media_urls
    }
}

/// Parses a message's media URLs; errors are by field: `media_urls`, `media_urls.0`, `media_urls.1`
/// ….
pub fn check_media_urls(media_urls: &[String], errors: &mut FieldErrors) -> Vec<MediaUrl> {
    if media_urls.len() > MAX_MEDIA_URLS {
        errors.add("media_urls", Mistake::TooMany(MAX_MEDIA_URLS, "media files"));
    }
    let urls = media_urls.iter().enumerate();
    urls.filter_map(|(index, url)| {
        errors.check(&format!("media_urls.{index}"), MediaUrl::parse(url))
    })
    .collect()
}

pub(super) fn parse_name(typed: &str) -> Result<String, String> {
    Ok(mistake::name(typed, MAX_NAME)?.to_owned())
}

#[cfg(test)]
#[path = "new_template_tests.rs"]
mod tests;
