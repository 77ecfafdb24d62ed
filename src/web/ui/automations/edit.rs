//! The editor of an automation. One form contains every button, so that it works without scripts
//! and keeps all input.

use actix_web::web::Path;
use serde::Serialize;

use super::dry_run::{AutomationDryRun, DryRunForm, FIELD_PREFIX};
use super::editor_buttons::EditorButton;
use super::editor_choices::EditorChoices;
use super::flow::FlowCard;
use super::focus::Focus;
use super::form::AutomationForm;
use super::panel::Panel;
use super::removed_step::RemovedStep;
use super::saving::{Completeness, Subject, save};
use super::step_and_condition_edits::FormEdit;
use crate::automations::{self, AutomationStatus};
use crate::db::Conn;
use crate::error::{Error, FieldErrors};
use crate::types::free_name::free_name;
use crate::types::id::AutomationId;
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
    /// Whether the form has changes that would be lost.
    is_unsaved: bool,
    errors: FieldErrors,
    choices: EditorChoices,
    /// The result of a dry run, if one was requested.
    trial: Option<AutomationDryRun>,
    /// The input of the last dry run, preset for the next one.
    tried: DryRunForm,
    /// The cards of the flow, as typed.
    trigger: FlowCard,
    cards: Vec<FlowCard>,
    panel: Panel,
    /// The step that was just deleted.
    removed: Option<RemovedStep>,
    focus: Focus,
}

/// The input: the automation as typed and as saved, the input of the dry run, and the open panel.
struct Typed {
    form: AutomationForm,
    saved: AutomationForm,
    trial: DryRunForm,
    panel: Panel,
}

/// Shows an empty form, or the one that the query contains. With nothing but `template_id`, the
/// first step of the empty form sends that template.
pub(super) async fn new(visit: Visit<Marketer>, query: Query<Vec<(String, String)>>) -> PageResult {
    let mut saved = AutomationForm::blank();
    if let [(name, template_id)] = query.as_slice()
        && name == "template_id"
        && let Some(first) = saved.steps.first_mut()
    {
        first.template_id.clone_from(template_id);
    }
    let (form, focus) = form_of_query(&query, || saved.clone());
    let panel = focus.panel().unwrap_or(Panel::Trigger);
    let typed = Typed { form, saved, trial: DryRunForm::default(), panel };
    show(visit, Subject::NEW, typed, None, focus).await
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
    let saved = AutomationForm::of(&automation);
    let (form, focus) = form_of_query(&query, || saved.clone());
    let subject = Subject::of(&automation);
    let panel = focus.panel().unwrap_or_default();
    let typed = Typed { form, saved, trial: DryRunForm::default(), panel };
    show(visit, subject, typed, None, focus).await
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
    submit(visit, Subject::NEW, AutomationForm::blank(), &form).await
}

pub(super) async fn update(
    visit: Visit<Marketer>,
    id: Path<AutomationId>,
    form: Form<Vec<(String, String)>>,
) -> PageResult {
    let automation = automations::find(&mut *visit.conn().await?, *id).await?;
    submit(visit, Subject::of(&automation), AutomationForm::of(&automation), &form).await
}

async fn submit(
    visit: Visit<Marketer>,
    subject: Subject,
    saved: AutomationForm,
    pairs: &[(String, String)],
) -> PageResult {
    let panel = pairs.iter().find(|(name, _)| name == "panel");
    let mut typed = Typed {
        form: AutomationForm::from_pairs(pairs),
        saved,
        trial: DryRunForm::from_pairs(pairs),
        panel: panel.and_then(|(_, value)| Panel::of(value)).unwrap_or_default(),
    };
    match EditorButton::from_pairs(pairs) {
        EditorButton::Edit(edit) => {
            let removed = match edit {
                FormEdit::Remove(index) => RemovedStep::of(&typed.form, index),
                _ => None,
            };
            let focus = edit.apply(&mut typed.form);
            typed.panel = focus.panel().unwrap_or(typed.panel);
            show(visit, subject, typed, removed, focus).await
        }
        EditorButton::Restore => {
            let restored = RemovedStep::restore(pairs, &mut typed.form);
            let focus = restored.map(Focus::step).unwrap_or_default();
            typed.panel = focus.panel().unwrap_or(typed.panel);
            show(visit, subject, typed, None, focus).await
        }
        EditorButton::Select(panel) => {
            typed.panel = panel;
            show(visit, subject, typed, None, Focus::of_panel(panel)).await
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

async fn show(
    visit: Visit<Marketer>,
    subject: Subject,
    typed: Typed,
    removed: Option<RemovedStep>,
    focus: Focus,
) -> PageResult {
    let mut page = AutomationEditPage::load(&visit, subject, typed, FieldErrors::default()).await?;
    if let Some(only) = &page.choices.only_sender {
        page.form.preset_sender(only);
    }
    visit.page(&AutomationEditPage { removed, focus, ..page.with_cards() })
}

/// Shows the form again with its errors; other errors get their own page.
async fn refuse(
    visit: Visit<Marketer>,
    subject: Subject,
    mut typed: Typed,
    error: Error,
) -> PageResult {
    match error {
        // Another version was saved meanwhile: saving again replaces it.
        Error::Invalid(errors) if errors.iter().any(|(field, _)| field == "form") => {
            typed.form.version = subject.version.to_string();
            show_errors(visit, subject, typed, errors).await
        }
        Error::Invalid(errors) => {
            show_errors(
                visit,
                subject,
                typed,
                errors.with("form", "Not saved yet. Correct the marked fields."),
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
    let panel = Panel::of_first_error(&errors).unwrap_or(typed.panel);
    let page = AutomationEditPage::load(&visit, subject, Typed { panel, ..typed }, errors).await?;
    visit.invalid(&page)
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
                errors.with("form", "Can’t try it yet. Correct the marked fields."),
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
    let typed = Typed { panel: Panel::DryRun, ..typed };
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
            Ok(saved) => {
                id = Some(saved.id);
                form.version = saved.version.to_string();
            }
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
    visit.redirect(format!("/templates/new?{query}")).without_message()
}

/// Finds a name that no automation has: “Untitled automation”, “Untitled automation 2” …
async fn untitled_name(conn: &mut Conn) -> Result<String, Error> {
    Ok(free_name(UNTITLED, &automations::names_starting_with(conn, UNTITLED).await?))
}

impl AutomationEditPage {
    async fn load(
        visit: &Visit<Marketer>,
        subject: Subject,
        typed: Typed,
        errors: FieldErrors,
    ) -> Result<Self, PageError> {
        let choices = EditorChoices::load(&mut *visit.conn().await?, &typed.form).await?;
        let (Subject { id, status, .. }, Typed { form, saved, trial: tried, panel }) =
            (subject, typed);
        let panel = panel.within(form.steps.len());
        let page = Self {
            id,
            status,
            is_unsaved: form.is_unsaved(&saved, choices.only_sender.as_deref()),
            form,
            errors,
            choices,
            trial: None,
            tried,
            trigger: FlowCard::of_trigger(None),
            cards: Vec::new(),
            panel,
            removed: None,
            focus: Focus::default(),
        };
        Ok(page.with_cards())
    }

    /// Describes the form in cards; again after the form has changed.
    fn with_cards(self) -> Self {
        let (trigger, cards) = FlowCard::of_form(
            &self.form,
            &self.choices.templates,
            &self.choices.bodies,
            &self.choices.senders,
            &self.errors,
        );
        Self { trigger, cards, ..self }
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
