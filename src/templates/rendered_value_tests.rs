//! Tests of rendered dates, numbers, missing values and errors, with whole templates.

use serde_json::json;

use super::error::RenderError;
use super::sandbox_tests::{CONTACT, assert_renders, render};
use super::{TemplateBody, Variables};

#[test]
fn a_date_is_formatted_in_the_right_zone() {
    for timezone in ["America/New_York", "Asia/Tokyo", "Pacific/Kiritimati", "Etc/GMT+12"] {
        assert_renders(
            &format!("{{{{ '2026-03-09' | date(format='%d.%m.', timezone='{timezone}') }}}}"),
            "09.03.",
        );
        assert_renders(
            &format!("{{{{ '20260309' | date(format='%d.%m.', timezone='{timezone}') }}}}"),
            "09.03.",
        );
    }
    // Seconds since 1970 do not depend on the zone.
    assert_renders(
        "{{ '2026-06-30T21:00:00Z' | date(format='%s', timezone='America/Toronto') }}",
        "1782853200",
    );
    for written in [
        "1773043200",
        "1773043200000",
        "1773043200000000",
        "1773043200.75",
        "'1773043200'",
        "'2026-03-09T10:00:00+0200'",
        "'2026-03-09 08:00:00+00'",
        "'2026-03-09T08:00Z'",
        "'2026-03-09T08:00'",
        "'Mon, 09 Mar 2026 04:00:00 -0400'",
    ] {
        assert_renders(
            &format!(
                "{{{{ {written} | date(format='%d.%m. %H:%M', timezone='America/New_York') }}}}"
            ),
            "09.03. 04:00",
        );
    }
}

#[test]
fn numbers_are_printed_in_decimal_notation() {
    let event = json!({
        "a": 42.0, "b": 5.667_125_22e8, "c": 1e21, "d": -0.0, "e": 1e-7,
        "f": 18_446_744_073_709_551_615_u64, "g": 9_007_199_254_740_993_i64,
        "h": 0.1, "i": 19.9, "list": [1.0, 2.5, 1e9], "text": "5.66712522e8",
    });
    let of = |body: &str| {
        TemplateBody::parse(body).unwrap().render(&Variables::new(&CONTACT, Some(&event)))
    };
    for (body, text) in [
        ("{{ event.a }}", "42"),
        ("{{ event.b }}", "566712522"),
        ("{{ event.c }}", "1000000000000000000000"),
        ("{{ event.d }}", "0"),
        (
            "{{ -event.d }}|{{ -0.0 }}|{{ event.d | abs }}|{{ -0.001 | round(precision=2) }}|{{ -0.001 | fixed }}",
            "0|0|0|0|0.00",
        ),
        ("{{ event.e }}", "0.0000001"),
        ("{{ event.f }} {{ event.g }}", "18446744073709551615 9007199254740993"),
        ("{{ event.f + 1 }}", "18446744073709551616"),
        ("{{ event.a ~ '!' }} {{ '#' ~ event.b }}", "42! #566712522"),
        (
            "{{ event.a | str }} {{ event.b | upper }} {{ event.a | replace(from='4', to='5') }}",
            "42 566712522 52",
        ),
        ("{{ event.h + 0.2 }} {{ event.i * 3 }} {{ 1.1 * 1.1 }}", "0.3 59.7 1.21"),
        ("{{ 10 / 2 }} {{ 10 / 4 }} {{ 10 / 3 }} {{ 2 * 3.5 }}", "5 2.5 3.33333333333333 7"),
        (
            "{{ 2.675 | fixed }} {{ 1.005 | round(precision=2) }} {{ 1250 | round(precision=-2) }} {{ 0.5 | round }}",
            "2.68 1.01 1300 1",
        ),
        (
            "{{ 1.21 | round(method='ceil', precision=1) }} {{ 1.29 | round(method='floor', precision=1) }}",
            "1.3 1.2",
        ),
        (
            "{{ event.text | float }} {{ event.text | int }} {{ '42.0' | int }}",
            "566712522 566712522 42",
        ),
        (
            "{{ event.list }} / {{ event.list | join(sep='+') }} / {{ event.list | last }}",
            "1, 2.5, 1000000000 / 1+2.5+1000000000 / 1000000000",
        ),
        (
            "{{ true }} {{ event.a == 42 }} {{ event.a is integer }} {{ event.i is float }} \
             {{ event.a is odd }}",
            "true true true true false",
        ),
        ("{{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ 7.5 % 2 }}", "3 -4 1 1.5"),
        (
            "{{ event.a }} item{{ event.a | pluralize }}, {{ 1.0 }} item{{ 1.0 | pluralize }}",
            "42 items, 1 item",
        ),
    ] {
        assert_eq!(of(body).as_deref(), Ok(text), "{body}");
    }
    let huge = json!({ "n": 1.7e308 });
    let huge = |body: &str| {
        TemplateBody::parse(body).unwrap().render(&Variables::new(&CONTACT, Some(&huge)))
    };
    for body in [
        "{{ event.n * event.n }}",
        "{{ event.n + event.n }}",
        "{{ event.n / 0.0000000001 }}",
        "{{ event.n - event.n * 10 }}",
    ] {
        let error = huge(body).unwrap_err().to_string();
        assert!(error.contains("too large"), "{body}: {error}");
    }
}

