//! Tests of what is refused when a template is saved, with whole templates.

use serde_json::{Value, json};

use crate::templates::sandbox_tests::{CONTACT, refusal};
use crate::templates::{Evaluated, TemplateBody, Variables};

#[test]
fn what_fails_for_every_message_is_refused_on_saving() {
    for (body, words) in [
        (
            "{{ 1.5 | round(precision=100000) }}",
            "“precision” must be a whole number from -15 to 15",
        ),
        ("{{ event.total | round(precision=2147483647) }}", "“precision” must be"),
        ("{{ event.total | round(precision=-400) }}", "“precision” must be"),
        ("{{ event.total | round(precision=0.5) }}", "“precision” must be"),
        ("{{ event.total | round(method='up') }}", "“method” must be"),
        (
            "{{ event.total | fixed(places=100000) }}",
            "“places” must be a whole number from 0 to 10",
        ),
        ("{{ event.total | fixed(places=-1) }}", "“places” must be"),
        ("{{ event.total | fixed(places='two') }}", "“places” must be"),
        ("{{ event.id | int(base=99) }}", "“base” must be"),
        ("{{ contact.first_name | truncate(length=-1) }}", "“length” must be"),
        ("{{ contact.first_name | truncate(length=99999999999999999) }}", "“length” must be"),
        ("{{ event.items | nth(n=-1) }}", "“n” must be"),
        ("{{ contact.first_name | split(pat='') | first }}", "“pat” must not be empty"),
        ("{{ contact.first_name | trim(pat='') }}", "“pat” must not be empty"),
        ("{{ contact.attributes.long | replace(from='', to='y') }}", "“from” must not be empty"),
        ("{{ event.placed_at | date(format='%Q') }}", "doesn’t know the format"),
        ("{{ event.placed_at | date(timezone='Berlin') }}", "doesn’t know the time zone"),
        ("{{ '9999-12-31' | date }}", "the year 9999 is outside 1900 to 2200"),
        ("{{ 16725225600 | date }}", "the year 2500 is outside"),
        ("{{ 'x' | date }}", "not a date or time"),
        ("{{ 1 / 0 }}", "it divides by zero"),
        ("{{ event.total / 0 }}", "it divides by zero"),
        ("{{ event.total % 0.0 }}", "it divides by zero"),
        ("{{ event.total // (1 - 1) }}", "it divides by zero"),
        ("{% if event.n is divisible_by(divisor=0) %}a{% endif %}", "“divisor”"),
        ("{{ 9223372036854775807 * 9223372036854775807 * 9223372036854775807 }}", "too large"),
        ("{{ 'NaN' | float }}", "this text is not a number"),
        ("{{ 'inf' | fixed }}", "this text is not a number"),
        ("{{ '1e999' | float }}", "this text is not a number"),
        ("{{ '' | int }}", "this text is not a number"),
        ("{{ 'a' * 1000000000 }}", "“a” is a text here, and “*” needs a number"),
        ("{{ event.total / 3 | fixed }}", "write (event.total / 3) | fixed"),
        (
            "{{ contact.first_name / 3 }}",
            "contact.first_name is a text here, and “/” needs a number; convert it with “int” or \
             “float”",
        ),
        (
            "{{ contact.first_name | round }}",
            "contact.first_name is a text here, and “round” needs a number",
        ),
        ("{{ -contact.first_name }}", "contact.first_name is a text here, and “-” needs a number"),
        (
            "{% if contact.phone > 5 %}a{% endif %}",
            "contact.phone is a text here, and “>” needs a number",
        ),
        ("{% if 5 <= contact.first_name %}a{% endif %}", "contact.first_name is a text here"),
        (
            "{{ contact.first_name | first }}",
            "contact.first_name is a text here, and “first” needs a list",
        ),
        ("{{ event.total | fixed | round }}", "what “fixed” gives is a text here"),
        ("{{ [1, 2] | upper }}", "this list is a list here"),
        ("{{ (event.a == 1) + 1 }}", "the result of “==” is true or false here"),
        ("{% if 'a' in 5 %}x{% endif %}", "5 is a number here, and “in” needs a text"),
    ] {
        let message = refusal(body);
        assert!(message.contains(words), "{body}: {message}");
        for word in ["i64", "i128", "u64", "f64", "`", "&str", "String", "Value", "NaN", "None"] {
            assert!(!message.contains(word) || body.contains(word), "{body}: {message}");
        }
    }
}

#[test]
fn kinds_known_from_samples_are_checked_on_saving() {
    let text = json!({ "total": "19.90", "items": ["a"], "n": 5 });
    let number = json!({ "total": 19.9, "items": [{ "a": 1 }], "n": "5" });
    let check = |body: &str, samples: &[&Value]| {
        let samples: Vec<_> =
            samples.iter().map(|event| Variables::new(&CONTACT, Some(event))).collect();
        TemplateBody::parse(body)
            .unwrap()
            .check_with(&samples)
            .map_err(|(error, evaluated)| (error.message, evaluated))
    };
    let (message, evaluated) = check("{{ event.total / 3 }}", &[&text]).unwrap_err();
    assert_eq!(
        message,
        "event.total is a text here, and “/” needs a number; convert it with “int” or “float”."
    );
    assert_eq!(evaluated, Evaluated::Always);
    assert_eq!(check("{{ event.total / 3 }}", &[&text, &number]), Ok(()), "it can be a number");
    assert_eq!(check("{{ event.total / 3 }}", &[]), Ok(()), "nothing is known");
    assert_eq!(check("{{ event.total | float / 3 }}", &[&text]), Ok(()));
    assert_eq!(
        check("{% if event.total is number %}{{ event.total / 3 }}{% endif %}", &[&text])
            .unwrap_err()
            .1,
        Evaluated::Sometimes
    );
    assert!(
        check("{% if event.total > 100 %}a{% endif %}b", &[&text])
            .unwrap_err()
            .0
            .contains("“>” needs a number")
    );
    assert!(
        check("{{ event.items | upper }}", &[&text])
            .unwrap_err()
            .0
            .contains("event.items is a list here")
    );
    assert!(
        check("{{ event.items[0] }}", &[&number])
            .unwrap_err()
            .0
            .contains("event.items[0] is an object here")
    );
}
