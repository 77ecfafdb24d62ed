//! Property tests with random templates: none panics or exceeds the size limit.

use proptest::prelude::*;

use super::sandbox_tests::{CONTACT, EVENT, render};
use crate::templates::{MAX_CHARACTERS, TemplateBody, Variables};

/// Fragments that make valid syntax likely, so that the search gets past the first character.
fn fragment() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "{{ ",
        " }}",
        "{% if ",
        "{% elif ",
        "{% else %}",
        "{% endif %}",
        " %}",
        "{#",
        "#}",
        "{",
        "}",
        "-",
        "contact.first_name",
        "contact.attributes.long",
        "contact.last_name",
        "event.total",
        "event.items",
        "event.tags[0]",
        "$.properties.total",
        "$.traits.",
        "customer.",
        "$",
        " | ",
        "default(value=",
        "replace(from='x', to='yy')",
        "upper",
        "truncate(length=3)",
        "split(pat='x')",
        "join(sep='zz')",
        "date",
        "fixed",
        "round(precision=400)",
        "int(base=36)",
        "nth(n=1)",
        "(",
        ")",
        "[",
        "]",
        ",",
        "'",
        "\"",
        "1",
        "0",
        "2.5",
        "9223372036854775807",
        " + ",
        " * ",
        " / ",
        " // ",
        " % ",
        " ~ ",
        " == ",
        " < ",
        " and ",
        " or ",
        " not ",
        " in ",
        " is ",
        "defined",
        "odd",
        "divisible_by(divisor=0)",
        " if ",
        " else ",
        "true",
        "ß",
        "😀",
        "\n",
        "\\",
    ]);
    prop_oneof![9 => known.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn no_template_panics_or_outgrows_the_cap(
        fragments in prop::collection::vec(fragment(), 0..40)
    ) {
        if let Ok(body) = TemplateBody::parse(&fragments.concat())
            && let Ok(text) = body.render(&Variables::new(&CONTACT, Some(&EVENT)))
        {
            prop_assert!(text.encode_utf16().count() <= MAX_CHARACTERS);
            prop_assert!(!text.contains("NaN") && !text.contains("inf"), "{}", text);
            prop_assert!(!text.trim().is_empty());
        }
    }

    #[test]
    fn no_sequence_of_bytes_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = TemplateBody::parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_text_without_braces_comes_out_as_it_is(text in "[^{\\p{Cc}]{0,200}[^{\\s\\p{Cc}]") {
        let rendered = render(&text);
        prop_assert_eq!(rendered, Ok(text));
    }

    #[test]
    fn tera_accepts_every_accepted_expression(
        operators in prop::collection::vec(
            prop::sample::select(vec!["+", "-", "*", "/", "==", "and", "or", "in", "<"]),
            0..30
        ),
    ) {
        let expression = operators.iter().map(
            |operator| format!(" {operator} (event.total)")
        ).collect::<Vec<_>>().concat();
        let body = format!("{{{{ event.total{expression} }}}}");
        // Only the syntax is checked, not the kinds: a comparison, for example, cannot be added.
        prop_assert!(TemplateBody::parse_saved(&body).is_ok(), "{}", body);
    }
}
