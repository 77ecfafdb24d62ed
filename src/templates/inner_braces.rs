//! Braces inside a tag, as some tools write them.

use super::merge_tag_replacements::variable_for;

/// Whether the rest of a tag begins with a name in braces; two braces are the start of another tag.
pub(super) fn has_inner_braces(rest: &str) -> bool {
    let rest = rest.strip_prefix('$').unwrap_or(rest);
    rest.starts_with('{') && !rest.starts_with("{{")
}

/// Hint about braces inside a tag: `{{{first_name}}}` of Handlebars, `{{${first_name}}}` of Braze.
pub(super) fn advice(rest: &str) -> String {
    let tag = rest.find('}').and_then(|end| rest.get(..=end)).filter(|tag| tag.len() <= 80);
    let known =
        tag.and_then(|tag| Some((tag, variable_for(tag.trim_matches(['$', '{', '}', ' ']))?)));
    match known {
        Some((tag, variable)) => format!("Write {variable} instead of “{tag}”."),
        None => "Write a variable without more braces, such as contact.first_name.".to_owned(),
    }
}
