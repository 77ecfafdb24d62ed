//! What differs between two texts, word by word.

use std::time::Duration;

use serde::Serialize;
use similar::{ChangeTag, TextDiff};

/// A stretch of text that stands in both, or in one of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiffPart {
    /// Where it stands.
    pub change: DiffKind,
    /// The words with the blanks between them.
    pub text: String,
}

/// What became of a stretch from the older to the newer text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DiffKind {
    /// It stands in both.
    Same,
    /// Only the older one has it.
    Removed,
    /// Only the newer one has it.
    Added,
}

/// After so long the rest is told roughly: texts as long as templates take far less, but a draft
/// may be whatever was pasted.
const MAX_TIME: Duration = Duration::from_millis(100);

/// Compares two texts; the stretches of the newer one, put together, are the newer text, likewise
/// those of the older one.
pub fn compare(older: &str, newer: &str) -> Vec<DiffPart> {
    let mut stretches: Vec<DiffPart> = Vec::new();
    for change in
        TextDiff::configure().timeout(MAX_TIME).diff_unicode_words(older, newer).iter_all_changes()
    {
        let (text, change) = (change.value(), DiffKind::of(change.tag()));
        match stretches.last_mut() {
            Some(last) if last.change == change => last.text.push_str(text),
            _ => stretches.push(DiffPart { change, text: text.to_owned() }),
        }
    }
    stretches
}

impl DiffKind {
    fn of(tag: ChangeTag) -> Self {
        match tag {
            ChangeTag::Equal => Self::Same,
            ChangeTag::Delete => Self::Removed,
            ChangeTag::Insert => Self::Added,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_that_changed_are_told_apart() {
        let found = compare("Hi Ada, your order is here.", "Hi Ada, your parcel is here!");
        let shown: Vec<_> =
            found.iter().map(|stretch| (stretch.change, stretch.text.as_str())).collect();
        assert_eq!(
            shown,
            [
                (DiffKind::Same, "Hi Ada, your "),
                (DiffKind::Removed, "order"),
                (DiffKind::Added, "parcel"),
                (DiffKind::Same, " is here"),
                (DiffKind::Removed, "."),
                (DiffKind::Added, "!"),
            ]
        );
        assert_eq!(compare("a", "a"), [DiffPart { change: DiffKind::Same, text: "a".to_owned() }]);
        assert_eq!(compare("", ""), []);
    }

    #[test]
    fn long_texts_that_have_nothing_in_common_do_not_hold_anybody_up() {
        let words = |many: usize, of: usize| {
            (0..many).map(|n| (n * n % of).to_string()).collect::<Vec<_>>().join(" ")
        };
        let (older, newer) = (words(16_000, 6_007), words(16_000, 7_919));
        let begun = std::time::Instant::now();
        let found = compare(&older, &newer);
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        let kept = found
            .iter()
            .filter(|stretch| stretch.change != DiffKind::Removed)
            .map(|stretch| stretch.text.as_str());
        assert_eq!(kept.collect::<String>(), newer);
    }

    proptest! {
        #[test]
        fn both_texts_can_be_put_together_again(
            older in "[a-d é\n😀]{0,60}",
            newer in "[a-d é\n😀]{0,60}"
        ) {
            let found = compare(&older, &newer);
            let without = |left_out: DiffKind| {
                found.iter().filter(
                    |stretch| stretch.change != left_out
                ).map(|stretch| stretch.text.as_str()).collect::<String>()
            };
            prop_assert_eq!(without(DiffKind::Added), older);
            prop_assert_eq!(without(DiffKind::Removed), newer);
        }
    }
}
