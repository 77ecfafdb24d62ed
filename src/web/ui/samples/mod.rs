//! Pages with what breaks pages: nothing to show, long names, names that are written from right to
//! left, ten thousand rows.
//!
//! Debug builds have them; tests look at their markup, and at what a browser makes of it
//! (`tests/it/samples.rs`).

use serde_json::Value;
use uuid::Uuid;

use crate::web::http::page::{Pages, Samples, Varies};
use crate::web::http::visit::Layout;

/// As many rows as the longest lists get.
pub const ROWS: usize = 10_000;
/// Longer than most names may be, without a space to break it, and with everything that has to be
/// escaped.
pub const LONG: &str = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft<i>&\"'\
     Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch";
/// Written from right to left, with what turns round when its direction is not kept apart from that
/// of its surroundings.
pub const RIGHT_TO_LEFT: &str = "שלום, متجر <i>&\"' (12)!";

/// What is particular about a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variation {
    /// Nothing: it shows one of the page's own states.
    AsMade,
    /// All lists are empty.
    Empty,
    /// Everything that people have written is [`LONG`].
    LongNames,
    /// Everything that people have written is [`RIGHT_TO_LEFT`].
    RightToLeft,
    /// All lists have [`ROWS`] rows.
    ManyRows,
}

/// A page as it is shown.
#[derive(Debug)]
pub struct Sample {
    /// The page, by its template.
    pub template: &'static str,
    /// What is particular about it.
    pub kind: Variation,
    /// The page as HTML.
    pub html: String,
}

/// Renders samples of one page.
pub(in crate::web) type RenderSamples = fn(&Pages, Variation) -> Result<Vec<Sample>, tera::Error>;

/// What the layout shows of what people have written.
const OF_LAYOUT: Varies = Varies {
    texts: &["organization", "user.name", "user.email", "stops.connection", "stops.sender"],
    lists: &["stops"],
};

impl Variation {
    /// All kinds.
    pub const ALL: [Self; 5] =
        [Self::AsMade, Self::Empty, Self::LongNames, Self::RightToLeft, Self::ManyRows];
}

/// Renders the samples of a page, those that this kind changes.
pub(in crate::web) fn of_page<P: Samples>(
    pages: &Pages,
    kind: Variation,
) -> Result<Vec<Sample>, tera::Error> {
    let states: Vec<Value> = P::samples().iter().map(value).collect::<Result<_, _>>()?;
    let missing: Vec<_> = P::VARIES
        .texts
        .iter()
        .chain(P::VARIES.lists)
        .filter(|path| !states.iter().any(|state| has(state, path)))
        .collect();
    if !missing.is_empty() {
        return Err(tera::Error::message(format!("no sample of {} has {missing:?}", P::TEMPLATE)));
    }
    let fullest = states.iter().max_by_key(|state| rows(state, P::VARIES)).cloned();
    let chosen = match kind {
        Variation::AsMade | Variation::LongNames | Variation::RightToLeft => states,
        Variation::Empty | Variation::ManyRows => fullest.into_iter().collect(),
    };
    let mut visit = value(&Layout::sample())?;
    vary(&mut visit, OF_LAYOUT, kind);
    let mut rendered = Vec::new();
    for mut state in chosen {
        if vary(&mut state, P::VARIES, kind) > 0 || kind == Variation::AsMade {
            let html = pages.render_as(P::TEMPLATE, &state, &visit)?;
            rendered.push(Sample { template: P::TEMPLATE, kind, html });
        }
    }
    Ok(rendered)
}

fn value(shown: &impl serde::Serialize) -> Result<Value, tera::Error> {
    serde_json::to_value(shown).map_err(|error| tera::Error::message(error.to_string()))
}

/// Varies what is shown in one way, and tells in how many places.
fn vary(shown: &mut Value, varies: Varies, kind: Variation) -> usize {
    let paths = match kind {
        Variation::AsMade => &[],
        Variation::Empty | Variation::ManyRows => varies.lists,
        Variation::LongNames | Variation::RightToLeft => varies.texts,
    };
    let mut changed = 0;
    for path in paths {
        at(shown, path, &mut |place| {
            changed += match kind {
                Variation::AsMade => 0,
                Variation::Empty => usize::from(clear(place)),
                Variation::ManyRows => usize::from(multiply(place)),
                Variation::LongNames => write(place, LONG),
                Variation::RightToLeft => write(place, RIGHT_TO_LEFT),
            };
        });
    }
    changed
}

/// How many rows all lists have together.
fn rows(shown: &Value, varies: Varies) -> usize {
    let mut count = 0;
    let mut shown = shown.clone();
    for path in varies.lists {
        at(&mut shown, path, &mut |list| count += list.as_array().map_or(0, Vec::len));
    }
    count
}

/// Does something with whatever a path leads to, through objects and all elements of lists.
fn at(shown: &mut Value, path: &str, act: &mut dyn FnMut(&mut Value)) {
    let (first, rest) =
        path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    match (shown, rest) {
        (Value::Array(list), _) => list.iter_mut().for_each(|one| at(one, path, act)),
        (Value::Object(fields), rest) => match (fields.get_mut(first), rest) {
            (Some(found), Some(rest)) => at(found, rest, act),
            (Some(found), None) => act(found),
            (None, _) => {}
        },
        _ => {}
    }
}

/// Whether a path leads to something.
fn has(shown: &Value, path: &str) -> bool {
    let mut found = false;
    at(&mut shown.clone(), path, &mut |value| found |= !value.is_null());
    found
}

/// Puts a text in place of a text, or of each text of a list; tells of how many.
fn write(place: &mut Value, text: &str) -> usize {
    match place {
        Value::String(old) => {
            text.clone_into(old);
            1
        }
        Value::Array(list) => list.iter_mut().map(|one| write(one, text)).sum(),
        _ => 0,
    }
}

fn clear(place: &mut Value) -> bool {
    place.as_array_mut().is_some_and(|list| !std::mem::take(list).is_empty())
}

/// Repeats the rows of a list, each with ids of its own.
fn multiply(place: &mut Value) -> bool {
    let Some(list) = place.as_array_mut().filter(|list| !list.is_empty()) else { return false };
    let models = std::mem::take(list);
    list.extend(models.iter().cycle().take(ROWS).cloned().enumerate().map(|(number, mut row)| {
        rename(&mut row, number);
        row
    }));
    true
}

fn rename(row: &mut Value, number: usize) {
    match row {
        Value::Array(list) => list.iter_mut().for_each(|one| rename(one, number)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(id) if Uuid::parse_str(id).is_ok() => {
                        *id = Uuid::new_v4().to_string();
                    }
                    Value::String(id) if matches!(name.as_str(), "id" | "value" | "address") => {
                        *id = format!("{id}-{number}");
                    }
                    other => rename(other, number),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