#[test]
fn a_missing_value_is_detected_in_every_context() {
    for body in [
        "Hi {{ contact.last_name ~ '!' }}",
        "Hi {{ '!' ~ contact.last_name }}",
        "{{ (contact.last_name) ~ contact.first_name | upper }}",
        "{{ contact.last_name }}",
        "{{ (contact.last_name) }}",
        "{{ contact.last_name | upper }}",
        "{{ contact.last_name | length }}",
        "{{ contact.last_name | upper | lower | trim }}",
        "{{ contact.last_name == 'x' }}",
        "{{ contact.last_name != 'x' }}",
        "{{ contact.last_name in ['x'] }}",
        "{{ 'x' not in contact.last_name }}",
        "{{ contact.last_name is starting_with(pat='x') }}",
        "{{ contact.last_name is not starting_with(pat='x') }}",
        "{{ [contact.last_name, contact.first_name] | join(sep=' ') }}",
        "{{ [contact.first_name, contact.last_name] }}",
        "{{ contact.first_name | replace(from='x', to=contact.last_name) }}",
        "{{ contact.last_name if contact.first_name else 'x' }}",
        "{{ contact.last_name and 'x' }}",
        "{{ contact.last_name or contact.last_name }}",
        "{{ event.nothing | default(value=contact.last_name) }}",
        "{{ event.nothing | default(value=contact.last_name | upper) }}",
        "{% if contact.last_name == 'x' %}a{% endif %}b",
        "{% if contact.last_name != 'x' %}a{% endif %}b",
        "{% if not contact.last_name == 'x' %}a{% endif %}b",
        "{% if contact.last_name | upper == 'X' or true %}a{% endif %}b",
        "{% if 'x' in contact.last_name %}a{% endif %}b",
        "{% if contact.last_name | length > 3 %}a{% endif %}b",
        "{% if contact.first_name == contact.last_name %}a{% endif %}b",
        "{% if contact.last_name is not containing(pat='x') %}a{% endif %}b",
        "{% if contact.first_name %}{{ contact.last_name ~ '' }}{% endif %}",
    ] {
        match render(body) {
            Err(RenderError::NotSet { variable, .. }) => {
                assert_eq!(variable, "contact.last_name", "{body}");
            }
            other => panic!("{body}: {other:?}"),
        }
    }
    for (body, variable) in [
        ("{{ event.none + 1 }}", "event.none"),
        ("{{ 1 - event.none }}", "event.none"),
        ("{{ event.total * event.none }}", "event.none"),
        ("{{ -event.none }}", "event.none"),
        ("{{ event.none | fixed }}", "event.none"),
        ("{{ event.none.deep.path + 1 }}", "event.none.deep.path"),
        ("{{ event.items[7].name ~ '' }}", "event.items[7].name"),
        ("{{ contact.attributes.gone ~ '' }}", "contact.attributes.gone"),
        ("{{ contact.attributes['no such'] ~ '' }}", "contact.attributes[\"no such\"]"),
        ("{{ event.total | round(precision=event.none) }}", "event.none"),
        ("{{ (event.total + event.none) | default(value=event.gone) }}", "event.gone"),
    ] {
        match render(body) {
            Err(RenderError::NotSet { variable: found, .. }) => {
                assert_eq!(found, variable, "{body}");
            }
            other => panic!("{body}: {other:?}"),
        }
    }
    for body in
        ["{{ [] | first }}", "{{ event.tags | nth(n=9) }}", "{{ (event.tags | nth(n=9)) ~ '!' }}"]
    {
        let error = render(body).unwrap_err().to_string();
        assert!(
            error.contains("has no value here, and the template gives no default"),
            "{body}: {error}"
        );
    }
}

