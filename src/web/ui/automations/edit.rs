//! The editor of an automation. One form contains every button, so that it works without scripts
//! and keeps all input.

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::dry_run::{AutomationDryRun, DryRunForm, FIELD_PREFIX};
use super::editor_buttons::EditorButton;
use super::editor_choices::EditorChoices;
use super::form::AutomationForm;
use super::form_edit::Focus;
use crate::automations::{self, Automation, AutomationChange, AutomationStatus, NewAutomation};
use crate::db::{self, Conn};
use crate::error::{Error, FieldErrors};
use crate::types::id::AutomationId;
use crate::users::audit::Actor;
use crate::web::http::error::PageError;
use crate::web::{Form, Marketer, Page, PageResult, Query, Visit};

/// The name of a draft that has not been named.
const UNTITLED: &str = "Untitled automation";
/// The longest form that is passed on in a URL, in bytes.
const MAX_QUERY: usize = 9_000;

/// The page of the editor.
#[derive(Debug, Serialize)]
pub(in crate::web) struct AutomationEditPage {
    id: Option<AutomationId>,
    status: AutomationStatus,
    form: AutomationForm,
    errors: FieldErrors,
    choices: EditorChoices,
    /// The result of a dry run, if one was requested.
    trial: Option<AutomationDryRun>,
    /// The input of the last dry run, preset for the next one.
    tried: DryRunForm,
    focus: Focus,
}

/// The automation that the form edits; its id is none for a new one.
#[derive(Debug, Clone, Copy)]
struct Subject {
    id: Option<AutomationId>,
    status: AutomationStatus,
}

/// The input: the automation as typed, and the input of the dry run.
struct Typed {
    form: AutomationForm,
    trial: DryRunForm,
}

/// How complete an automation has to be in order to be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Completeness {
    /// As its status requires: a draft may be incomplete.
    ForStatus,
    /// Complete enough to be switched on next; errors name what is missing.
    Runnable,
}

/// Shows an empty form, or the one that the query contains.
pub(super) async fn new(visit: Visit<Marketer>, query: Query<Vec<(String, String)>>) -> PageResult {
    let subject = Subject { id: None, status: AutomationStatus::Draft };
    let (form, focus) = form_of_query(&query, AutomationForm::blank);
    show(visit, subject, Typed { form, trial: DryRunForm::default() }, focus).await
}

/// Shows the saved automation, or the form that the query contains.
pub(super) async fn edit(
    visit: Visit<Marketer>,
    id: Path<AutomationId>,
    query: Query<Vec<(String, String)>>,
) -> PageResult {
    let mut conn = visit.conn().await?;
    let automation = automations::find(&mut conn, *id).await?;
    drop(conn);
    let (form, focus) = form_of_query(&query, || AutomationForm::of(&automation));
    let subject = Subject { id: Some(automation.id), status: automation.status };
    show(visit, subject, Typed { form, trial: DryRunForm::default() }, focus).await
}

/// Reads the form from the query, else takes `otherwise`. The query's `step` and `template_id`
/// choose a template for a step, which then gets the focus.
fn form_of_query(
    query: &[(String, String)],
    otherwise: impl FnOnce() -> AutomationForm,
) -> (AutomationForm, Focus) {
    let parameter = |wanted: &str| {
        query.iter().rev().find(|(name, _)| name == wanted).map(|(_, value)| value.clone())
    };
    let mut form = match parameter("trigger.type") {
        Some(_) => AutomationForm::from_pairs(query),
        None => otherwise(),
    };
    let index = parameter("step")
        .and_then(|step| step.parse::<usize>().ok())
        .filter(|index| *index < form.steps.len());
    if let (Some(index), Some(template_id)) = (index, parameter("template_id")) {
        form.steps[index].template_id = template_id;
    }
    (form, index.map(Focus::step).unwrap_or_default())
}

pub(super) async fn create(
    visit: Visit<Marketer>,
    form: Form<Vec<(String, String)>>,
) -> PageResult {
    submit(visit, Subject { id: None, status: AutomationStatus::Draft }, &form).await
}

