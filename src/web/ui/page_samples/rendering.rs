//! Renders the samples of one page, in one variation.

use serde_json::Value;

use super::variation::{Variation, leads_to_value, rows, vary};
use crate::web::http::page::{Pages, Samples, Varies};
use crate::web::ui::layout::Layout;

/// A rendered page.
#[derive(Debug)]
pub struct Sample {
    /// The template of the page.
    pub template: &'static str,
    /// How it is varied.
    pub kind: Variation,
    /// The HTML of the page.
    pub html: String,
}

/// A page with the function that renders its samples.
#[derive(Debug, Clone, Copy)]
pub(in crate::web) struct SamplePage {
    pub(in crate::web) template: &'static str,
    pub(in crate::web) render: fn(&Pages, Variation) -> Result<Vec<Sample>, tera::Error>,
}

impl SamplePage {
    pub(in crate::web) const fn of<P: Samples>() -> Self {
        Self { template: P::TEMPLATE, render: render::<P> }
    }
}

/// The texts and lists of the layout that users have written.
const LAYOUT_VARIES: Varies = Varies {
    texts: &["organization", "user.name", "user.email", "stops.connection", "stops.sender"],
    lists: &["stops"],
};

/// Renders the samples of a page that the variation changes.
fn render<P: Samples>(pages: &Pages, kind: Variation) -> Result<Vec<Sample>, tera::Error> {
    let states: Vec<Value> = P::samples().iter().map(value).collect::<Result<_, _>>()?;
    let missing: Vec<_> = P::VARIES
        .texts
        .iter()
        .chain(P::VARIES.lists)
        .filter(|path| !states.iter().any(|state| leads_to_value(state, path)))
        .collect();
    if !missing.is_empty() {
        return Err(tera::Error::message(format!("no sample of {} has {missing:?}", P::TEMPLATE)));
    }
    let fullest = states.iter().max_by_key(|state| rows(state, P::VARIES)).cloned();
    let chosen = match kind {
        Variation::Unchanged | Variation::LongNames | Variation::RightToLeft => states,
        Variation::Empty | Variation::ManyRows => fullest.into_iter().collect(),
    };
    let mut visit = value(&Layout::sample())?;
    vary(&mut visit, LAYOUT_VARIES, kind);
    let mut rendered = Vec::new();
    for mut state in chosen {
        if vary(&mut state, P::VARIES, kind) > 0 || kind == Variation::Unchanged {
            let html = pages.render_as(P::TEMPLATE, &state, &visit)?;
            rendered.push(Sample { template: P::TEMPLATE, kind, html });
        }
    }
    Ok(rendered)
}

fn value(shown: &impl serde::Serialize) -> Result<Value, tera::Error> {
    serde_json::to_value(shown).map_err(|error| tera::Error::message(error.to_string()))
}
