//! The buttons of the editor. Each posts the whole form and names its action in the field `do`.

use super::panel::Panel;
use super::step_and_condition_edits::FormEdit;

/// The button that was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EditorButton {
    /// Save, and show the automation.
    Save,
    /// Save, and show the page that confirms switching it on.
    Activate,
    /// Go to the form for a new template for this step, and come back with the form as typed.
    NewTemplate(usize),
    /// Run the automation dry for a chosen contact.
    DryRun,
    /// Change the form, and show it again.
    Edit(FormEdit),
    /// Put back the step that was just deleted.
    Restore,
    /// Show this in the panel.
    Select(Panel),
}

impl EditorButton {
    /// Reads the field `do`. Without it, the action is to save; Enter in a field presses *Try it*.
    pub(super) fn from_pairs(pairs: &[(String, String)]) -> Self {
        let action =
            pairs.iter().find(|(name, _)| name == "do").map_or("save", |(_, value)| value.as_str());
        let (verb, rest) = action.split_once('.').unwrap_or((action, ""));
        let index = rest.parse::<usize>();
        match (verb, index) {
            ("select", _) => Self::Select(Panel::of(rest).unwrap_or_default()),
            ("restore", _) => Self::Restore,
            ("move", _) => {
                let places = rest.split_once('.').and_then(|(from, to)| {
                    Some(FormEdit::Move { from: from.parse().ok()?, to: to.parse().ok()? })
                });
                places.map_or(Self::Select(Panel::Closed), Self::Edit)
            }
            ("activate", _) => Self::Activate,
            ("new_template", Ok(index)) => Self::NewTemplate(index),
            ("try", _) => Self::DryRun,
            ("add_sms", index) => Self::Edit(FormEdit::AddSms(index.unwrap_or(usize::MAX))),
            ("add_wait", index) => Self::Edit(FormEdit::AddWait(index.unwrap_or(usize::MAX))),
            ("copy", Ok(index)) => Self::Edit(FormEdit::Duplicate(index)),
            ("remove", Ok(index)) => Self::Edit(FormEdit::Remove(index)),
            ("up", Ok(index)) => Self::Edit(FormEdit::Up(index)),
            ("down", Ok(index)) => Self::Edit(FormEdit::Down(index)),
            ("add_condition", _) => Self::Edit(FormEdit::AddCondition),
            ("remove_condition", Ok(index)) => Self::Edit(FormEdit::RemoveCondition(index)),
            _ => Self::Save,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_button_names_its_action() {
        let action = |query: &str| {
            let pairs: Vec<_> =
                url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
            EditorButton::from_pairs(&pairs)
        };
        assert_eq!(action("name=A"), EditorButton::Save);
        assert_eq!(action("do=activate"), EditorButton::Activate);
        assert_eq!(action("do=select.steps.2"), EditorButton::Select(Panel::Step(2)));
        assert_eq!(action("do=select.none"), EditorButton::Select(Panel::Closed));
        assert_eq!(action("do=move.4.0"), EditorButton::Edit(FormEdit::Move { from: 4, to: 0 }));
        assert_eq!(action("do=new_template.3"), EditorButton::NewTemplate(3));
        assert_eq!(action("do=up.1"), EditorButton::Edit(FormEdit::Up(1)));
        assert_eq!(action("do=remove.x"), EditorButton::Save);
    }
}
