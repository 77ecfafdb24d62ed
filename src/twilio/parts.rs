//! Counts the SMS parts of a text: GSM-7 or UCS-2, and where the parts break.

use serde::Serialize;
use unicode_segmentation::UnicodeSegmentation;

use super::gsm;

/// Maximum length of a body in UTF-16 units, a conservative count; Twilio refuses longer ones
/// (error 21617).
pub const MAX_BODY: usize = 1_600;
/// Maximum number of characters reported as forcing UCS-2; more would not help the writer.
pub const MAX_FORCED_SHOWN: usize = 8;

const GSM_SINGLE: usize = 160;
const GSM_PART: usize = 153;
const UCS2_SINGLE: usize = 70;
const UCS2_PART: usize = 67;

/// Encoding of an SMS: one character outside GSM-7 switches the whole message to UCS-2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// 7 bits per character; a few characters take two septets.
    Gsm7,
    /// 16 bits per unit; emoji take two or more units.
    Ucs2,
}

/// The parts of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parts {
    /// Number of billed parts; 0 for an empty text.
    pub count: u16,
    /// The encoding of all parts.
    pub encoding: Encoding,
    /// Septets (GSM-7) or UTF-16 units (UCS-2).
    pub units: usize,
    /// Units per part of this message: 160 or 70 for a single part, 153 or 67 for several.
    pub per_part: usize,
    /// Units that still fit without another part.
    pub remaining_in_last: usize,
    /// Length in UTF-16 units, limited to [`MAX_BODY`].
    pub utf16: usize,
    /// The first distinct characters outside GSM-7, with their character index.
    pub forced_by: Vec<(char, usize)>,
}

impl Parts {
    /// Whether Twilio would refuse the text as too long.
    #[must_use]
    pub fn too_long(&self) -> bool {
        self.utf16 > MAX_BODY
    }
}

impl Encoding {
    /// The name of the encoding.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gsm7 => "GSM-7",
            Self::Ucs2 => "UCS-2",
        }
    }
}

/// Whether this character forces UCS-2.
#[must_use]
pub fn forces_ucs2(character: char) -> bool {
    !gsm::is_gsm(character)
}

/// Counts the parts of a text as Twilio bills them.
#[must_use]
pub fn count(text: &str) -> Parts {
    let utf16 = text.encode_utf16().count();
    let forced_by = forced_by(text);
    if forced_by.is_empty() {
        let septets = text.chars().map(septets);
        let (units, single) = (septets.clone().sum(), GSM_SINGLE);
        let packed =
            if units > single { pack(septets, GSM_PART) } else { single_part(units, single) };
        return packed.into_parts(Encoding::Gsm7, units, utf16, forced_by);
    }
    let packed = if utf16 > UCS2_SINGLE {
        pack(unsplittable(text), UCS2_PART)
    } else {
        single_part(utf16, UCS2_SINGLE)
    };
    packed.into_parts(Encoding::Ucs2, utf16, utf16, forced_by)
}

struct Packed {
    count: usize,
    per_part: usize,
    remaining: usize,
}

impl Packed {
    fn into_parts(
        self,
        encoding: Encoding,
        units: usize,
        utf16: usize,
        forced_by: Vec<(char, usize)>,
    ) -> Parts {
        Parts {
            count: u16::try_from(self.count).unwrap_or(u16::MAX),
            encoding,
            units,
            per_part: self.per_part,
            remaining_in_last: self.remaining,
            utf16,
            forced_by,
        }
    }
}

fn single_part(units: usize, capacity: usize) -> Packed {
    Packed { count: usize::from(units > 0), per_part: capacity, remaining: capacity - units }
}

/// Fills parts in order; a piece that does not fit starts the next part.
fn pack(pieces: impl Iterator<Item = usize>, capacity: usize) -> Packed {
    let (mut count, mut used) = (1, 0);
    for piece in pieces {
        if used + piece > capacity {
            count += 1;
            used = 0;
        }
        used += piece;
    }
    Packed { count, per_part: capacity, remaining: capacity - used }
}

/// UTF-16 lengths of unsplittable pieces: graphemes, or the characters of a grapheme longer than a
/// part.
fn unsplittable(text: &str) -> impl Iterator<Item = usize> {
    text.graphemes(true).flat_map(|grapheme| {
        let whole = grapheme.encode_utf16().count();
        let (whole, split) = if whole > UCS2_PART { (None, grapheme) } else { (Some(whole), "") };
        whole.into_iter().chain(split.chars().map(char::len_utf16))
    })
}

fn septets(character: char) -> usize {
    if gsm::is_extended(character) { 2 } else { 1 }
}

