//! Variables as other tools write them, such as `$.properties.x` and `customer.x`, in Carillon's
//! own terms.

use super::variable_path::{Key, equivalent_variable, path_text};

/// The forms that are known, for messages about others.
pub(super) const KNOWN_FORMS: &str = "$.properties.*, $.traits.*, properties.*, traits.*, customer.*, person.*, profile.*, user.* \
     and subscriber.*";

/// Roots that name the contact.
const PEOPLE: [&str; 5] = ["customer", "person", "profile", "user", "subscriber"];

/// What a path leads into.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// The properties of the event.
    Event,
    /// The contact by the names of Segment's traits, which also name attributes: only the exact
    /// names of Segment's reserved traits are fields.
    Traits,
    /// The contact; names may be spelled in other ways.
    Person,
}

/// Carillon's own path for a path as another tool writes it; `None` for any other path.
///
/// The error says what is unknown or missing.
pub(super) fn native_path(path: &[Key]) -> Option<Result<Vec<Key>, String>> {
    let name = |at: usize| path.get(at).and_then(Key::name).unwrap_or_default();
    let (scope, used) = match (name(0), name(1), name(2)) {
        ("$", "properties", _) => (Scope::Event, 2),
        ("$", "traits", _) => (Scope::Traits, 2),
        ("$", "context", "traits") => (Scope::Traits, 3),
        ("$", "userId" | "user_id", _) if path.len() == 2 => (Scope::Traits, 1),
        ("$", ..) => {
            return Some(Err(format!(
                "There is no variable “{}”. After “$”, write .properties for the event or .traits \
                 for the contact, such as $.properties.order_id.",
                written(path)
            )));
        }
        ("properties", ..) => (Scope::Event, 1),
        ("traits", ..) => (Scope::Traits, 1),
        (root, "attributes" | "properties" | "traits", next)
            if PEOPLE.contains(&root) && !next.is_empty() =>
        {
            (Scope::Person, 2)
        }
        (root, ..) if PEOPLE.contains(&root) => (Scope::Person, 1),
        _ => return None,
    };
    let (root, keys) = path.split_at(used);
    Some(match (scope, keys) {
        (_, []) => {
            let (root, is_event) = (written(root), scope == Scope::Event);
            let (noun, example) =
                if is_event { ("property", "order_id") } else { ("field", "first_name") };
            Err(format!("“{root}” alone has no text. Name a {noun}, such as {root}.{example}."))
        }
        (Scope::Event, keys) => Ok(joined(&["event"], keys)),
        (_, keys) => contact_path(scope, path, keys),
    })
}

/// The path of a field or attribute of the contact.
fn contact_path(scope: Scope, path: &[Key], keys: &[Key]) -> Result<Vec<Key>, String> {
    let names: Option<Vec<&str>> = keys.iter().map(Key::name).collect();
    let Some(names) = names else {
        return Err(format!(
            "There is no variable “{}”. Contacts have no lists, only texts, numbers, true and \
             false.",
            written(path)
        ));
    };
    let attribute = attribute_name(&names);
    if let [name] = names.as_slice() {
        if let Some(field) = field(scope, name) {
            return Ok(joined(&["contact", field], &[]));
        }
        let similar = equivalent_variable(keys).filter(|ours| ours.starts_with("contact."));
        if let Some(similar) = similar.filter(|_| scope == Scope::Person) {
            return Err(format!(
                "There is no variable “{}”; did you mean {similar}? If it is an attribute, write \
                 contact.attributes.{attribute}.",
                written(path)
            ));
        }
    }
    Ok(joined(&["contact", "attributes", &attribute], &[]))
}

/// The contact's field of this name.
fn field(scope: Scope, name: &str) -> Option<&'static str> {
    let name: String = match scope {
        Scope::Person => {
            let letters = name.chars().filter(char::is_ascii_alphanumeric);
            letters.map(|letter| letter.to_ascii_lowercase()).collect()
        }
        Scope::Event | Scope::Traits => name.to_owned(),
    };
    Some(match (scope, name.as_str()) {
        (Scope::Person, "firstname") | (_, "firstName" | "first_name") => "first_name",
        (Scope::Person, "lastname") | (_, "lastName" | "last_name") => "last_name",
        (Scope::Person, "fullname") | (_, "name") => "name",
        (_, "email") => "email",
        (_, "phone") => "phone",
        (Scope::Person, "id" | "userid" | "externalid")
        | (_, "userId" | "user_id" | "externalId" | "external_id") => "external_id",
        _ => return None,
    })
}

/// The name under which sources store a trait: nested names are joined, and characters that an
/// attribute's name can't have become `_`.
fn attribute_name(names: &[&str]) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = names.join("_").chars().map(plain).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

fn joined(names: &[&str], keys: &[Key]) -> Vec<Key> {
    names.iter().map(|name| Key::Name((*name).to_owned())).chain(keys.iter().cloned()).collect()
}

/// A path as it is written, with `$` before its first dot.
fn written(path: &[Key]) -> String {
    match path.split_first() {
        Some((Key::Name(root), rest)) if root == "$" => {
            let rest = path_text(rest);
            let dot = if rest.is_empty() || rest.starts_with('[') { "" } else { "." };
            format!("${dot}{rest}")
        }
        _ => path_text(path),
    }
}

#[cfg(test)]
#[path = "foreign_variables_tests.rs"]
mod tests;