#[test]
fn a_default_or_a_test_of_presence_is_enough_for_a_missing_value() {
    for (body, text) in [
        ("{% if contact.last_name %}a{% else %}b{% endif %}", "b"),
        ("{% if not contact.last_name %}b{% endif %}", "b"),
        ("{% if contact.last_name is defined %}a{% else %}b{% endif %}", "b"),
        ("{% if contact.last_name is undefined and not contact.last_name %}b{% endif %}", "b"),
        ("{% if contact.last_name and contact.last_name == 'x' %}a{% else %}b{% endif %}", "b"),
        (
            "{% if contact.last_name is defined and contact.last_name | length > 3 %}a{% else %}b{% endif %}",
            "b",
        ),
        ("{% if contact.last_name is string %}a{% else %}b{% endif %}", "b"),
        ("{% if contact.first_name or contact.last_name == 'x' %}b{% endif %}", "b"),
        ("{% if contact.last_name | default(value='') == '' %}b{% endif %}", "b"),
        ("{{ contact.last_name or 'there' }}", "there"),
        ("{{ contact.last_name or contact.first_name }}", "Zoë"),
        ("{{ contact.last_name if contact.last_name else 'there' }}", "there"),
        ("{{ (contact.last_name ~ '!') | default(value='there') }}", "there"),
        ("{{ contact.last_name | upper | default(value='there') }}", "there"),
        ("{{ (event.none + 1) | default(value=0) }}", "0"),
        (
            "{{ [] | first | default(value='none') }} {{ event.items[9].name | default(value='x') }}",
            "none x",
        ),
        ("{% if contact.last_name %}{{ contact.last_name ~ '!' }}{% else %}b{% endif %}", "b"),
    ] {
        assert_renders(body, text);
    }
}

#[test]
fn render_errors_quote_the_template_and_no_rust_types() {
    for (body, words) in [
        ("{{ event.url / 2 }}", "event.url is a text here, and “/” needs a number"),
        ("{{ 2 * event.url }}", "event.url is a text here, and “*” needs a number"),
        ("{% if event.url > 3 %}a{% endif %}", "event.url is a text here, and “>” needs a number"),
        ("{% if event.order_id < 'x' %}a{% endif %}", "“<” needs"),
        ("{{ event.items }}", "an item of the list is a list or an object itself"),
        ("{{ event.items[0] }}", "event.items[0] is an object here, and the text needs"),
        ("{{ event.url | round }}", "event.url is a text here, and “round” needs a number"),
        ("{{ event.url | fixed }}", "this text is not a number"),
        ("{{ event.url | date }}", "not a date or time"),
        ("{{ event.total | int }}", "not a whole number"),
        ("{{ event.tags + 1 }}", "event.tags is a list here"),
        ("{{ 1 / (event.order_id - 4711) }}", "it divides by zero"),
        (
            "{{ event.total | round(precision=event.order_id) }}",
            "“precision” must be a whole number",
        ),
    ] {
        let message = render(body).unwrap_err().to_string();
        assert!(message.contains(words), "{body}: {message}");
        for word in ["i64", "i128", "u64", "f64", "`", "&str", "Value"] {
            assert!(!message.contains(word), "{body}: {message}");
        }
    }
}
