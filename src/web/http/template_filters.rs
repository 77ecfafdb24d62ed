//! Filters of the page templates: times, phone numbers, numbers, JSON, query parameters.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tera::{Kwargs, State, Tera, TeraResult, Value, escape_html};

use crate::types::http_url::HttpUrl;
use crate::types::phone::PhoneNumber;
use crate::web::quantities::grouped;

/// Adds the filters `time`, `phone`, `number`, `json`, `urlencode`, `word`, `foreign_link` and
/// `foreign_address`.
pub(in crate::web) fn register(tera: &mut Tera) {
    tera.register_filter("time", time);
    tera.register_filter("phone", |text: &str, _: Kwargs, _: &State<'_>| shown_address(text));
    tera.register_filter("number", |number: i64, _: Kwargs, _: &State<'_>| grouped(number));
    tera.register_filter("json", |value: Value, _: Kwargs, _: &State<'_>| json(&value));
    tera.register_filter("urlencode", |text: &str, _: Kwargs, _: &State<'_>| urlencode(text));
    tera.register_filter("foreign_link", |text: &str, _: Kwargs, _: &State<'_>| {
        Value::safe_string(&foreign_link(text))
    });
    tera.register_filter("foreign_address", |text: &str, _: Kwargs, _: &State<'_>| {
        foreign_address(text)
    });
    tera.register_filter("word", |text: &str, _: Kwargs, _: &State<'_>| word(text));
}

/// Renders a `<time>` in the visitor's time zone: `{{ at | time }}` to the minute,
/// `time(precise=true)` to the millisecond, with the zone, `time(clock=true)` and
/// `time(minute=true)` as the time of day with and without seconds, `time(day=true)` as the day,
/// and `time(shown="3 min")` as that text. `null` becomes a dash.
#[expect(clippy::needless_pass_by_value, reason = "tera calls filters like this")]
fn time(value: Value, arguments: Kwargs, state: &State<'_>) -> TeraResult<Value> {
    if value.is_none() || value.is_undefined() {
        return Ok(Value::from("–"));
    }
    let text = value
        .as_str()
        .ok_or_else(|| tera::Error::message("the filter time needs a time in RFC 3339"))?;
    let at = DateTime::parse_from_rfc3339(text).map_err(|error| {
        tera::Error::message(format!("the filter time cannot read {text}: {error}"))
    })?;
    let form = if let Some(shown) = arguments.get::<String>("shown")? {
        TimeForm::Text(shown)
    } else if arguments.get::<bool>("precise")?.unwrap_or_default() {
        TimeForm::Precise
    } else if arguments.get::<bool>("clock")?.unwrap_or_default() {
        TimeForm::Clock
    } else if arguments.get::<bool>("minute")?.unwrap_or_default() {
        TimeForm::MinuteOfDay
    } else if arguments.get::<bool>("day")?.unwrap_or_default() {
        TimeForm::Day
    } else {
        TimeForm::Minute
    };
    Ok(Value::safe_string(&time_element(at.with_timezone(&Utc), zone(state)?, &form)))
}

/// The visitor's time zone. A component has it only if it takes `@visit`; without it, the filter
/// fails rather than show the time of another zone.
fn zone(state: &State<'_>) -> TeraResult<Tz> {
    let visit = state.get::<Value>("visit")?;
    let name = visit
        .as_ref()
        .and_then(|visit| visit.as_map())
        .and_then(|visit| visit.get(&"time_zone".into()))
        .and_then(Value::as_str);
    let name = name.ok_or_else(|| {
        tera::Error::message("the filter time needs the visit: add @visit to the component")
    })?;
    Ok(name.parse().unwrap_or(Tz::UTC))
}

/// How a time is shown; the exact one is always its title.
enum TimeForm {
    /// Day, hour and minute.
    Minute,
    /// To the millisecond, with the zone: for comparing with other logs.
    Precise,
    /// Hour, minute and second.
    Clock,
    /// Hour and minute.
    MinuteOfDay,
    /// Day, month and year.
    Day,
    /// Another text, such as a relative time.
    Text(String),
}

fn time_element(at: DateTime<Utc>, zone: Tz, form: &TimeForm) -> String {
    let local = at.with_timezone(&zone);
    let shown = match form {
        TimeForm::Minute => local.format("%-d %b %Y, %H:%M").to_string(),
        TimeForm::Precise => escaped(&local.format("%-d %b %Y, %H:%M:%S%.3f %Z").to_string()),
        TimeForm::Clock => local.format("%H:%M:%S").to_string(),
        TimeForm::MinuteOfDay => local.format("%H:%M").to_string(),
        TimeForm::Day => local.format("%-d %b %Y").to_string(),
        TimeForm::Text(text) => escaped(text),
    };
    format!(
        "<time datetime=\"{}\" title=\"{}\">{shown}</time>",
        at.format("%Y-%m-%dT%H:%M:%S%.3fZ"),
        escaped(&local.format("%-d %b %Y, %H:%M:%S %Z").to_string())
    )
}

fn escaped(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    match escape_html(text, &mut out) {
        Ok(()) => String::from_utf8(out).unwrap_or_default(),
        Err(_) => String::new(),
    }
}

/// Links to an address from outside, in a new tab; what is not an http or https address stays plain
/// text.
fn foreign_link(text: &str) -> String {
    let shown = escaped(text);
    match HttpUrl::parse(text) {
        Ok(url) => format!(
            "<a href=\"{}\" rel=\"noreferrer noopener\" target=\"_blank\">{shown}</a>",
            escaped(url.as_str())
        ),
        Err(_) => shown,
    }
}

/// The value of an `href` or `src` from outside: `about:blank` if it is not an http or https
/// address.
fn foreign_address(text: &str) -> String {
    HttpUrl::parse(text).map_or_else(|_| "about:blank".to_owned(), String::from)
}

/// Formats a number in E.164 as `+1 415 555 0123`; other text, such as a short code, stays as it
/// is.
pub(in crate::web) fn shown_address(text: &str) -> String {
    PhoneNumber::from_e164(text).map_or_else(|_| text.to_owned(), |number| number.international())
}

fn json(value: &Value) -> TeraResult<String> {
    serde_json::to_string_pretty(value)
        .map_err(|error| tera::Error::message(format!("cannot be shown as JSON: {error}")))
}

/// Encodes a value for a query (`?cursor={{ cursor | urlencode }}`) or a segment of a path.
fn urlencode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// Formats `carrier_blocked` as `Carrier blocked`.
pub(in crate::web) fn word(word: &str) -> String {
    sentence_case(&word.replace('_', " "))
}

/// Formats `delivered` as `Delivered`.
pub(in crate::web) fn sentence_case(word: &str) -> String {
    let mut characters = word.chars();
    characters
        .next()
        .map(|first| first.to_uppercase().chain(characters).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(template: &str, value: &str) -> String {
        let mut tera = Tera::new();
        register(&mut tera);
        let mut context = tera::Context::new();
        context.insert("value", value);
        context.insert("nothing", &None::<String>);
        context
            .insert("visit", &std::collections::BTreeMap::from([("time_zone", "Europe/Berlin")]));
        tera.render_str(template, &context, true).unwrap()
    }

    #[test]
    fn a_time_is_shown_in_the_time_zone_of_the_visitor() {
        assert_eq!(
            render("{{ value | time }}", "2026-07-01T23:30:00.123456Z"),
            "<time datetime=\"2026-07-01T23:30:00.123Z\" title=\"2 Jul 2026, 01:30:00 CEST\">2 Jul \
             2026, 01:30</time>"
        );
        assert!(
            render("{{ value | time(precise=true) }}", "2026-07-01T23:30:00.123456Z")
                .contains(">2 Jul 2026, 01:30:00.123 CEST<")
        );
        let title = "title=\"2 Jul 2026, 01:30:00 CEST\"";
        for (filter, shown) in [
            ("time(clock=true)", "01:30:00"),
            ("time(minute=true)", "01:30"),
            ("time(day=true)", "2 Jul 2026"),
            ("time(shown='<3 min')", "&lt;3 min"),
        ] {
            let element = render(&format!("{{{{ value | {filter} }}}}"), "2026-07-01T23:30:00Z");
            assert!(
                element.contains(title) && element.contains(&format!(">{shown}<")),
                "{element}"
            );
        }
        assert_eq!(render("{{ nothing | time }}", ""), "–");
    }

    #[test]
    fn the_output_of_filters_is_escaped() {
        assert_eq!(render("{{ value | phone }} {{ value | word }}", "<b>"), "&lt;b&gt; &lt;b&gt;");
        assert_eq!(render("{{ value | urlencode }}", "a b&c=ä\""), "a%20b%26c%3D%C3%A4%22");
    }

    #[test]
    fn only_http_addresses_become_links() {
        assert_eq!(
            render("{{ value | foreign_link }}", "https://example.com/a?b=1&c=\"2\""),
            "<a href=\"https://example.com/a?b=1&amp;c=%222%22\" rel=\"noreferrer noopener\" target=\"_blank\">https://example.com/a?b=1&amp;c=&quot;2&quot;</a>"
        );
        for bad in
            ["javascript:alert(1)", "data:text/html,<b>", "\u{1}javascript:x", "//example.com", ""]
        {
            assert!(!render("{{ value | foreign_link }}", bad).contains("href"), "{bad}");
            assert_eq!(render("{{ value | foreign_address }}", bad), "about:blank", "{bad}");
        }
        assert_eq!(render("{{ value | foreign_link }}", "<b>"), "&lt;b&gt;");
    }

    #[test]
    fn words_are_written_out() {
        assert_eq!(word("carrier_blocked"), "Carrier blocked");
    }
}
