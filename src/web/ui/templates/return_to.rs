//! The path back to the automation for which a template is written.

use crate::types::id::TemplateId;

/// A local path within the pages of automations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReturnTo(String);

impl ReturnTo {
    /// Accepts only local paths under `/automations`, since anything else could be an open
    /// redirect.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("/automations")?;
        // The query may contain a whole automation that is being edited.
        let local = (rest.is_empty() || rest.starts_with(['/', '?'])) && path.len() <= 10_000;
        let plain = path
            .chars()
            .all(|c| c.is_ascii_graphic() && !matches!(c, '\\' | '#' | '"' | '<' | '>'));
        let before_query = rest.split('?').next().unwrap_or_default();
        (local && plain && !before_query.contains("..") && !before_query.contains("//"))
            .then(|| Self(path.to_owned()))
    }

    /// The path as given.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The path, with the id of the saved template added.
    pub(super) fn with_template(&self, template: TemplateId) -> String {
        let separator = if self.0.contains('?') { '&' } else { '?' };
        format!("{}{separator}template_id={template}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_local_paths_of_automations_are_accepted() {
        for good in [
            "/automations",
            "/automations/new",
            "/automations/0190-a/edit?step=2",
            "/automations/1/edit?name=a..b%2F%2Fc&step=2",
        ] {
            assert!(ReturnTo::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "/",
            "/contacts",
            "/automationsx",
            "//evil.example",
            "https://evil.example/automations",
            "/automations//evil.example",
            "/automations/../login",
            "/automations\\@evil.example",
            "/automations/\r\nSet-Cookie: a=b",
            "/automations/ä",
            "automations/1",
        ] {
            assert_eq!(ReturnTo::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_saved_template_is_added_to_the_path() {
        let id: TemplateId = "01900000-0000-7000-8000-000000000000".parse().unwrap();
        assert_eq!(
            ReturnTo::parse("/automations/1/edit").unwrap().with_template(id),
            format!("/automations/1/edit?template_id={id}")
        );
        assert_eq!(
            ReturnTo::parse("/automations/1/edit?step=2").unwrap().with_template(id),
            format!("/automations/1/edit?step=2&template_id={id}")
        );
    }
}
