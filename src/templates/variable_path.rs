//! Paths of variables: names and positions, as text, and the names that other tools use.

use std::fmt::Write as _;

/// One step into an object or an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    Name(String),
    Index(usize),
}

/// A path in template syntax.
pub(super) fn path_text(path: &[Key]) -> String {
    let mut text = String::new();
    for key in path {
        // Writing to a String cannot fail.
        let _ = match key {
            Key::Name(name) if is_identifier(name) => {
                write!(text, "{}{name}", if text.is_empty() { "" } else { "." })
            }
            Key::Name(name) => write!(text, "[{name:?}]"),
            Key::Index(index) => write!(text, "[{index}]"),
        };
    }
    text
}

/// Whether a name needs no quotes.
pub(super) fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The path to `total` in the path to `properties.total`, as other tools name a property; events
/// may also have an object `properties`.
pub(super) fn inner_property(keys: &[Key]) -> Option<&[Key]> {
    let (first, rest) = keys.split_first()?;
    (first.name() == Some("properties") && !rest.is_empty()).then_some(rest)
}

/// Carillon's variable for the name that other tools use: `{{ firstname }}`, `{{ subscriber.FNAME
/// }}`, `{{ contact.mobile }}`.
pub(super) fn equivalent_variable(path: &[Key]) -> Option<&'static str> {
    let name = path.iter().rev().find_map(Key::name)?;
    let normalized: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    Some(match normalized.as_str() {
        "firstname" | "fname" | "givenname" | "forename" | "vorname" | "prenom" | "name" => {
            "contact.first_name"
        }
        "lastname" | "lname" | "surname" | "familyname" | "nachname" | "nom" => "contact.last_name",
        "email" | "emailaddress" | "mail" => "contact.email",
        "phone" | "phonenumber" | "mobile" | "mobilephone" | "cell" | "msisdn" => "contact.phone",
        "externalid" | "userid" | "customerid" | "contactid" => "contact.external_id",
        "organizationname" | "companyname" | "shopname" | "storename" | "company" => {
            "organization.name"
        }
        "orderid" | "ordernumber" => "event.order_id",
        _ => return None,
    })
}

impl Key {
    /// The name, if it is one.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Index(_) => None,
        }
    }
}
