//! Samples of all pages, varied with what breaks pages: nothing to show, long names, names written
//! from right to left, ten thousand rows. Only debug builds have them. Tests check their markup and
//! how a browser shows them (`tests/it/page_samples.rs`); start with [`samples_of`].

mod page_list;
mod rendering;
mod variation;

use crate::types::public_url::PublicUrl;
use crate::web::Pages;
use page_list::PAGES;

pub use rendering::Sample;
pub use variation::{LONG, RIGHT_TO_LEFT, ROWS, Variation};

/// Renders every sample of the pages whose template is selected, in one variation; links start with
/// the path of `public_url`. Template errors are collected and returned together, each with its
/// file and line.
pub fn samples_of(
    public_url: &PublicUrl,
    kind: Variation,
    is_selected: impl Fn(&str) -> bool,
) -> Result<Vec<Sample>, tera::Error> {
    let pages = Pages::load(public_url)?;
    let (mut all, mut wrong) = (Vec::new(), Vec::new());
    for page in PAGES.iter().filter(|page| is_selected(page.template)) {
        match (page.render)(&pages, kind) {
            Ok(samples) => all.extend(samples),
            Err(error) => wrong.push(format!("{error:?}")),
        }
    }
    if wrong.is_empty() { Ok(all) } else { Err(tera::Error::message(wrong.join("\n"))) }
}

#[cfg(test)]
mod tests;
