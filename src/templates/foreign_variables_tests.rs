//! Tests of variables in the forms of other tools.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::contacts::Contact;
use crate::templates::sandbox_tests::{CONTACT, EVENT, refusal};
use crate::templates::{MediaUrl, TemplateBody, Variables, body_pieces};

/// The variables of a text with one expression, in Carillon's own terms.
fn meaning(expression: &str) -> String {
    let body = TemplateBody::parse(&format!("{{{{{expression}}}}}")).expect(expression);
    body.variables().into_iter().collect::<Vec<_>>().join(" ")
}

#[test]
fn properties_are_those_of_the_event() {
    for (foreign, native) in [
        ("$.properties.order_id", "event.order_id"),
        (" $.properties.order_id ", "event.order_id"),
        ("$['properties']['order_id']", "event.order_id"),
        ("$.properties.products[0].name", "event.products[0].name"),
        ("$.properties['ship to'].city", "event[\"ship to\"].city"),
        ("properties.total", "event.total"),
        ("properties.items[1].sku", "event.items[1].sku"),
    ] {
        assert_eq!(meaning(foreign), native, "{foreign}");
    }
}

#[test]
fn traits_are_the_fields_and_attributes_of_the_contact() {
    for root in ["$.traits", "$.context.traits", "traits", "customer", "person", "profile", "user"]
    {
        for (name, native) in [
            ("first_name", "contact.first_name"),
            ("firstName", "contact.first_name"),
            ("last_name", "contact.last_name"),
            ("lastName", "contact.last_name"),
            ("name", "contact.name"),
            ("email", "contact.email"),
            ("phone", "contact.phone"),
            ("userId", "contact.external_id"),
            ("external_id", "contact.external_id"),
            ("city", "contact.attributes.city"),
            ("favoriteColor", "contact.attributes.favoriteColor"),
            ("address.city", "contact.attributes.address_city"),
        ] {
            assert_eq!(meaning(&format!("{root}.{name}")), native, "{root}.{name}");
        }
    }
    for (foreign, native) in [
        ("subscriber.FirstName", "contact.first_name"),
        ("customer.id", "contact.external_id"),
        ("customer.attributes.city", "contact.attributes.city"),
        ("person.properties.first_name", "contact.first_name"),
        ("$.userId", "contact.external_id"),
        // Segment's trait `id` and those that are spelled in another way are attributes.
        ("traits.id", "contact.attributes.id"),
        ("$.traits.firstname", "contact.attributes.firstname"),
        ("traits['home town']", "contact.attributes.home_town"),
        ("traits['2nd-city']", "contact.attributes._2nd_city"),
    ] {
        assert_eq!(meaning(foreign), native, "{foreign}");
    }
}

#[test]
fn both_forms_of_a_variable_are_one() {
    assert_eq!(
        meaning("$.properties.total if event.total > 5 else properties.total"),
        "event.total"
    );
}

#[test]
fn what_is_not_known_is_named_with_what_is() {
    for (body, words) in [
        ("{{ shop.url }}", "There is no variable “shop.url”. Use one of: contact.first_name"),
        ("{{ shop.url }}", "Carillon also knows $.properties.*, $.traits.*, properties.*"),
        ("{{ $.event }}", "column 4: There is no variable “$.event”. After “$”, write .properties"),
        ("{{ $ }}", "There is no variable “$”."),
        ("{{ $name }}", "There is no variable “$”."),
        ("{{ $['x'] }}", "There is no variable “$.x”."),
        ("{{ $.properties }}", "“$.properties” alone has no text. Name a property, such as $.prop"),
        ("{{ customer }}", "“customer” alone has no text. Name a field, such as customer.first_n"),
        ("{{ subscriber.FNAME }}", "did you mean contact.first_name? If it is an attribute, write"),
        ("{{ traits.tags[0] }}", "There is no variable “traits.tags[0]”. Contacts have no lists"),
        ("{{ $.properties.products[*].name }}", "Write a text in quotes or a whole number"),
        ("{{ event.$ }}", "A name is missing before “$”"),
        ("{{ 1 $ }}", "“$” doesn’t fit here"),
        ("Hi {{${first_name}}}", "column 6: Write contact.first_name instead of “${first_name}”."),
        ("{{{first_name}}}", "column 3: Write contact.first_name instead of “{first_name}”."),
        ("{{{ voucher }}}", "Write a variable without more braces, such as contact.first_name."),
    ] {
        let message = refusal(body);
        assert!(message.contains(words), "{body}: {message}");
    }
}

#[test]
fn a_foreign_form_is_checked_like_its_native_form() {
    for (foreign, native) in [
        ("{{ $.traits.first_name + 1 }}", "{{ contact.first_name + 1 }}"),
        ("{{ $.properties.total / 0 }}", "{{ event.total / 0 }}"),
        ("{{ user.email | round }}", "{{ contact.email | round }}"),
        ("{{ properties.a | defualt }}", "{{ event.a | defualt }}"),
    ] {
        let message = |body: &str| TemplateBody::parse(body).unwrap_err().message;
        assert_eq!(message(foreign), message(native), "{foreign}");
    }
    let text = json!({ "total": "19.90" });
    let checked = |body: &str| {
        let body = TemplateBody::parse(body).unwrap();
        body.check_with(&[Variables::new(&CONTACT, Some(&text))]).unwrap_err().0.message
    };
    assert_eq!(checked("{{ $.properties.total / 3 }}"), checked("{{ event.total / 3 }}"));
}