fn forced_by(text: &str) -> Vec<(char, usize)> {
    let mut found: Vec<(char, usize)> = Vec::new();
    for (index, character) in text.chars().enumerate() {
        if gsm::is_gsm(character) || found.iter().any(|(known, _)| *known == character) {
            continue;
        }
        found.push((character, index));
        if found.len() == MAX_FORCED_SHOWN {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(text: &str) -> u16 {
        count(text).count
    }

    #[test]
    fn the_limits_of_one_part_are_160_and_70() {
        assert_eq!(parts(""), 0);
        assert_eq!(parts(&"a".repeat(160)), 1);
        assert_eq!(parts(&"a".repeat(161)), 2);
        assert_eq!(parts(&"a".repeat(306)), 2);
        assert_eq!(parts(&"a".repeat(307)), 3);
        assert_eq!(parts(&"ж".repeat(70)), 1);
        assert_eq!(parts(&"ж".repeat(71)), 2);
        assert_eq!(parts(&"ж".repeat(134)), 2);
        assert_eq!(parts(&"ж".repeat(135)), 3);
        assert_eq!(parts(&"a".repeat(1_600)), 11);
    }

    #[test]
    fn extended_characters_cost_two_and_are_never_split() {
        assert_eq!(count("{").units, 2);
        assert_eq!(parts(&"€".repeat(80)), 1);
        assert_eq!(parts(&"{".repeat(153)), 3);
        // After 152 septets, a pair does not fit and starts the next part.
        let text = format!("{}{{{}", "a".repeat(152), "a".repeat(10));
        assert_eq!(count(&text).remaining_in_last, 153 - 12);
    }

    #[test]
    fn an_extended_character_costs_one_in_ucs2() {
        let counted = count("{ж}");
        assert_eq!((counted.encoding, counted.units), (Encoding::Ucs2, 3));
    }

    #[test]
    fn surrogate_pairs_and_graphemes_stay_together() {
        let smiles = count(&"😀".repeat(36));
        assert_eq!((smiles.count, smiles.units), (2, 72));
        assert_eq!(smiles.remaining_in_last, 67 - 2 * 3, "33 and 3");
        // A family emoji is 11 units: six fit in a part, and the seventh is not split.
        assert_eq!(count(&"👨‍👩‍👧‍👦".repeat(7)).remaining_in_last, 67 - 11);
    }

    #[test]
    fn a_grapheme_longer_than_a_part_is_split_at_characters() {
        let zalgo = format!("e{}", "\u{301}".repeat(200));
        assert_eq!(parts(&zalgo), 3);
    }

    #[test]
    fn the_characters_that_force_ucs2_are_reported_once_with_their_index() {
        let counted = count("It’s `5 o’clock` – ça va?");
        assert_eq!(counted.encoding, Encoding::Ucs2);
        assert_eq!(counted.forced_by, [('’', 2), ('`', 5), ('–', 17), ('ç', 19)]);
        assert_eq!(count("Çàé ÄÖÜß €5 [x]\n").encoding, Encoding::Gsm7);
        assert_eq!(count("á\t").forced_by.len(), 2);
    }

    #[test]
    fn the_limit_counts_utf16_units() {
        assert!(!count(&"a".repeat(1_600)).too_long());
        assert!(count(&"a".repeat(1_601)).too_long());
        assert!(!count(&"😀".repeat(800)).too_long());
        assert!(count(&"😀".repeat(801)).too_long());
    }

    #[test]
    fn remaining_says_when_the_next_part_begins() {
        let counted = count(&"a".repeat(150));
        assert_eq!((counted.remaining_in_last, counted.per_part), (10, 160));
        let counted = count(&"a".repeat(161));
        assert_eq!((counted.remaining_in_last, counted.per_part), (145, 153));
    }

    proptest! {
        #[test]
        fn more_text_never_takes_fewer_parts(text in "\\PC{0,200}", more in "\\PC{0,40}") {
            let longer = format!("{text}{more}");
            prop_assert!(parts(&text) <= parts(&longer));
        }

        #[test]
        fn parts_have_enough_capacity(text in "[a-z{}€😀ж]{0,400}") {
            let counted = count(&text);
            let capacity = usize::from(counted.count) * counted.per_part;
            prop_assert!(counted.units <= capacity);
            prop_assert!(counted.remaining_in_last <= counted.per_part);
            // Less than one piece (a pair or a grapheme) is wasted at the end of each part.
            let waste = capacity - counted.units - counted.remaining_in_last.min(capacity);
            prop_assert!(waste <= usize::from(counted.count) * 2);
        }

        #[test]
        fn pairs_are_never_split(before in 0..200_usize, pairs in 1..200_usize) {
            let counted = count(&format!("{}{}", "a".repeat(before), "{".repeat(pairs)));
            if counted.count > 1 {
                let first = (153 - before.min(153)) / 2;
                let rest = pairs.saturating_sub(first);
                if before <= 153 {
                    prop_assert_eq!(usize::from(counted.count), 1 + rest.div_ceil(76));
                }
            }
        }
    }
}
