//! Word-by-word differences between two texts.

use std::time::Duration;

use serde::Serialize;
use similar::{ChangeTag, TextDiff};

/// A stretch of text that is in both texts or in one of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiffPart {
    /// Which of the texts contain it.
    pub change: DiffKind,
    /// Words with the whitespace between them.
    pub text: String,
}

/// How a stretch changed from the older to the newer text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DiffKind {
    /// In both texts.
    Same,
    /// Only in the older text.
    Removed,
    /// Only in the newer text.
    Added,
}

/// Time after which the rest is compared coarsely: templates take far less, but a draft may contain
/// any pasted text.
const MAX_TIME: Duration = Duration::from_millis(100);

/// Compares two texts. Concatenating the stretches of one text restores it.
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
    fn changed_words_are_marked() {
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
    fn long_texts_with_nothing_in_common_are_compared_within_two_seconds() {
        let words = |many: usize, of: usize| {
            (0..many).map(|n| (n * n % of).to_string()).collect::<Vec<_>>().join(" ")
        };
        let (older, newer) = (words(16_000, 6_007), words(16_000, 7_919));
        let begun = std::time::Instant::now();
        let found = compare(&older, &newer);
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        let remaining = found
            .iter()
            .filter(|stretch| stretch.change != DiffKind::Removed)
            .map(|stretch| stretch.text.as_str());
        assert_eq!(remaining.collect::<String>(), newer);
    }

    proptest! {
        #[test]
        fn both_texts_can_be_restored(
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
