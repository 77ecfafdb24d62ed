//! The way back into the automation that a template is written for.

use crate::types::id::TemplateId;

/// A path of ours within the automations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReturnTo(String);

impl ReturnTo {
    /// Accepts only local paths under `/automations`: anything else could lead to a stranger's
    /// site.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("/automations")?;
        // The query may carry a whole automation that is being edited.
        let local = (rest.is_empty() || rest.starts_with(['/', '?'])) && path.len() <= 10_000;
        let plain = path
            .chars()
            .all(|c| c.is_ascii_graphic() && !matches!(c, '\\' | '#' | '"' | '<' | '>'));
        let before_query = rest.split('?').next().unwrap_or_default();
        (local && plain && !before_query.contains("..") && !before_query.contains("//"))
            .then(|| Self(path.to_owned()))
    }

    /// The path as it was given.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The path, with the template that was saved.
    pub(super) fn with(&self, template: TemplateId) -> String {
        let separator = if self.0.contains('?') { '&' } else { '?' };
        format!("{}{separator}template_id={template}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_automations_are_ways_back() {
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
    fn the_saved_template_is_added_to_the_way_back() {
        let id: TemplateId = "01900000-0000-7000-8000-000000000000".parse().unwrap();
        assert_eq!(
            ReturnTo::parse("/automations/1/edit").unwrap().with(id),
            format!("/automations/1/edit?template_id={id}")
        );
        assert_eq!(
            ReturnTo::parse("/automations/1/edit?step=2").unwrap().with(id),
            format!("/automations/1/edit?step=2&template_id={id}")
        );
    }
}
