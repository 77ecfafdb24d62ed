//! Samples of the opt-out words: only standard ones, and added ones with an error.

use super::OptOutWordsPage;
use crate::consent::opt_out::own_words::OwnWord;
use crate::error::FieldErrors;
use crate::types::id::OptOutWordId;
use crate::web::{Samples, Varies};

impl Samples for OptOutWordsPage {
    const VARIES: Varies = Varies { texts: &["own.word", "own.added_by", "word"], lists: &["own"] };

    fn samples() -> Vec<Self> {
        let word = |word: &str, by: Option<&str>| OwnWord {
            id: OptOutWordId::new(),
            word: word.to_owned(),
            added_by: by.map(str::to_owned),
            created_at: chrono::DateTime::UNIX_EPOCH,
        };
        let errors = FieldErrors::default().with("word", "“Stop” is an opt-out already.");
        vec![
            Self::of(Vec::new()),
            Self {
                word: "Stop <b>".to_owned(),
                errors,
                ..Self::of(vec![word("adios & amigos", Some("Ann <b>")), word("βγες", None)])
            },
        ]
    }
}
