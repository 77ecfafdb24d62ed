//! A parsed version of a template.

use super::error::TemplateError;
use super::media_url::MediaUrl;
use super::template_body::TemplateBody;

/// The parsed text and media of a saved version.
pub(super) struct ParsedVersion {
    pub(super) body: TemplateBody,
    pub(super) media: Vec<MediaUrl>,
}

impl ParsedVersion {
    /// Parses a text and media URLs saved by this or an older release.
    pub(super) fn parse(body: &str, media_urls: &[String]) -> Result<Self, TemplateError> {
        let media =
            media_urls.iter().map(|url| MediaUrl::parse_saved(url)).collect::<Result<_, _>>()?;
        Ok(Self { body: TemplateBody::parse_saved(body)?, media })
    }
}
