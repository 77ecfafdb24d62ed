//! The templates and static files of the phone pages, embedded in the binary.

use std::borrow::Cow;

use rust_embed::RustEmbed;
use serde::Serialize;
use tera::{Context, Tera};

#[derive(RustEmbed)]
#[folder = "templates/"]
struct Templates;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Assets;

/// The parsed templates.
pub(super) struct Pages(Tera);

impl Pages {
    pub(super) fn load() -> Self {
        let mut tera = Tera::new();
        let sources = Templates::iter().filter_map(|name| {
            let file = Templates::get(&name)?;
            Some((name, String::from_utf8_lossy(&file.data).into_owned()))
        });
        tera.add_raw_templates(sources.collect::<Vec<_>>())
            .expect("the embedded templates parse; tests render each of them");
        Self(tera)
    }

    /// Renders a template with a view.
    pub(super) fn render(&self, template: &str, view: &impl Serialize) -> tera::TeraResult<String> {
        self.0.render(template, &Context::from_serialize(view)?)
    }
}

/// A static file and its media type.
pub(super) fn asset(name: &str) -> Option<(Cow<'static, [u8]>, String)> {
    let file = Assets::get(name)?;
    Some((file.data, file.metadata.mimetype().to_owned()))
}
