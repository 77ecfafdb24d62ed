//! Pages: a type that serialises, and the template that shows it.

use std::sync::Arc;

use rust_embed::RustEmbed;
use serde::Serialize;
use tera::{Context, Tera};

use super::{assets, filters};
use crate::types::public_url::PublicUrl;

/// What a page shows; its fields are the template's variables (`visit`, `base` and `title` of the layout come on top).
pub trait Page: Serialize {
    /// The file below `templates/`, such as `ui/contacts/list.html`.
    const TEMPLATE: &'static str;

    /// Values that show the page in each of its states, for the test that renders them all.
    fn samples() -> Vec<Self>
    where
        Self: Sized;
}

/// All templates, parsed; cheap to clone. Debug builds read them again from disk when they have changed.
#[derive(Clone)]
pub struct Pages {
    base: Arc<str>,
    #[cfg(not(debug_assertions))]
    parsed: Arc<Tera>,
    #[cfg(debug_assertions)]
    parsed: Arc<std::sync::Mutex<reload::Parsed>>,
}

#[derive(RustEmbed)]
#[folder = "templates/"]
struct Files;

impl Pages {
    /// Parses all templates; links get the path prefix of `public_url`. A template with an error is reported with file and line.
    pub fn load(public_url: &PublicUrl) -> Result<Self, tera::Error> {
        let base: Arc<str> = public_url.path_prefix().into();
        let tera = parse(&base)?;
        #[cfg(not(debug_assertions))]
        let parsed = Arc::new(tera);
        #[cfg(debug_assertions)]
        let parsed = Arc::new(std::sync::Mutex::new(reload::Parsed::new(tera)));
        Ok(Self { base, parsed })
    }

    /// The path prefix that every link starts with: empty, or `/prefix`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Renders a page within its layout, which takes `visit`.
    pub fn render<P: Page>(&self, page: &P, visit: &impl Serialize) -> Result<String, tera::Error> {
        let mut context = Context::from_serialize(page)?;
        context.insert("visit", visit);
        self.tera()?.render(P::TEMPLATE, &context)
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
    filters::register(&mut tera);
    assets::register(&mut tera, base);
    let mut files = Vec::new();
    for name in Files::iter().filter(|name| name.ends_with(".html") && !name.starts_with("simulator/")) {
        let file = Files::get(&name).ok_or_else(|| tera::Error::message(format!("the template {name} cannot be read")))?;
        let text =
            String::from_utf8(file.data.into_owned()).map_err(|_| tera::Error::message(format!("the template {name} is not UTF-8")))?;
        files.push((name.into_owned(), text));
    }
    tera.add_raw_templates(files)?;
    Ok(tera)
}

#[cfg(debug_assertions)]
mod reload {
    //! Templates that are edited while the program runs.

    use std::path::Path;
    use std::sync::Arc;
    use std::time::{Duration, Instant, SystemTime};

    use tera::Tera;

    /// The disk is looked at no more often than this.
    const EVERY: Duration = Duration::from_millis(500);

    pub(super) struct Parsed {
        tera: Arc<Tera>,
        state: Option<(SystemTime, usize)>,
        looked: Instant,
    }

    impl Parsed {
        pub(super) fn new(tera: Tera) -> Self {
            Self { tera: Arc::new(tera), state: state(), looked: Instant::now() }
        }

        pub(super) fn fresh(&mut self, base: &str) -> Result<Arc<Tera>, tera::Error> {
            if self.looked.elapsed() >= EVERY {
                let now = state();
                if now != self.state {
                    self.tera = Arc::new(super::parse(base)?);
                    self.state = now;
                }
                self.looked = Instant::now();
            }
            Ok(Arc::clone(&self.tera))
        }
    }

    /// The time of the last change below `templates/`, and the number of files there.
    fn state() -> Option<(SystemTime, usize)> {
        fn walk(directory: &Path, newest: &mut SystemTime, files: &mut usize) -> std::io::Result<()> {
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
        walk(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/templates")), &mut newest, &mut files).ok()?;
        Some((newest, files))
    }
}

/// Renders the samples of one page: template and HTML of each.
#[cfg(test)]
pub(super) type Samples = fn(&Pages) -> Vec<(&'static str, String)>;

#[cfg(test)]
pub(super) fn samples<P: Page>(pages: &Pages) -> Vec<(&'static str, String)> {
    let visit = super::visit::Layout::sample();
    let html = |page: &P| pages.render(page, &visit).unwrap_or_else(|error| panic!("{}: {error}", P::TEMPLATE));
    P::samples().iter().map(|page| (P::TEMPLATE, html(page))).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::web::ui::PAGES;

    fn rendered(public_url: &str) -> Vec<(&'static str, String)> {
        let pages = Pages::load(&PublicUrl::parse(public_url).unwrap()).unwrap_or_else(|error| panic!("{error}"));
        PAGES.iter().flat_map(|samples| samples(&pages)).collect()
    }

    #[test]
    fn every_page_renders_in_each_of_its_states() {
        for (template, html) in rendered("https://sms.example.com") {
            assert!(html.contains("<!doctype html>") && html.contains("<main"), "{template} is no whole page");
            assert_eq!(html.matches("<h1").count(), 1, "{template} has not one heading");
        }
    }

    #[test]
    fn every_link_of_every_page_starts_with_the_path_prefix() {
        for (template, html) in rendered("https://example.com/sms") {
            for attribute in ["href=\"/", "src=\"/", "action=\"/"] {
                for (at, _) in html.match_indices(attribute) {
                    let link = &html[at + attribute.len() - 1..];
                    assert!(link.starts_with("/sms/") || link.starts_with("/sms\""), "{template}: {}", &link[..link.len().min(60)]);
                }
            }
        }
    }

    #[test]
    fn every_form_that_posts_carries_its_token() {
        for (template, html) in rendered("https://sms.example.com") {
            for form in html.split("<form").skip(1) {
                let form = form.split("</form>").next().unwrap();
                assert!(
                    !form.contains("method=\"post\"") || form.contains("name=\"csrf\""),
                    "{template} has a form without {{{{<form.csrf/>}}}}"
                );
            }
        }
    }

    #[test]
    fn no_page_needs_inline_scripts_or_styles() {
        for (template, html) in rendered("https://sms.example.com") {
            for inline in ["<style", " style=\"", " onclick=", " onsubmit=", "javascript:", "<script>"] {
                assert!(!html.contains(inline), "{template} has {inline}, which the content security policy forbids");
            }
        }
    }

    #[test]
    fn every_template_belongs_to_a_page() {
        let used: BTreeSet<&str> = rendered("https://sms.example.com").into_iter().map(|(template, _)| template).collect();
        let unused: Vec<_> =
            Files::iter().filter(|name| name.starts_with("ui/") && !name.contains("/_") && !used.contains(name.as_ref())).collect();
        assert!(unused.is_empty(), "register their pages in web/ui/mod.rs, or name parts of pages _like_this.html: {unused:?}");
    }
}
