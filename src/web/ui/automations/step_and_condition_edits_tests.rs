//! Tests of the edits of the form of an automation.

use super::FormEdit;
use crate::web::ui::automations::form::AutomationForm;
use crate::web::ui::automations::step_form::StepForm;

#[test]
fn adding_moving_and_removing_steps_keeps_their_input() {
    let mut form = AutomationForm::blank();
    form.steps[0] =
        StepForm { sender_id: "s".to_owned(), template_id: "t".to_owned(), ..StepForm::sms() };
    for edit in [
        FormEdit::AddWait(usize::MAX),
        FormEdit::AddSms(usize::MAX),
        FormEdit::Down(0),
        FormEdit::Up(0),
        FormEdit::Down(2),
        FormEdit::Remove(9),
    ] {
        edit.apply(&mut form);
    }
    let steps: Vec<_> = form
        .steps
        .iter()
        .map(|step| (step.kind.as_str(), step.template_id.as_str(), step.sender_id.as_str()))
        .collect();
    assert_eq!(steps, [("wait", "", ""), ("send_sms", "t", "s"), ("send_sms", "", "s")]);
    FormEdit::Move { from: 0, to: 3 }.apply(&mut form);
    assert_eq!(form.steps[2].kind, "wait");
    FormEdit::Move { from: 2, to: 0 }.apply(&mut form);
    assert_eq!(form.steps[0].kind, "wait");
    FormEdit::Remove(1).apply(&mut form);
    assert_eq!(form.steps.len(), 2);
}

#[test]
fn the_focus_stays_where_the_button_was_pressed() {
    let mut form = AutomationForm::blank();
    let mut focus = |edit: FormEdit| serde_json::to_value(edit.apply(&mut form)).unwrap();
    assert_eq!(focus(FormEdit::AddWait(usize::MAX)), "steps.1");
    assert_eq!(focus(FormEdit::AddSms(1)), "steps.1");
    assert_eq!(focus(FormEdit::Duplicate(0)), "steps.1");
    assert_eq!(
        (focus(FormEdit::Down(1)), focus(FormEdit::Down(2))),
        ("down.2".into(), "up.3".into())
    );
    assert_eq!(
        (focus(FormEdit::Up(3)), focus(FormEdit::Up(2)), focus(FormEdit::Up(1))),
        ("up.2".into(), "up.1".into(), "down.0".into())
    );
    assert_eq!(
        (focus(FormEdit::Remove(1)), focus(FormEdit::Remove(2))),
        ("steps.1".into(), "steps.1".into())
    );
    assert_eq!(
        (focus(FormEdit::Remove(0)), focus(FormEdit::Remove(0))),
        ("steps.0".into(), "add_sms".into())
    );
    let (first, second) = ("trigger.where.0.property", "trigger.where.1.property");
    assert_eq!(
        (focus(FormEdit::AddCondition), focus(FormEdit::AddCondition)),
        (first.into(), second.into())
    );
    assert_eq!(
        (focus(FormEdit::RemoveCondition(0)), focus(FormEdit::RemoveCondition(0))),
        (first.into(), "add_condition".into())
    );
    assert_eq!(focus(FormEdit::Up(0)), "");
}
