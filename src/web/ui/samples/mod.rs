//! Samples of all pages, varied with what breaks pages: nothing to show, long names, names written
//! from right to left, ten thousand rows. Only debug builds have them. Tests check their markup and
//! how a browser shows them (`tests/it/samples.rs`); start with `of_page`.

use serde_json::Value;
use uuid::Uuid;

use crate::web::http::page::{Pages, Samples, Varies};
use crate::web::http::visit::Layout;

/// The number of rows in each list of a page with many rows.
pub const ROWS: usize = 10_000;
/// A text longer than most names may be, without a space to break it, and with every character that
/// has to be escaped.
pub const LONG: &str = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft<i>&\"'\
     Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch";
/// A text written from right to left, with characters that change places unless its direction is
/// isolated from its surroundings.
pub const RIGHT_TO_LEFT: &str = "שלום, متجر <i>&\"' (12)!";

/// How a sample differs from the page's own states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variation {
    /// Not at all: it shows one of the page's own states.
    Unchanged,
    /// All lists are empty.
    Empty,
    /// Every text that users have written is [`LONG`].
    LongNames,
    /// Every text that users have written is [`RIGHT_TO_LEFT`].
    RightToLeft,
    /// All lists have [`ROWS`] rows.
    ManyRows,
}

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
        Self { template: P::TEMPLATE, render: of_page::<P> }
    }
}

/// The texts and lists of the layout that users have written.
const LAYOUT_VARIES: Varies = Varies {
    texts: &["organization", "user.name", "user.email", "stops.connection", "stops.sender"],
    lists: &["stops"],
};

impl Variation {
    /// All variations.
    pub const ALL: [Self; 5] =
        [Self::Unchanged, Self::Empty, Self::LongNames, Self::RightToLeft, Self::ManyRows];
}

/// Renders the samples of a page that the variation changes.
fn of_page<P: Samples>(pages: &Pages, kind: Variation) -> Result<Vec<Sample>, tera::Error> {
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

/// Varies a page in one way, and returns the number of places changed.
fn vary(shown: &mut Value, varies: Varies, kind: Variation) -> usize {
    let paths = match kind {
        Variation::Unchanged => &[],
        Variation::Empty | Variation::ManyRows => varies.lists,
        Variation::LongNames | Variation::RightToLeft => varies.texts,
    };
    let mut changed = 0;
    for path in paths {
        for_each_at(shown, path, &mut |place| {
            changed += match kind {
                Variation::Unchanged => 0,
                Variation::Empty => usize::from(clear_list(place)),
                Variation::ManyRows => usize::from(repeat_rows(place)),
                Variation::LongNames => replace_text(place, LONG),
                Variation::RightToLeft => replace_text(place, RIGHT_TO_LEFT),
            };
        });
    }
    changed
}

/// The total number of rows in all lists.
fn rows(shown: &Value, varies: Varies) -> usize {
    let mut count = 0;
    let mut shown = shown.clone();
    for path in varies.lists {
        for_each_at(&mut shown, path, &mut |list| count += list.as_array().map_or(0, Vec::len));
    }
    count
}

/// Calls `act` on every value that a path leads to, through objects and all elements of lists.
fn for_each_at(shown: &mut Value, path: &str, act: &mut dyn FnMut(&mut Value)) {
    let (first, rest) =
        path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    match (shown, rest) {
        (Value::Array(list), _) => {
            for element in list {
                for_each_at(element, path, act);
            }
        }
        (Value::Object(fields), rest) => match (fields.get_mut(first), rest) {
            (Some(found), Some(rest)) => for_each_at(found, rest, act),
            (Some(found), None) => act(found),
            (None, _) => {}
        },
        _ => {}
    }
}

/// Whether a path leads to a value other than null.
fn leads_to_value(shown: &Value, path: &str) -> bool {
    let mut found = false;
    for_each_at(&mut shown.clone(), path, &mut |value| found |= !value.is_null());
    found
}

/// Replaces a text, or each text of a list, and returns the number of replacements.
fn replace_text(place: &mut Value, text: &str) -> usize {
    match place {
        Value::String(old) => {
            text.clone_into(old);
            1
        }
        Value::Array(list) => list.iter_mut().map(|element| replace_text(element, text)).sum(),
        _ => 0,
    }
}

fn clear_list(place: &mut Value) -> bool {
    place.as_array_mut().is_some_and(|list| !std::mem::take(list).is_empty())
}

/// Repeats the rows of a list, each with its own ids.
fn repeat_rows(place: &mut Value) -> bool {
    let Some(list) = place.as_array_mut().filter(|list| !list.is_empty()) else { return false };
    let models = std::mem::take(list);
    list.extend(models.iter().cycle().take(ROWS).cloned().enumerate().map(|(number, mut row)| {
        renew_ids(&mut row, number);
        row
    }));
    true
}

fn renew_ids(row: &mut Value, number: usize) {
    match row {
        Value::Array(list) => list.iter_mut().for_each(|element| renew_ids(element, number)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(id) if Uuid::parse_str(id).is_ok() => {
                        *id = Uuid::new_v4().to_string();
                    }
                    Value::String(id) if matches!(name.as_str(), "id" | "value" | "address") => {
                        *id = format!("{id}-{number}");
                    }
                    other => renew_ids(other, number),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
