//! Tests of parsing the input for a template.

use super::*;

fn errors(name: &str, body: &str, media_urls: &[&str]) -> FieldErrors {
    let media_urls: Vec<_> = media_urls.iter().map(ToString::to_string).collect();
    NewTemplate::parse(name, body, &media_urls).unwrap_err()
}

#[test]
fn every_field_gets_its_own_error() {
    let errors =
        errors("  ", "{{ foo }}", &["https://example.com/a.jpg", "ftp://example.com", "no url"]);
    let fields: Vec<_> = errors.iter().map(|(field, _)| field.to_owned()).collect();
    assert_eq!(fields, ["body", "media_urls.1", "media_urls.2", "name"]);
}

#[test]
fn a_body_error_names_line_and_column() {
    let errors = errors("Hello", "Hi,\n{{ foo }}", &[]);
    let (_, messages) = errors.iter().next().unwrap();
    assert!(
        messages[0].starts_with("Line 2, column 4: There is no variable “foo”."),
        "{messages:?}"
    );
}

#[test]
fn name_and_media_are_bounded() {
    assert!(NewTemplate::parse(&"x".repeat(120), "Hi", &[]).is_ok());
    assert!(NewTemplate::parse(&"x".repeat(121), "Hi", &[]).is_err());
    let many = vec!["https://example.com/a.jpg".to_owned(); 11];
    assert!(NewTemplate::parse("Name", "Hi", &many[..10]).is_ok());
    assert!(NewTemplate::parse("Name", "Hi", &many).is_err());
}
