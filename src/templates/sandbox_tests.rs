//! Tests of what the sandbox allows and rejects, with whole templates.

use std::sync::LazyLock;

use chrono::Utc;
use serde_json::{Value, json};

use super::{RenderError, TemplateBody, Variables};
use crate::contacts::Contact;
use crate::types::id::ContactId;
use crate::types::phone::PhoneNumber;

pub(super) static CONTACT: LazyLock<Contact> = LazyLock::new(|| Contact {
    id: ContactId::new(),
    phone: PhoneNumber::from_e164("+14155550123").unwrap(),
    first_name: Some("Zoë".to_owned()),
    last_name: None,
    email: Some(" ".to_owned()),
    external_id: Some("c-17".to_owned()),
    attributes: json!({
        "city": "Köln", "plan": "gold", "points": 1200, "nick": "", "vip": true, "gone": null, "address": { "zip": "50667" },
        "home town": "Bonn", "long": "x".repeat(20_000), "braces": "{{ contact.phone }}",
    }),
    created_at: chrono::DateTime::<Utc>::UNIX_EPOCH,
    updated_at: chrono::DateTime::<Utc>::UNIX_EPOCH,
});

pub(super) static EVENT: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "order_id": 4711, "total": 19.9, "placed_at": "2026-11-21T18:05:00+01:00", "items": [
            { "name": "Tea" },
            { "name": "Cup" }
        ],
        "tags": ["a", "b"], "url": "a b&ü",
    })
});

pub(super) fn render(body: &str) -> Result<String, RenderError> {
    TemplateBody::parse(body)
        .map_err(RenderError::Unreadable)?
        .render(&Variables::new(&CONTACT, Some(&EVENT)).with_organization("Kyla"))
}

pub(super) fn refusal(body: &str) -> String {
    TemplateBody::parse(body).expect_err(body).to_string()
}

#[track_caller]
pub(super) fn assert_renders(body: &str, text: &str) {
    assert_eq!(render(body).as_deref(), Ok(text), "{body}");
}

#[test]
fn variables_are_filled_in() {
    assert_renders(
        "Hi {{ contact.first_name }} from {{ contact.attributes.city }}!",
        "Hi Zoë from Köln!",
    );
    assert_renders(
        "{{ contact.phone }} {{contact.external_id}} {{ organization.name }}",
        "+14155550123 c-17 Kyla",
    );
    assert_renders("{{ event.order_id }}: {{ event.items[1].name }}", "4711: Cup");
    assert_renders(
        "{{ contact.attributes[\"home town\"] }} {{ contact['attributes'].address.zip }}",
        "Bonn 50667",
    );
    assert_renders("No variables, {braces} and }} stay.", "No variables, {braces} and }} stay.");
}

#[test]
fn ifs_choose() {
    let body = "{% if contact.attributes.points >= 1000 and contact.attributes.vip %}Gold{% elif event.total > 5 %}Some{% else %}None{% endif %}";
    assert_renders(body, "Gold");
    assert_renders("{% if contact.last_name %}a{% else %}b{% endif %}", "b");
    assert_renders("{% if contact.last_name is defined %}a{% else %}b{% endif %}", "b");
    assert_renders("{% if contact.attributes.plan in [\"gold\", \"silver\"] %}in{% endif %}", "in");
    assert_renders("{% if \"silver\" not in contact.attributes.plan %}out{% endif %}", "out");
    assert_renders("a\n{%- if not contact.last_name -%}\n b {% endif %}c", "ab c");
    assert_renders("{{ \"VIP\" if contact.attributes.vip else \"guest\" }}", "VIP");
    assert_renders("{{ (event.total + 0.1) * 2 | round }} {{ 7 // 2 }}", "40 3");
}

#[test]
fn null_absent_and_empty_values_take_the_default() {
    assert_renders("Hi {{ contact.last_name | default(value=\"there\") }}", "Hi there");
    assert_renders("{{ contact.email | default(value='x') }}", "x");
    assert_renders("{{ contact.attributes.gone | default(value='x') }}", "x");
    assert_renders("{{ contact.attributes.nick | default(value='x') }}", "x");
    assert_renders("{{ contact.attributes.no.such.thing | default(value='x') | upper }}", "X");
    assert_renders("{{ contact.last_name | default(value=contact.first_name) }}", "Zoë");
    assert_renders("{{ event.discount | default(value=0) }}", "0");
}

#[test]
fn a_variable_without_value_and_default_fails_by_name() {
    let sentence = |body: &str| render(body).unwrap_err().to_string();
    assert_eq!(
        sentence("Hi {{ contact.attributes.street }}"),
        "contact.attributes.street is not set for this contact, and the template gives no default"
    );
    assert_eq!(
        sentence("{{ event.coupon }}"),
        "event.coupon is not set in this event, and the template gives no default"
    );
    for body in [
        "{{ contact.first_name }} {{ contact.last_name }}",
        "{{ contact.first_name | upper }} {{ contact.last_name | upper | trim }}",
        "{{ event.coupon | default(value=contact.last_name) }}",
        "{{ event.coupon if contact.first_name == 'x' else contact.last_name }}",
        "{% if contact.last_name > 'x' %}a{% endif %}b",
        "{{ contact.first_name ~ contact.last_name | lower }}",
        "{% if contact.last_name is starting_with(pat='a') %}a{% endif %}b",
    ] {
        match render(body) {
            Err(RenderError::NotSet { variable, .. }) => {
                assert_eq!(variable, "contact.last_name", "{body}");
            }
            other => panic!("{body}: {other:?}"),
        }
    }
}

