//! The editor: one form with every button inside it, so that it works without scripts and loses
//! nothing.

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;
use serde::Serialize;

use super::action::{AutomationAction, Focus};
use super::choices::Choices;
use super::form::AutomationForm;
use super::trial::{AutomationTrial, TRY, TrialForm};
use crate::automations::{self, Automation, AutomationChange, AutomationStatus, NewAutomation};
use crate::db::Conn;
use crate::error::{Error, FieldErrors};
use crate::types::id::AutomationId;
use crate::users::audit::Actor;
use crate::web::http::error::PageError;
use crate::web::{Form, Marketer, Page, PageResult, Query, Visit};

/// What a draft is called before anyone names it.
const UNTITLED: &str = "Untitled automation";
/// The longest form that fits into an address, in bytes.
const MAX_QUERY: usize = 9_000;

/// The editor.
#[derive(Debug, Serialize)]
pub(in crate::web) struct AutomationEditPage {
    id: Option<AutomationId>,
    status: AutomationStatus,
    form: AutomationForm,
    errors: FieldErrors,
    choices: Choices,
    /// What it would do, if somebody asked.
    trial: Option<AutomationTrial>,
    /// What it was tried with, kept until somebody asks again.
    tried: TrialForm,
    focus: Focus,
}

/// What the form is about: an automation that exists, or none yet.
#[derive(Debug, Clone, Copy)]
struct Subject {
    id: Option<AutomationId>,
    status: AutomationStatus,
}

/// What is typed: the automation, and what to try it with.
struct Typed {
    form: AutomationForm,
    trial: TrialForm,
}

/// How complete it has to be for being saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// As its status asks: a draft may lack much.
    ForItsStatus,
    /// So that it can be switched on next: what is missing is said where it is typed.
    ToRun,
}

/// An empty form, or the one that the address brings back.
pub(super) async fn new(visit: Visit<Marketer>, query: Query<Vec<(String, String)>>) -> PageResult {
    let subject = Subject { id: None, status: AutomationStatus::Draft };
    let (form, focus) = brought_back(&query, AutomationForm::blank);
    show(visit, subject, Typed { form, trial: TrialForm::default() }, focus).await
}

/// The saved form, or the one that the address brings back.
pub(super) async fn edit(
    visit: Visit<Marketer>,
    id: Path<AutomationId>,
    query: Query<Vec<(String, String)>>,
) -> PageResult {
    let mut conn = visit.conn().await?;
    let automation = automations::find(&mut conn, *id).await?;
    drop(conn);
    let (form, focus) = brought_back(&query, || AutomationForm::of(&automation));
    let subject = Subject { id: Some(automation.id), status: automation.status };
    show(visit, subject, Typed { form, trial: TrialForm::default() }, focus).await
}

