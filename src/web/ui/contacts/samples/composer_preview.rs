//! Samples of the preview in the box: a text, a template, one that does not fit, and nothing yet.

use super::{ComposerPreview, ComposerPreviewPart};
use crate::web::{Samples, Varies};

impl Samples for ComposerPreviewPart {
    const VARIES: Varies = Varies {
        texts: &["preview.text", "preview.problem", "preview.warnings"],
        lists: &["preview.warnings"],
    };

    fn samples() -> Vec<Self> {
        let text = "Hi Lucía <b>, your order is ready.";
        let previews = [
            ComposerPreview {
                price: Some("0.011 USD".to_owned()),
                ..ComposerPreview::counted("Of course! We ship it tomorrow.", None)
            },
            ComposerPreview {
                text: Some(text.to_owned()),
                media: 1,
                ..ComposerPreview::counted(text, None)
            },
            ComposerPreview {
                problem: Some("No text for this contact: event.total is not set.".to_owned()),
                ..ComposerPreview::counted("", None)
            },
            ComposerPreview {
                warnings: vec!["“{{ name }}” is sent as it is.".to_owned()],
                ..ComposerPreview::counted("Hi {{ name }}", None)
            },
        ];
        previews.into_iter().map(|preview| Self { preview }).collect()
    }
}
