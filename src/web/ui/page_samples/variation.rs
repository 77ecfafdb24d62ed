//! Variations of a sample: without rows, with ten thousand, with long names, and with names written
//! from right to left.

use serde_json::Value;
use uuid::Uuid;

use crate::web::http::page::Varies;

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

impl Variation {
    /// All variations.
    pub const ALL: [Self; 5] =
        [Self::Unchanged, Self::Empty, Self::LongNames, Self::RightToLeft, Self::ManyRows];
}

/// Varies a page in one way, and returns the number of places changed.
pub(super) fn vary(shown: &mut Value, varies: Varies, kind: Variation) -> usize {
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
pub(super) fn rows(shown: &Value, varies: Varies) -> usize {
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
pub(super) fn leads_to_value(shown: &Value, path: &str) -> bool {
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
mod tests {
    use super::*;

    #[test]
    fn a_variation_changes_every_place_that_a_path_leads_to() {
        let mut shown = serde_json::json!(
            { "rows": [{ "name": "Ann", "tags": ["a", "b"] }, { "name": null }], "title": "x" }
        );
        let varies =
            Varies { texts: &["rows.name", "rows.tags", "nothing.name"], lists: &["rows"] };
        assert_eq!(vary(&mut shown, varies, Variation::LongNames), 3);
        assert_eq!(shown["rows"][0]["tags"][1], LONG);
        assert_eq!(
            (vary(&mut shown, varies, Variation::ManyRows), shown["rows"].as_array().map(Vec::len)),
            (1, Some(ROWS))
        );
        assert_eq!(
            (vary(&mut shown, varies, Variation::Empty), &shown["title"]),
            (1, &serde_json::json!("x"))
        );
    }
}