/// The form in the address, or another one where there is none; with `step` and `template_id` in
/// it, that template is chosen, and the step is where one goes on.
fn brought_back(
    query: &[(String, String)],
    otherwise: impl FnOnce() -> AutomationForm,
) -> (AutomationForm, Focus) {
    let asked = |wanted: &str| {
        query.iter().rev().find(|(name, _)| name == wanted).map(|(_, value)| value.clone())
    };
    let mut form = match asked("trigger.type") {
        Some(_) => AutomationForm::from_pairs(query),
        None => otherwise(),
    };
    let index = asked("step")
        .and_then(|step| step.parse::<usize>().ok())
        .filter(|index| *index < form.steps.len());
    if let (Some(index), Some(template_id)) = (index, asked("template_id")) {
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
        Typed { form: AutomationForm::from_pairs(pairs), trial: TrialForm::from_pairs(pairs) };
    match AutomationAction::from_pairs(pairs) {
        AutomationAction::Edit(edit) => {
            let focus = edit.apply(&mut typed.form);
            show(visit, subject, typed, focus).await
        }
        AutomationAction::Save => match save(
            &mut *visit.conn().await?,
            &visit.actor(),
            visit.now(),
            subject,
            &typed.form,
            Needs::ForItsStatus,
        )
        .await
        {
            Ok(saved) => {
                visit.redirect(format!("/automations/{}", saved.id)).flash("Automation saved.")
            }
            Err(error) => refuse(visit, subject, typed, error).await,
        },
        AutomationAction::Activate => match save(
            &mut *visit.conn().await?,
            &visit.actor(),
            visit.now(),
            subject,
            &typed.form,
            Needs::ToRun,
        )
        .await
        {
            Ok(saved) => visit
                .redirect(format!("/automations/{}/activate", saved.id))
                .flash("Automation saved. It is not switched on yet."),
            Err(error) => refuse(visit, subject, typed, error).await,
        },
        AutomationAction::Try => try_out(visit, subject, typed).await,
        AutomationAction::NewTemplate(step) => {
            leave_for_template(visit, subject, typed, step).await
        }
    }
}

async fn show(visit: Visit<Marketer>, subject: Subject, typed: Typed, focus: Focus) -> PageResult {
    let page = AutomationEditPage::load(&visit, subject, typed, FieldErrors::default()).await?;
    visit.page(&AutomationEditPage { focus, ..page })
}

/// Shows the form again with what is wrong with it; other errors are pages of their own.
async fn refuse(
    visit: Visit<Marketer>,
    subject: Subject,
    typed: Typed,
    error: Error,
) -> PageResult {
    match error {
        Error::Invalid(errors) => {
            show_wrong(
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

async fn show_wrong(
    visit: Visit<Marketer>,
    subject: Subject,
    typed: Typed,
    errors: FieldErrors,
) -> PageResult {
    let page = AutomationEditPage::load(&visit, subject, typed, errors).await?;
    visit.invalid(&page)
}

/// Creates or changes the automation; its status stays, since what switching it on will do is told
/// on a page of its own first.
async fn save(
    conn: &mut Conn,
    actor: &Actor,
    now: DateTime<Utc>,
    subject: Subject,
    form: &AutomationForm,
    needs: Needs,
) -> Result<Automation, Error> {
    let (name, definition) = form.parse().map_err(Error::Invalid)?;
    conn.transaction(async |conn| {
        if needs == Needs::ToRun {
            automations::check_can_run(conn, &definition).await?;
        }
        match subject.id {
            None => {
                automations::create(
                    conn,
                    actor,
                    NewAutomation { name, definition, status: AutomationStatus::Draft },
                    now,
                )
                .await
            }
            Some(id) => {
                let (trigger, steps) = (Some(definition.trigger), Some(definition.steps));
                automations::update(
                    conn,
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

/// Shows the form with what it would do for somebody. Where it cannot be read, what is wrong is
/// said instead.
async fn try_out(visit: Visit<Marketer>, subject: Subject, typed: Typed) -> PageResult {
    // A name is not needed for that.
    let named = AutomationForm { name: UNTITLED.to_owned(), ..typed.form.clone() };
    let (_, definition) = match named.parse() {
        Ok(parsed) => parsed,
        Err(errors) => {
            return show_wrong(
                visit,
                subject,
                typed,
                errors.with("form", "It cannot be tried yet: see what is marked below."),
            )
            .await;
        }
    };
    let (trial, wrong) = AutomationTrial::load(
        &mut *visit.conn().await?,
        &visit,
        subject.id,
        &definition,
        typed.trial.clone(),
    )
    .await?;
    let errors = wrong.iter().flat_map(|(field, all)| {
        all.iter().map(move |sentence| (format!("{TRY}{field}"), sentence))
    });
    let errors = errors
        .fold(FieldErrors::default(), |errors, (field, sentence)| errors.with(&field, sentence));
    let page = AutomationEditPage::load(&visit, subject, typed, errors).await?;
    let page = AutomationEditPage { trial: Some(trial), focus: Focus::trial(), ..page };
    if page.errors.is_empty() { visit.page(&page) } else { visit.invalid(&page) }
}

/// Keeps the half-filled form and goes to write a template; that page comes back here with the
/// template chosen.
///
/// A draft is saved as far as it can be. The form as it was typed travels along in the address:
/// what runs, or has run, cannot be saved half, and a draft loses what is not complete.
async fn leave_for_template(
    visit: Visit<Marketer>,
    subject: Subject,
    mut typed: Typed,
    step: usize,
) -> PageResult {
    let form = &mut typed.form;
    let mut id = subject.id;
    if subject.status == AutomationStatus::Draft {
        if form.name.trim().is_empty() {
            form.name = untitled(&mut *visit.conn().await?).await?;
        }
        match save(
            &mut *visit.conn().await?,
            &visit.actor(),
            visit.now(),
            subject,
            form,
            Needs::ForItsStatus,
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
        return show_wrong(visit, Subject { id, ..subject }, typed, errors).await;
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

/// A name that no automation has: “Untitled automation”, “Untitled automation 2” …
async fn untitled(conn: &mut Conn) -> Result<String, Error> {
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
        let choices = Choices::load(&mut *visit.conn().await?, &typed.form).await?;
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
