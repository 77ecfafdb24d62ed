//! The fields of an account as they are typed: its name, email address and password.

use super::password::Password;
use crate::error::FieldErrors;
use crate::types::invisible_characters::is_invisible;

/// Parses name, email and password of a new account as they are typed, with an error for each
/// invalid field.
pub fn parse_account(
    name: &str,
    email: &str,
    password: &str,
) -> Result<(String, String, Password), FieldErrors> {
    let mut errors = FieldErrors::default();
    let name = errors.check("name", parse_name(name));
    let email = errors.check("email", parse_email(email));
    let password =
        errors.check("password", Password::parse(password, email.as_deref().unwrap_or_default()));
    match (name, email, password) {
        (Some(name), Some(email), Some(password)) => Ok((name, email, password)),
        _ => Err(errors),
    }
}

/// Parses an email address: trimmed and in lower case.
pub fn parse_email(text: &str) -> Result<String, &'static str> {
    use validator::ValidateEmail;

    let email = text.trim().to_lowercase();
    match email.len() {
        0 => Err("Enter an email address."),
        1..=254 if email.as_str().validate_email() => Ok(email),
        _ => Err("Enter an email address such as ada@example.com."),
    }
}

pub(super) fn parse_name(text: &str) -> Result<String, &'static str> {
    let name = text.trim();
    match name.chars().count() {
        _ if is_invisible(name) => Err("Enter a name."),
        1..=100 if !name.chars().any(char::is_control) => Ok(name.to_owned()),
        _ => Err("Use at most 100 characters, in one line."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_address_is_stored_in_lower_case() {
        assert_eq!(parse_email(" Ada@Example.com "), Ok("ada@example.com".to_owned()));
        for bad in ["", "ada", "ada@", "@example.com", "a b@example.com"] {
            assert!(parse_email(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_wrong_field_of_an_account_is_named() {
        let errors = parse_account(" ", "ada", "short").unwrap_err();
        assert_eq!(
            errors.iter().map(|(field, _)| field).collect::<Vec<_>>(),
            ["email", "name", "password"]
        );
        let (name, email, _) = parse_account(" Ada ", "ADA@example.com", "correct horse").unwrap();
        assert_eq!((name.as_str(), email.as_str()), ("Ada", "ada@example.com"));
    }
}