#[test]
fn a_property_named_properties_comes_first() {
    let rendered = |event: Value| {
        let body = TemplateBody::parse("{{ event.properties.total }}").unwrap();
        body.render(&Variables::new(&CONTACT, Some(&event))).ok()
    };
    assert_eq!(rendered(json!({ "total": 1 })).as_deref(), Some("1"));
    let both = json!({ "total": 1, "properties": { "total": 2 } });
    assert_eq!(rendered(both).as_deref(), Some("2"));
    assert_eq!(rendered(json!({ "properties": {} })), None);
}

#[test]
fn the_name_is_the_first_and_the_last_name() {
    let name = |first: Option<&str>, last: Option<&str>| {
        let contact = Contact {
            first_name: first.map(str::to_owned),
            last_name: last.map(str::to_owned),
            ..CONTACT.clone()
        };
        let body = TemplateBody::parse("{{ customer.name | default(value='there') }}").unwrap();
        body.render(&Variables::new(&contact, None)).unwrap()
    };
    assert_eq!(name(Some("Ada"), Some("Lovelace")), "Ada Lovelace");
    assert_eq!(name(None, Some("Lovelace")), "Lovelace");
    assert_eq!(name(Some(" "), None), "there");
}

#[test]
fn a_media_url_takes_foreign_forms() {
    let url = MediaUrl::parse("https://example.com/{{$.properties.url}}.jpg").unwrap();
    assert_eq!(url.as_str(), "https://example.com/{{$.properties.url}}.jpg");
    assert_eq!(
        url.render(&Variables::new(&CONTACT, Some(&EVENT))).unwrap(),
        "https://example.com/a%20b%26%C3%BC.jpg"
    );
    let error = MediaUrl::parse("https://example.com/{{ $.event }}").unwrap_err();
    assert!(error.starts_with("Column 24: There is no variable “$.event”"), "{error}");
}

/// A variable in a foreign and in the native form.
fn variable() -> impl Strategy<Value = (String, String)> {
    let person = prop::sample::select(vec![
        "$.traits",
        "$.context.traits",
        "traits",
        "customer",
        "person",
        "profile",
        "user",
        "subscriber",
        "user.traits",
    ]);
    let event = prop::sample::select(vec!["$.properties", "properties", "event.properties"]);
    let field = prop::sample::select(vec![
        ("first_name", "first_name"),
        ("firstName", "first_name"),
        ("lastName", "last_name"),
        ("email", "email"),
        ("phone", "phone"),
        ("userId", "external_id"),
        ("name", "name"),
        ("city", "attributes.city"),
        ("points", "attributes.points"),
        ("vip", "attributes.vip"),
        ("gone", "attributes.gone"),
        ("nothing", "attributes.nothing"),
    ]);
    let property = prop::sample::select(vec![
        "order_id",
        "total",
        "placed_at",
        "items[1].name",
        "items",
        "tags",
        "tags[0]",
        "url",
        "none",
        "none.such",
    ]);
    prop_oneof![
        (person, field).prop_map(|(root, (foreign, native))| {
            (format!("{root}.{foreign}"), format!("contact.{native}"))
        }),
        (event, property)
            .prop_map(|(root, name)| (format!("{root}.{name}"), format!("event.{name}"))),
    ]
}

/// A piece of a template with a place for a variable.
fn place() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(vec![
        ("{{", "}}"),
        ("{{ ", " }} "),
        ("{{- ", " -}}"),
        ("{{ ", " | default(value='x') }}"),
        ("{{ 'a' ~ ", " }}"),
        ("{{ ", " | upper }}"),
        ("{{ ", " * 2 | round }}"),
        ("{{ 'a' | default(value=", ") }}"),
        ("{% if ", " %}yes{% else %}no{% endif %}"),
        ("{% if ", " is defined %}yes{% endif %}"),
        ("{{ 1 if ", " == 'gold' else 2 }}"),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn a_template_with_foreign_forms_renders_like_its_native_form(
        parts in prop::collection::vec(("[a-z ]{0,5}", place(), variable()), 1..6),
    ) {
        let (mut foreign, mut native) = (String::new(), String::new());
        for (text, (before, after), (theirs, ours)) in &parts {
            foreign.push_str(&[text, *before, theirs, *after].concat());
            native.push_str(&[text, *before, ours, *after].concat());
        }
        let outcome = |body: &str| {
            let parsed = TemplateBody::parse(body).map_err(|_| "refused".to_owned())?;
            assert_eq!(parsed.as_str(), body.trim_end());
            let variables = Variables::new(&CONTACT, Some(&EVENT));
            let text = parsed.render(&variables).map_err(|_| "failed".to_owned())?;
            Ok::<_, String>((text, parsed.fixed_text().to_owned()))
        };
        prop_assert_eq!(outcome(&foreign), outcome(&native), "{} / {}", foreign, native);
    }

    #[test]
    fn no_path_of_other_tools_panics(
        root in prop::sample::select(vec!["$", "traits", "user", "properties", "$.context"]),
        rest in "[-$.a-zA-Z_0-9\\['\" \\]]{0,20}",
    ) {
        let _ = TemplateBody::parse(&format!("{{{{ {root}{rest} }}}}"));
        let _ = body_pieces(&format!("{{{{ {root}{rest} }}}}"));
    }
}
