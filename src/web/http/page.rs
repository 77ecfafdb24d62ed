//! Pages: a serializable type, and the template that renders it.

use std::sync::Arc;

use rust_embed::RustEmbed;
use serde::Serialize;
use tera::{Context, Tera};

use super::{assets, phone_markup, template_filters};
use crate::types::public_url::PublicUrl;
use crate::web::ui::status_words;

/// The data of a page. Its fields are the variables of the template, to which the layout adds
/// `visit`, `base` and `title`.
pub trait Page: Serialize {
    /// The path of the template below `templates/`, such as `ui/contacts/list.html`.
    const TEMPLATE: &'static str;
}

/// A page with samples, for the tests that render every page in each of its states. The samples of
/// a file are in the folder `samples` beside it, under the same name.
#[cfg(debug_assertions)]
pub trait Samples: Page + Sized {
    /// The fields of its samples that tests vary: with long names, with many rows and so on.
    const VARIES: Varies;

    /// Values that show the page in each of its states.
    fn samples() -> Vec<Self>;
}

/// Paths of a page's fields, which lead through objects and all elements of lists: `rows.name` is
/// the `name` of each of `rows`.
#[cfg(debug_assertions)]
#[derive(Debug, Clone, Copy)]
pub struct Varies {
    /// Texts that users have written, alone or within a sentence.
    pub texts: &'static [&'static str],
    /// Lists whose length is not bounded.
    pub lists: &'static [&'static str],
}

#[cfg(debug_assertions)]
impl Varies {
    /// No texts of users, and no unbounded lists.
    pub const NOTHING: Self = Self { texts: &[], lists: &[] };
}

/// All templates, parsed; cheap to clone. Debug builds load them again from disk after a change.
#[derive(Clone)]
pub struct Pages {
    base: Arc<str>,
    #[cfg(not(debug_assertions))]
    parsed: Arc<Tera>,
    #[cfg(debug_assertions)]
    parsed: Arc<std::sync::Mutex<reload::ParsedTemplates>>,
}

#[derive(RustEmbed)]
#[folder = "templates/"]
struct Files;

impl Pages {
    /// Parses all templates; links get the path prefix of `public_url`. An error names the file and
    /// line of a template.
    pub fn load(public_url: &PublicUrl) -> Result<Self, tera::Error> {
        let base: Arc<str> = public_url.path_prefix().into();
        let tera = parse(&base)?;
        #[cfg(not(debug_assertions))]
        let parsed = Arc::new(tera);
        #[cfg(debug_assertions)]
        let parsed = Arc::new(std::sync::Mutex::new(reload::ParsedTemplates::new(tera)));
        Ok(Self { base, parsed })
    }

    /// The path prefix that every link starts with: empty, or `/prefix`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Renders a page within its layout, which uses `visit`.
    pub fn render<P: Page>(&self, page: &P, visit: &impl Serialize) -> Result<String, tera::Error> {
        self.render_as(P::TEMPLATE, page, visit)
    }

    /// Renders data with a template.
    pub(in crate::web) fn render_as(
        &self,
        template: &str,
        page: &impl Serialize,
        visit: &impl Serialize,
    ) -> Result<String, tera::Error> {
        let mut context = Context::from_serialize(page)?;
        context.insert("visit", visit);
        self.tera()?.render(template, &context).map(phone_markup::mark_phone_numbers)
    }

    #[cfg(not(debug_assertions))]
    fn tera(&self) -> Result<Arc<Tera>, tera::Error> {
        Ok(Arc::clone(&self.parsed))
    }

    #[cfg(debug_assertions)]
    fn tera(&self) -> Result<Arc<Tera>, tera::Error> {
        self.parsed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).fresh(&self.base)
    }
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pages").field("base", &self.base).finish_non_exhaustive()
    }
}

fn parse(base: &str) -> Result<Tera, tera::Error> {
    let mut tera = Tera::new();
    tera.autoescape_on(vec![".html"]);
    tera.global_context().insert("base", base);
    template_filters::register(&mut tera);
    status_words::register(&mut tera);
    assets::register(&mut tera, base);
    let mut files = Vec::new();
    for name in Files::iter().filter(|name| name.ends_with(".html")) {
        let file = Files::get(&name)
            .ok_or_else(|| tera::Error::message(format!("the template {name} cannot be read")))?;
        let text = String::from_utf8(file.data.into_owned())
            .map_err(|_| tera::Error::message(format!("the template {name} is not UTF-8")))?;
        files.push((name.into_owned(), text));
    }
    tera.add_raw_templates(files)?;
    Ok(tera)
}

#[cfg(debug_assertions)]
mod reload {
    //! Reloads templates that are edited while the program runs.

    use std::path::Path;
    use std::sync::Arc;
    use std::time::{Duration, Instant, SystemTime};

    use tera::Tera;

    /// The minimum time between two checks of the disk.
    const CHECK_INTERVAL: Duration = Duration::from_millis(500);

    pub(in crate::web) struct ParsedTemplates {
        tera: Arc<Tera>,
        state: Option<(SystemTime, usize)>,
        checked_at: Instant,
    }

    impl ParsedTemplates {
        pub(in crate::web) fn new(tera: Tera) -> Self {
            Self { tera: Arc::new(tera), state: state(), checked_at: Instant::now() }
        }

        pub(in crate::web) fn fresh(&mut self, base: &str) -> Result<Arc<Tera>, tera::Error> {
            if self.checked_at.elapsed() >= CHECK_INTERVAL {
                let now = state();
                if now != self.state {
                    self.tera = Arc::new(super::parse(base)?);
                    self.state = now;
                }
                self.checked_at = Instant::now();
            }
            Ok(Arc::clone(&self.tera))
        }
    }

    /// The time of the last change below `templates/`, and the number of files there.
    fn state() -> Option<(SystemTime, usize)> {
        fn walk(
            directory: &Path,
            newest: &mut SystemTime,
            files: &mut usize,
        ) -> std::io::Result<()> {
            for entry in std::fs::read_dir(directory)? {
                let entry = entry?;
                let metadata = entry.metadata()?;
                if metadata.is_dir() {
                    walk(&entry.path(), newest, files)?;
                } else {
                    *newest = (*newest).max(metadata.modified()?);
                    *files += 1;
                }
            }
            Ok(())
        }
        let (mut newest, mut files) = (SystemTime::UNIX_EPOCH, 0);
        walk(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/templates")), &mut newest, &mut files)
            .ok()?;
        Some((newest, files))
    }
}

/// The names of all page templates.
#[cfg(all(test, debug_assertions))]
pub(in crate::web) fn template_names() -> impl Iterator<Item = String> {
    Files::iter().map(std::borrow::Cow::into_owned)
}