pub(super) async fn update(
    visit: Visit<Marketer>,
    id: Path<AutomationId>,
    form: Form<Vec<(String, String)>>,
) -> PageResult {
    let automation = automations::find(&mut *visit.conn().await?, *id).await?;
    submit(visit, Subject { id: Some(automation.id), status: automation.status }, &form).await
}

async fn submit(
    visit: Visit<Marketer>,
    subject: Subject,
    pairs: &[(String, String)],
) -> PageResult {
    let mut typed =
        Typed { form: AutomationForm::from_pairs(pairs), trial: DryRunForm::from_pairs(pairs) };
    match EditorButton::from_pairs(pairs) {
        EditorButton::Edit(edit) => {
            let focus = edit.apply(&mut typed.form);
            show(visit, subject, typed, focus).await
        }
        EditorButton::Save => match save(
            &mut *visit.conn().await?,
            &visit.actor(),
            visit.now(),
            subject,
            &typed.form,
            Completeness::ForStatus,
        )
        .await
        {
            Ok(saved) => {
                visit.redirect(format!("/automations/{}", saved.id)).flash("Automation saved.")
            }
            Err(error) => refuse(visit, subject, typed, error).await,
        },
        EditorButton::Activate => match save(
            &mut *visit.conn().await?,
            &visit.actor(),
            visit.now(),
            subject,
            &typed.form,
            Completeness::Runnable,
        )
        .await
        {
            Ok(saved) => visit
                .redirect(format!("/automations/{}/activate", saved.id))
                .flash("Automation saved. It is not switched on yet."),
            Err(error) => refuse(visit, subject, typed, error).await,
        },
        EditorButton::DryRun => show_dry_run(visit, subject, typed).await,
        EditorButton::NewTemplate(step) => go_to_new_template(visit, subject, typed, step).await,
    }
}

async fn show(visit: Visit<Marketer>, subject: Subject, typed: Typed, focus: Focus) -> PageResult {
    let page = AutomationEditPage::load(&visit, subject, typed, FieldErrors::default()).await?;
    visit.page(&AutomationEditPage { focus, ..page })
}

/// Shows the form again with its errors; other errors get their own page.
async fn refuse(
    visit: Visit<Marketer>,
    subject: Subject,
    typed: Typed,
    error: Error,
) -> PageResult {
    match error {
        Error::Invalid(errors) => {
            show_errors(
                visit,
                subject,
                typed,
                errors.with("form", "Nothing is saved yet: see what is marked below."),
            )
            .await
        }
        other => Err(other.into()),
    }
}

async fn show_errors(
    visit: Visit<Marketer>,
    subject: Subject,
    typed: Typed,
    errors: FieldErrors,
) -> PageResult {
    let page = AutomationEditPage::load(&visit, subject, typed, errors).await?;
    visit.invalid(&page)
}

/// Creates or changes the automation. Its status stays: switching on has its own page, which says
/// first what will happen.
async fn save(
    conn: &mut Conn,
    actor: &Actor,
    now: DateTime<Utc>,
    subject: Subject,
    form: &AutomationForm,
    completeness: Completeness,
) -> Result<Automation, Error> {
    let (name, definition) = form.parse().map_err(Error::Invalid)?;
    db::transaction(conn, async |tx| {
        let mut tx = tx.open();
        if completeness == Completeness::Runnable {
            automations::check_can_run(&mut tx, &definition).await?;
        }
        match subject.id {
            None => {
                automations::create(
                    &mut tx,
                    actor,
                    NewAutomation { name, definition, status: AutomationStatus::Draft },
                    now,
                )
                .await
            }
            Some(id) => {
                let (trigger, steps) = (Some(definition.trigger), Some(definition.steps));
                automations::update(
                    tx,
                    actor,
                    id,
                    AutomationChange { name: Some(name), trigger, steps, status: None },
                    now,
                )
                .await
            }
        }
    })
    .await
}

