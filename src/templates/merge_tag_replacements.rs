//! What to write instead of a merge tag of another tool.

use super::variable_path::{Key, equivalent_variable, is_identifier};
use super::variables::Variable;

/// What other tools write before the name of a contact's field: `{contactfield=city}` of Mautic,
/// `@fields.city` of RapidPro.
const OF_CONTACT: [&str; 4] = ["contactfield=", "leadfield=", "contact.", "fields."];
/// What other tools write before any name: `[[data:city:"there"]]` of Mailjet.
const BEFORE_NAMES: [&str; 2] = ["data:", "var:"];
/// What other tools write between a name and its default.
const BEFORE_DEFAULTS: [&str; 4] = [",fallback=", " OR ", "|", ":\""];

/// Fields that are attributes here, in lower case without separators.
const ATTRIBUTES: [&str; 8] =
    ["address", "birthday", "city", "country", "nickname", "state", "zip", "zipcode"];
/// Fields that are properties of an event here.
const PROPERTIES: [&str; 9] = [
    "appointmentdate",
    "appointmenttime",
    "couponcode",
    "discountcode",
    "ordertotal",
    "promocode",
    "trackinglink",
    "trackingnumber",
    "trackingurl",
];

/// The expression for a merge tag, with its default, if the tag's meaning is known.
pub(super) fn replacement(tag: &str) -> Option<String> {
    let (name, default) = name_and_default(tag);
    let variable = variable_for(name)?;
    Some(match default {
        Some(default) => format!("{variable} | default(value=\"{default}\")"),
        None => variable,
    })
}

/// Carillon's variable for a name as another tool writes it: a path, a field or several words.
pub(super) fn variable_for(name: &str) -> Option<String> {
    let of_contact = OF_CONTACT.iter().find_map(|before| name.strip_prefix(before));
    let path: Vec<Key> = name.split('.').map(|key| Key::Name(key.to_owned())).collect();
    let is_path = name.split('.').all(is_identifier);
    if is_path && let Ok(variable) = Variable::parse(path) {
        return Some(variable.to_string());
    }
    let word = last_word(name)?;
    let normalized: String = word
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    if let Some(ours) = equivalent_variable(&[Key::Name(word.to_owned())]) {
        Some(ours.to_owned())
    } else if ATTRIBUTES.contains(&normalized.as_str()) {
        Some(format!("contact.attributes.{}", snake_case(word)))
    } else if PROPERTIES.contains(&normalized.as_str()) {
        Some(format!("event.{}", snake_case(word)))
    } else {
        let attribute = of_contact.filter(|name| is_identifier(name))?;
        Some(format!("contact.attributes.{attribute}"))
    }
}

/// The name within the delimiters of a tag, and the default after it.
fn name_and_default(tag: &str) -> (&str, Option<&str>) {
    let content = tag.trim_matches(|c: char| !c.is_alphanumeric() && c != '"');
    let content =
        BEFORE_NAMES.iter().find_map(|before| content.strip_prefix(before)).unwrap_or(content);
    match BEFORE_DEFAULTS.iter().find_map(|before| content.split_once(before)) {
        Some((name, default)) => {
            let default = default.trim_matches(['"', ' ']);
            let is_plain = !default.is_empty() && !default.contains(['"', '\\', '|', '{', '}']);
            (name, Some(default).filter(|_| is_plain))
        }
        None => (content, None),
    }
}

/// The last word with a letter: `COMPANY` of `LIST:COMPANY`.
fn last_word(name: &str) -> Option<&str> {
    name.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ' '))
        .map(str::trim)
        .rfind(|word| word.chars().any(|c| c.is_ascii_alphabetic()))
}

/// `Order Total`, `orderTotal` and `ORDER_TOTAL` as `order_total`.
fn snake_case(word: &str) -> String {
    let mut snake = String::new();
    let mut after_small = false;
    for letter in word.chars() {
        if letter == ' ' {
            snake.push('_');
        } else {
            if letter.is_ascii_uppercase() && after_small {
                snake.push('_');
            }
            snake.push(letter.to_ascii_lowercase());
        }
        after_small = letter.is_ascii_lowercase();
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::templates::TemplateBody;

    #[test]
    fn a_known_tag_is_replaced_by_an_expression_with_its_default() {
        for (tag, expected) in [
            ("*|FNAME|*", "contact.first_name"),
            ("*|LIST:COMPANY|*", "organization.name"),
            ("%first_name%", "contact.first_name"),
            ("%%=v(@FirstName)=%%", "contact.first_name"),
            ("{contactfield=firstname}", "contact.first_name"),
            ("{leadfield=firstname|there}", "contact.first_name | default(value=\"there\")"),
            ("{contactfield=loyalty_level}", "contact.attributes.loyalty_level"),
            ("{first_name|friend}", "contact.first_name | default(value=\"friend\")"),
            ("[firstname,fallback=you]", "contact.first_name | default(value=\"you\")"),
            ("[[FIRSTNAME OR \"Friend\"]]", "contact.first_name | default(value=\"Friend\")"),
            ("[[data:firstname:\"there\"]]", "contact.first_name | default(value=\"there\")"),
            ("[[data:firstname:\"\"]]", "contact.first_name"),
            ("@fields.city", "contact.attributes.city"),
            ("@contact.loyalty", "contact.attributes.loyalty"),
            ("*|CITY|*", "contact.attributes.city"),
            ("[Tracking Number]", "event.tracking_number"),
            ("{orderTotal}", "event.order_total"),
            ("#{user.name}", "contact.name"),
            ("%recipient.name%", "contact.first_name"),
            ("{traits.city}", "contact.attributes.city"),
            ("${properties.order_id}", "event.order_id"),
        ] {
            let found = replacement(tag);
            assert_eq!(found.as_deref(), Some(expected), "{tag}");
            assert!(TemplateBody::parse(&format!("{{{{ {expected} }}}}")).is_ok(), "{tag}");
        }
    }

    #[test]
    fn an_unknown_tag_has_no_replacement() {
        for tag in ["{voucher_no}", "{Hi|Hello|Hey}", "*|UNSUB|*", "<% name2 %>"] {
            assert_eq!(replacement(tag), None, "{tag}");
        }
    }
}
