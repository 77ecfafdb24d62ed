//! The media of a message, as a preview shows them.

use serde::Serialize;
use url::Url;

/// The extensions of files that are no pictures. Everything else is shown as a picture.
const NON_PICTURE_EXTENSIONS: [&str; 16] = [
    "pdf", "vcf", "ics", "csv", "txt", "mp3", "m4a", "aac", "ogg", "wav", "amr", "mp4", "mov",
    "3gp", "webm", "mpeg",
];

/// A picture or another file attached to a message.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Medium {
    url: String,
    /// The file name: the last part of its path.
    name: String,
    is_picture: bool,
}

impl Medium {
    pub(super) fn all(urls: &[String]) -> Vec<Self> {
        urls.iter().map(|url| Self::of(url)).collect()
    }

    fn of(url: &str) -> Self {
        let parsed = Url::parse(url).ok();
        let last =
            parsed.as_ref().and_then(|url| url.path_segments()?.rfind(|part| !part.is_empty()));
        let host = parsed.as_ref().and_then(Url::host_str).unwrap_or_default();
        let name = last.unwrap_or(host).to_owned();
        let extension = name
            .rsplit_once('.')
            .map(|(_, extension)| extension.to_ascii_lowercase())
            .unwrap_or_default();
        Self {
            url: url.to_owned(),
            name,
            is_picture: !NON_PICTURE_EXTENSIONS.contains(&extension.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_of_a_file_tells_its_kind_and_its_path_its_name() {
        let of = |url: &str| {
            let medium = Medium::of(url);
            (medium.name, medium.is_picture)
        };
        assert_eq!(of("https://example.com/a/menu.PDF?x=1"), ("menu.PDF".to_owned(), false));
        assert_eq!(of("https://example.com/a/cat.jpg"), ("cat.jpg".to_owned(), true));
        assert_eq!(of("https://example.com/picture/"), ("picture".to_owned(), true));
        assert_eq!(of("https://example.com"), ("example.com".to_owned(), true));
    }
}
