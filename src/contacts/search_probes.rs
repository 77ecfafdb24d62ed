//! The text of the search box, split into probes, each of which an index answers.

use crate::types::composed_text::composed;
use crate::types::country::Country;
use crate::types::like_pattern::starting_with;

/// One condition of a search; contacts that match any of them are found. The texts are patterns for
/// `LIKE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Probe {
    /// The beginning of “first last”.
    FullName(String),
    LastName(String),
    Email(String),
    /// Case matters, as it does for the id itself.
    ExternalId(String),
    Phone(String),
    /// The last digits of a number, reversed.
    PhoneBackwards(String),
}

impl Probe {
    /// The expression that it matches, which is that of its index.
    pub(super) const fn column(&self) -> &'static str {
        match self {
            Self::FullName(_) => {
                "lower(coalesce(contacts.first_name, '') || ' ' || coalesce(contacts.last_name, ''))"
            }
            Self::LastName(_) => "lower(contacts.last_name)",
            Self::Email(_) => "lower(contacts.email)",
            Self::ExternalId(_) => "contacts.external_id",
            Self::Phone(_) => "contacts.phone",
            Self::PhoneBackwards(_) => "reverse(contacts.phone)",
        }
    }

    /// The pattern.
    pub(super) fn pattern(&self) -> &str {
        let (Self::FullName(pattern)
        | Self::LastName(pattern)
        | Self::Email(pattern)
        | Self::ExternalId(pattern)
        | Self::Phone(pattern)
        | Self::PhoneBackwards(pattern)) = self;
        pattern
    }

    /// Whether upper and lower case are the same.
    pub(super) const fn folds_case(&self) -> bool {
        matches!(self, Self::FullName(_) | Self::LastName(_) | Self::Email(_))
    }
}

/// The fewest digits that numbers are searched by: fewer would match every second contact.
const MIN_DIGITS: usize = 3;

/// The probes of a text; none if it is blank. National numbers are also read with the default
/// country.
pub(super) fn probes(text: &str, default_country: Option<Country>) -> Vec<Probe> {
    let words: Vec<_> = text.split_whitespace().collect();
    let text = words.join(" ").replace('\0', "");
    if text.is_empty() {
        return Vec::new();
    }
    let mut probes = phone_probes(&text, default_country);
    probes.push(Probe::ExternalId(starting_with(&text)));
    if text.contains('@') {
        probes.push(Probe::Email(starting_with(&text)));
    } else if !text.chars().all(in_number) {
        // As names are stored.
        let name = starting_with(&composed(&text));
        probes.extend([
            Probe::FullName(name.clone()),
            Probe::LastName(name),
            Probe::Email(starting_with(&text)),
        ]);
    }
    probes
}

fn phone_probes(text: &str, default_country: Option<Country>) -> Vec<Probe> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if digits.len() < MIN_DIGITS || !text.chars().all(in_number) {
        return Vec::new();
    }
    if text.starts_with('+') {
        return vec![Probe::Phone(format!("+{digits}%"))];
    }
    if let Some(international) = digits.strip_prefix("00") {
        return vec![Probe::Phone(format!("+{international}%")), ending_with(&digits)];
    }
    // A leading 0 is dialled inside many countries, and is not part of the number.
    let national = digits.trim_start_matches('0');
    let mut probes = vec![Probe::Phone(format!("+{digits}%"))];
    if let Some(country) = default_country {
        probes.push(Probe::Phone(format!("+{}{national}%", country.calling_code())));
    }
    // The last digits of a number may begin with zeros, too.
    let last = if national.len() >= MIN_DIGITS { national } else { &digits };
    probes.push(ending_with(last));
    probes
}

fn ending_with(digits: &str) -> Probe {
    let backwards: String = digits.chars().rev().collect();
    Probe::PhoneBackwards(format!("{backwards}%"))
}

/// Whether people write this character in a phone number.
fn in_number(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, ' ' | '+' | '-' | '(' | ')' | '.' | '/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn germany() -> Option<Country> {
        Country::parse("DE").ok()
    }

    #[test]
    fn a_blank_search_has_no_probes() {
        assert_eq!(probes("  \t", germany()), []);
    }

    #[test]
    fn a_name_is_searched_in_names_email_and_external_id() {
        assert_eq!(
            probes(" Ann  Smi ", None),
            [
                Probe::ExternalId("Ann Smi%".into()),
                Probe::FullName("Ann Smi%".into()),
                Probe::LastName("Ann Smi%".into()),
                Probe::Email("Ann Smi%".into())
            ]
        );
    }

    #[test]
    fn a_name_is_searched_in_its_composed_form() {
        assert!(probes("zoe\u{308}", None).contains(&Probe::FullName("zoë%".into())));
    }

    #[test]
    fn a_number_is_found_however_it_is_written() {
        assert!(probes("+49 151 23", None).contains(&Probe::Phone("+4915123%".into())));
        assert!(probes("0049 151 23", None).contains(&Probe::Phone("+4915123%".into())));
        assert!(probes("0151/23", germany()).contains(&Probe::Phone("+4915123%".into())));
        assert!(probes("(555) 0123", None).contains(&Probe::PhoneBackwards("3210555%".into())));
        assert!(probes("0007", None).contains(&Probe::PhoneBackwards("7000%".into())));
    }

    #[test]
    fn two_digits_are_no_phone_number() {
        assert_eq!(probes("12", germany()), [Probe::ExternalId("12%".into())]);
    }

    #[test]
    fn wildcards_are_escaped() {
        assert!(probes("50%_\\", None).contains(&Probe::ExternalId("50\\%\\_\\\\%".into())));
    }
}
