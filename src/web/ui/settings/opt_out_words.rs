//! The opt-out words: the standard ones, and those that the organization has added.

use actix_web::web::Path;
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};

use crate::consent::opt_out;
use crate::consent::opt_out::own_words::{self, NewWord, OwnWord};
use crate::db::Conn;
use crate::error::{Error, FieldErrors, Result};
use crate::types::id::OptOutWordId;
use crate::web::{Admin, Form, Page, PageResult, Visit};

/// The form for a new word.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WordForm {
    word: String,
}

/// The page with all words, and the form for a new one.
#[derive(Debug, Serialize)]
pub(in crate::web) struct OptOutWordsPage {
    own: Vec<Row>,
    standard: Vec<Language>,
    /// A rejected word, as typed.
    word: String,
    errors: FieldErrors,
}

#[derive(Debug, Serialize)]
struct Row {
    id: OptOutWordId,
    word: String,
    added_by: Option<String>,
    created_at: chrono::DateTime<chrono::Utc>,
}

#[derive(Debug, Serialize)]
struct Language {
    name: &'static str,
    words: Vec<&'static str>,
}

pub(super) async fn show(visit: Visit<Admin>) -> PageResult {
    let page = OptOutWordsPage::load(&mut *visit.conn().await?).await?;
    visit.page(&page)
}

pub(super) async fn add(visit: Visit<Admin>, form: Form<WordForm>) -> PageResult {
    let (actor, now) = (visit.actor(), visit.now());
    let mut conn = visit.conn().await?;
    let result = match NewWord::parse(&form.word) {
        Ok(word) => {
            conn.transaction(async |conn| own_words::add(conn, &word, &actor, now).await).await
        }
        Err(message) => Err(Error::field("word", message)),
    };
    match result {
        Ok(_) => visit
            .redirect("/settings/opt-out-words")
            .flash("Word added. It opts contacts out from now on."),
        Err(Error::Invalid(errors)) => {
            let page = OptOutWordsPage::load(&mut conn).await?;
            drop(conn);
            visit.invalid(&OptOutWordsPage { word: form.into_inner().word, errors, ..page })
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn remove(visit: Visit<Admin>, id: Path<OptOutWordId>) -> PageResult {
    let (actor, now) = (visit.actor(), visit.now());
    let mut conn = visit.conn().await?;
    let word =
        conn.transaction(async |conn| own_words::remove(conn, *id, &actor, now).await).await?;
    drop(conn);
    visit
        .redirect("/settings/opt-out-words")
        .flash(format!("“{word}” removed. Contacts who opted out with it stay opted out."))
}

impl OptOutWordsPage {
    async fn load(conn: &mut Conn) -> Result<Self> {
        Ok(Self::of(own_words::list(conn).await?))
    }

    fn of(own: Vec<OwnWord>) -> Self {
        let row =
            |OwnWord { id, word, added_by, created_at }| Row { id, word, added_by, created_at };
        Self {
            own: own.into_iter().map(row).collect(),
            standard: opt_out::standard_words()
                .map(|(name, words)| Language { name, words })
                .collect(),
            word: String::new(),
            errors: FieldErrors::default(),
        }
    }
}

impl Page for OptOutWordsPage {
    const TEMPLATE: &'static str = "ui/settings/opt_out_words.html";
}

#[cfg(debug_assertions)]
#[path = "samples/opt_out_words.rs"]
mod samples;