#[test]
fn without_contact_and_event_only_the_number_is_set() {
    let phone = PhoneNumber::from_e164("+14155550123").unwrap();
    let body =
        TemplateBody::parse(
            "{{ contact.phone }}{{ contact.first_name | default(value='') }}{{ event.x | default(value='!') }}"
        ).unwrap();
    assert_eq!(body.render(&Variables::for_phone(&phone, None)).as_deref(), Ok("+14155550123!"));
    let unset: Vec<_> = body
        .unset(&Variables::for_phone(&phone, None))
        .into_iter()
        .map(|unset| (unset.variable, unset.has_default))
        .collect();
    assert_eq!(unset, [("contact.first_name".to_owned(), true), ("event.x".to_owned(), true)]);
}

#[test]
fn filters_transform_values() {
    assert_renders(
        "{{ contact.first_name | upper }} {{ event.order_id | str | lower }} {{ 'aB' | capitalize }}",
        "ZOË 4711 Ab",
    );
    assert_renders(
        "{{ 'hello world' | truncate(length=5) }} {{ 'hello' | truncate(length=5) }}",
        "hello... hello",
    );
    assert_renders(
        "{{ 'a-b' | replace(from='-', to='+') }} {{ ' x ' | trim }} {{ 'xxay' | trim_start(pat='x') }}",
        "a+b x ay",
    );
    assert_renders(
        "{{ event.total | fixed }} {{ event.order_id | fixed(places=1) }} {{ '7' | fixed }}",
        "19.90 4711.0 7.00",
    );
    assert_renders("{{ event.placed_at | date(format='%d.%m. %H:%M') }}", "21.11. 18:05");
    assert_renders(
        "{{ event.placed_at | date(format='%H:%M', timezone='America/New_York') }}",
        "12:05",
    );
    assert_renders("{{ '2026-12-24' | date(format='%A') }} {{ 0 | date }}", "Thursday 1970-01-01");
    assert_renders("{{ event.url | urlencode }}", "a%20b%26%C3%BC");
    assert_renders(
        "{{ event.tags | join(sep=', ') }} {{ 'a,b' | split(pat=',') | last }} {{ event.items | length }}",
        "a, b b 2",
    );
    assert_renders("{{ event.order_id }} item{{ 2 | pluralize }}", "4711 items");
}

#[test]
fn tags_other_than_if_are_refused() {
    for body in [
        "{% for x in event.items %}x{% endfor %}",
        "{% include \"/etc/passwd\" %}",
        "{% extends \"base\" %}",
        "{% import \"m\" as m %}",
        "{% set x = 1 %}",
        "{% set_global x = 1 %}",
        "{% raw %}{{ x }}{% endraw %}",
        "{% block a %}{% endblock %}",
        "{% filter upper %}a{% endfilter %}",
        "{% macro m() %}{% endmacro %}",
        "{% component Foo() %}{% endcomponent %}",
        "{% <Foo> %}{% </Foo> %}",
        "{% break %}",
        "{% %}",
    ] {
        let message = refusal(body);
        assert!(message.starts_with("Line 1, column 1: "), "{body}: {message}");
    }
}

#[test]
fn functions_and_magic_are_refused() {
    for body in [
        "{{ get_env(name=\"HOME\") }}",
        "{{ range(end=100000) }}",
        "{{ throw(message=\"x\") }}",
        "{{ now() }}",
        "{{ __tera_context }}",
        "{{ contact.first_name(x=1) }}",
        "{{ <Foo /> }}",
        "{{ {\"a\": 1} }}",
        "{{ [x for x in event.items] }}",
        "{{ contact.first_name[0:1] }}",
        "{{ contact.attributes[event.order_id] }}",
        "{{ self }}",
        "{{ loop.index }}",
        "{{ 2 ** 100000 }}",
        "{{ contact.first_name | safe }}",
        "{{ event.items | group_by(attribute='name') }}",
        "{{ 'a' | indent(width=1000) }}",
        "{{ ...event }}",
    ] {
        assert!(TemplateBody::parse(body).is_err(), "{body}");
    }
    assert!(refusal("{{ get_env(name=\"HOME\") }}").contains("is a function"));
}