/// Shows the form with the result of a dry run, or with its errors if the form is invalid.
async fn show_dry_run(visit: Visit<Marketer>, subject: Subject, typed: Typed) -> PageResult {
    // A dry run needs no name.
    let named = AutomationForm { name: UNTITLED.to_owned(), ..typed.form.clone() };
    let (_, definition) = match named.parse() {
        Ok(parsed) => parsed,
        Err(errors) => {
            return show_errors(
                visit,
                subject,
                typed,
                errors.with("form", "It cannot be tried yet: see what is marked below."),
            )
            .await;
        }
    };
    let (trial, wrong) = AutomationDryRun::load(
        &mut *visit.conn().await?,
        &visit,
        subject.id,
        &definition,
        typed.trial.clone(),
    )
    .await?;
    let errors = wrong.iter().flat_map(|(field, all)| {
        all.iter().map(move |sentence| (format!("{FIELD_PREFIX}{field}"), sentence))
    });
    let errors = errors
        .fold(FieldErrors::default(), |errors, (field, sentence)| errors.with(&field, sentence));
    let page = AutomationEditPage::load(&visit, subject, typed, errors).await?;
    let page = AutomationEditPage { trial: Some(trial), focus: Focus::dry_run(), ..page };
    if page.errors.is_empty() { visit.page(&page) } else { visit.invalid(&page) }
}

/// Redirects to the form for a new template, which comes back here with the template chosen.
///
/// A draft is saved if it is valid. The form as typed travels in the URL, because a running or
/// paused automation cannot be saved incomplete, and saving a draft drops incomplete fields.
async fn go_to_new_template(
    visit: Visit<Marketer>,
    subject: Subject,
    mut typed: Typed,
    step: usize,
) -> PageResult {
    let form = &mut typed.form;
    let mut id = subject.id;
    if subject.status == AutomationStatus::Draft {
        if form.name.trim().is_empty() {
            form.name = untitled_name(&mut *visit.conn().await?).await?;
        }
        match save(
            &mut *visit.conn().await?,
            &visit.actor(),
            visit.now(),
            subject,
            form,
            Completeness::ForStatus,
        )
        .await
        {
            Ok(saved) => id = Some(saved.id),
            Err(Error::Invalid(_)) => {}
            Err(other) => return Err(other.into()),
        }
    }
    let query = form.to_query();
    if query.len() > MAX_QUERY {
        let errors = FieldErrors::default()
            .with("form", "Save your changes first, then create the template.");
        return show_errors(visit, Subject { id, ..subject }, typed, errors).await;
    }
    let back = match id {
        Some(id) => format!("/automations/{id}/edit?{query}&step={step}"),
        None => format!("/automations/new?{query}&step={step}"),
    };
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("return_to", &back)
        .finish();
    visit.redirect(format!("/templates/new?{query}")).silently()
}

/// Finds a name that no automation has: “Untitled automation”, “Untitled automation 2” …
async fn untitled_name(conn: &mut Conn) -> Result<String, Error> {
    let taken = automations::names_starting_with(conn, UNTITLED).await?;
    let taken: Vec<String> = taken.iter().map(|name| name.to_lowercase()).collect();
    let numbered = |number: usize| {
        if number == 1 { UNTITLED.to_owned() } else { format!("{UNTITLED} {number}") }
    };
    let free =
        (1..=taken.len() + 1).map(numbered).find(|name| !taken.contains(&name.to_lowercase()));
    Ok(free.unwrap_or_else(|| UNTITLED.to_owned()))
}

impl AutomationEditPage {
    async fn load(
        visit: &Visit<Marketer>,
        subject: Subject,
        typed: Typed,
        errors: FieldErrors,
    ) -> Result<Self, PageError> {
        let choices = EditorChoices::load(&mut *visit.conn().await?, &typed.form).await?;
        let (Subject { id, status }, Typed { form, trial: tried }) = (subject, typed);
        Ok(Self { id, status, form, errors, choices, trial: None, tried, focus: Focus::default() })
    }
}

impl Page for AutomationEditPage {
    const TEMPLATE: &'static str = "ui/automations/edit.html";
}

#[cfg(debug_assertions)]
#[path = "samples/edit.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::automations::AutomationName;

    #[test]
    fn the_name_of_an_untitled_draft_is_one_that_can_be_saved() {
        assert!(AutomationName::parse(UNTITLED).is_ok());
    }
}
