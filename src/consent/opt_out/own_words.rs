//! The organization's own opt-out words, besides the standard ones, which cannot be removed.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::standard_words::{self, HELP, START};
use super::text_folding;
use crate::db::Conn;
use crate::db::schema::{opt_out_words, users};
use crate::error::{Error, Result};
use crate::types::id::OptOutWordId;
use crate::users::audit::{self, Actor, AuditKind};

/// The largest number of own words.
pub const MAX_WORDS: i64 = 100;

/// The maximum length of a word, or of a few, in characters.
pub const MAX_WORD_LENGTH: usize = 40;

/// The organization's own opt-out words, squeezed, for comparison with texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnWords(HashSet<String>);

/// One of the organization's own opt-out words.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct OwnWord {
    /// Identifies the word.
    pub id: OptOutWordId,
    /// As it was typed.
    pub word: String,
    /// The name of the user who added it, while the user exists.
    pub added_by: Option<String>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

/// A word that can be added; created by [`NewWord::parse`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWord {
    word: String,
    squeezed: String,
}

impl OwnWords {
    /// Whether a text, folded and squeezed, is one of them.
    pub(super) fn contains(&self, squeezed: &str) -> bool {
        self.0.contains(squeezed)
    }
}

impl NewWord {
    /// Parses a word as it is typed; one that is known already, lifts an opt-out or asks for help
    /// is refused.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        let word = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if word.is_empty() {
            return Err("Enter a word.".to_owned());
        }
        if word.chars().count() > MAX_WORD_LENGTH || word.chars().any(char::is_control) {
            return Err(format!("Enter a word, or a few, of up to {MAX_WORD_LENGTH} characters."));
        }
        let Some(squeezed) = text_folding::word_of(&word) else {
            return Err(
                "Use letters and digits, with only spaces and hyphens between them.".to_owned()
            );
        };
        if START.iter().any(|(start, _)| *start == squeezed) {
            return Err(format!("“{word}” opts people in again. Choose another word."));
        }
        if HELP.contains(&squeezed.as_str()) {
            return Err(format!("“{word}” asks for help. Choose another word."));
        }
        match standard_words::opt_out(&word, Some(&squeezed)) {
            Some(_) => Err(format!("“{word}” is an opt-out already.")),
            None => Ok(Self { word, squeezed }),
        }
    }
}

/// Loads the organization's own words, to compare texts with.
pub async fn load(mut conn: &Conn) -> Result<OwnWords> {
    let words: Vec<String> =
        opt_out_words::table.select(opt_out_words::squeezed).load(&mut conn).await?;
    Ok(OwnWords(words.into_iter().collect()))
}

/// All own words, in alphabetical order.
pub async fn list(conn: &mut Conn) -> Result<Vec<OwnWord>> {
    let words = own_words().order((opt_out_words::word, opt_out_words::id)).limit(MAX_WORDS);
    Ok(words.load(conn).await?)
}

/// The words with the names of those who added them, in the order of the fields of [`OwnWord`].
#[diesel::dsl::auto_type]
fn own_words() -> _ {
    opt_out_words::table.left_join(users::table).select((
        opt_out_words::id,
        opt_out_words::word,
        users::name.nullable(),
        opt_out_words::created_at,
    ))
}

/// Adds a word and its line in the audit log, in the caller's transaction.
pub async fn add(
    conn: &mut Conn,
    word: &NewWord,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<OwnWord> {
    let id = OptOutWordId::new();
    let known: i64 = opt_out_words::table.count().get_result(conn).await?;
    if known >= MAX_WORDS {
        return Err(Error::field(
            "word",
            format!("There are {MAX_WORDS} words already. Remove one first."),
        ));
    }
    diesel::insert_into(opt_out_words::table)
        .values((
            opt_out_words::id.eq(id),
            opt_out_words::word.eq(&word.word),
            opt_out_words::squeezed.eq(&word.squeezed),
            opt_out_words::created_by.eq(actor.user()),
            opt_out_words::created_at.eq(now),
        ))
        .execute(conn)
        .await
        .map_err(|error| {
            Error::from(error).on_constraint(
                "opt_out_words_squeezed_key",
                "word",
                "This word is an opt-out already.",
            )
        })?;
    audit::record(
        conn,
        actor,
        AuditKind::Organization,
        None,
        &format!("added the opt-out word {}", word.word),
        now,
    )
    .await?;
    Ok(own_words().filter(opt_out_words::id.eq(id)).first(conn).await?)
}

/// Removes a word and adds a line to the audit log, in the caller's transaction. People who opted
/// out with it stay opted out.
pub async fn remove(
    conn: &mut Conn,
    id: OptOutWordId,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<String> {
    let removed = diesel::delete(opt_out_words::table.find(id)).returning(opt_out_words::word);
    let word: String =
        removed.get_result(conn).await.optional()?.ok_or(Error::NotFound("opt-out word"))?;
    audit::record(
        conn,
        actor,
        AuditKind::Organization,
        None,
        &format!("removed the opt-out word {word}"),
        now,
    )
    .await?;
    Ok(word)
}

#[cfg(test)]
impl OwnWords {
    /// The words as if they were stored.
    pub(super) fn of(words: &[&str]) -> Self {
        Self(words.iter().filter_map(|word| text_folding::word_of(word)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_word_is_new_and_lifts_no_opt_out() {
        assert_eq!(
            NewWord::parse(" Adios-Amigos ").map(|word| word.squeezed),
            Ok("adiosamigos".to_owned())
        );
        for word in [
            "",
            "!?",
            "a\u{7}b",
            "Stop",
            "ＳＴＯＰ",
            "opt out",
            "arrêt",
            "start",
            "Yes",
            "help",
            "a.b",
            &"x".repeat(41),
        ] {
            assert!(NewWord::parse(word).is_err(), "{word:?}");
        }
    }
}