#[test]
fn mistakes_are_explained_with_their_position() {
    for (body, position, words) in [
        (
            "Hi {{ foo }}",
            "Line 1, column 7",
            "There is no variable “foo”. Use one of: contact.first_name",
        ),
        ("a\n\n {{ contact.city }}", "Line 3, column 5", "write contact.attributes.city"),
        ("{{ contact.first_name", "Line 1, column 1", "Close this “{{” with “}}”"),
        (
            "{{ contact.first_name | defualt(value='x') }}",
            "Line 1, column 25",
            "There is no filter “defualt”; did you mean “default”?",
        ),
        ("{{ contact.first_name | default('x') }}", "Line 1, column 33", "default(value=…)"),
        ("{{ contact.first_name | default }}", "Line 1, column 25", "needs an argument"),
        ("{{ contact.first_name | upper(x=1) }}", "Line 1, column 31", "takes no arguments"),
        (
            "{{ contact.first_name | default(value='a', value='b') }}",
            "Line 1, column 44",
            "given twice",
        ),
        ("{{ contact.first_name or }}", "Line 1, column 26", "A value is missing"),
        ("{{ }}", "Line 1, column 4", "A value is missing"),
        (
            "{{ contact.first_name contact.email }}",
            "Line 1, column 23",
            "“contact” doesn’t fit here",
        ),
        ("{% if contact.email = 'x' %}{% endif %}", "Line 1, column 21", "Write “==”"),
        ("{% if contact.email %}", "Line 1, column 1", "has no “{% endif %}”"),
        ("a{% endif %}", "Line 1, column 2", "closes no"),
        ("a{% else %}", "Line 1, column 2", "belongs to no"),
        (
            "{% if event.a %}{% else %}{% else %}{% endif %}",
            "Line 1, column 27",
            "comes after the “{% else %}”",
        ),
        ("{% if event.a %}{% endif x %}", "Line 1, column 26", "nothing follows"),
        ("{{ (contact.email }}", "Line 1, column 19", "A “)” is missing"),
        ("{{ contact.email == none }}", "Line 1, column 21", "is defined"),
        ("{{ 99999999999999999999 }}", "Line 1, column 4", "too large"),
        ("a\u{0}b", "Line 1, column 2", "invisible control character"),
        ("  \r\n ", "Line 1, column 1", "Write a text"),
    ] {
        let message = refusal(body);
        assert!(message.starts_with(position) && message.contains(words), "{body}: {message}");
    }
}

#[test]
fn depth_and_length_are_bounded() {
    let parentheses = format!("{{{{ {}1{} }}}}", "(".repeat(400), ")".repeat(400));
    assert!(refusal(&parentheses).contains("levels of parentheses"));
    assert!(refusal(&format!("{{{{ {}1 }}}}", "1 + ".repeat(200))).contains("too long"));
    assert!(
        refusal(&format!("{}{}", "{% if event.a %}".repeat(40), "{% endif %}".repeat(40)))
            .contains("at most 8 ifs")
    );
    let many =
        (0..33).map(|index| format!("{{{{ event.a{index} }}}}")).collect::<Vec<_>>().concat();
    assert!(refusal(&many).contains("at most 32"));
    assert!(TemplateBody::parse(&"x".repeat(1_600)).is_ok());
    assert!(refusal(&"x".repeat(1_601)).contains("1601 characters"));
}

#[test]
fn the_rendered_text_is_bounded() {
    assert_eq!(render("{{ contact.attributes.long }}"), Err(RenderError::TooLong));
    assert_eq!(render(&"😀".repeat(801)), Err(RenderError::TooLong));
    assert_renders(&"😀".repeat(800), &"😀".repeat(800));
    assert_renders("{{ contact.attributes.long | truncate(length=2, end='') }}", "xx");
    for body in [
        "{{ contact.attributes.long | replace(from='x', to=contact.attributes.long) }}",
        "{{ contact.attributes.long | split(pat='x') | join(sep=contact.attributes.long) }}",
        "{{ contact.attributes.long ~ contact.attributes.long }}",
    ] {
        let result = render(body);
        assert!(matches!(result, Err(RenderError::Failed { line: 1, .. })), "{body}: {result:?}");
    }
}

#[test]
fn an_empty_text_is_an_error() {
    assert_eq!(render("{% if contact.last_name %}Hi{% endif %} \n"), Err(RenderError::Empty));
    assert_eq!(render("{{ contact.attributes.nick }}"), Err(RenderError::Empty));
}

#[test]
fn values_are_never_read_as_templates() {
    assert_renders("{{ contact.attributes.braces }}", "{{ contact.phone }}");
    assert_renders("{{ '{{ 1 }}' }} {{ \"a\\\"b\\\\\" }}", "{{ 1 }} a\"b\\");
    // Text that remains after a comment or trimmed whitespace must not form a tag with its
    // neighbour.
    assert_renders("a{ {#- c -#} { contact.phone }}", "a{{ contact.phone }}");
    assert_renders("a{ {{- 1 -}} }", "a{1}");
    assert!(refusal("{{# no comment").contains("has no meaning"));
}

#[test]
fn the_list_of_variables_is_complete() {
    let body =
        TemplateBody::parse(
            "{{ contact.first_name }}{% if event.a.b %}{{ contact.first_name | default(value=event.c) }}{% endif %}"
        )
            .unwrap();
    assert_eq!(
        body.variables().into_iter().collect::<Vec<_>>(),
        ["contact.first_name", "event.a.b", "event.c"]
    );
}
