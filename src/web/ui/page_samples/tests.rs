//! Tests of the markup of every page, in every state and variation.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::*;
use crate::web::http::page::template_names;
use crate::web::http::{assets, markup_check};

/// The largest size of a page in bytes that a browser shows without trouble, with [`ROWS`] rows in
/// each list.
const MAX_BYTES: usize = 48 << 20;
/// How long all pages with [`ROWS`] rows may take to render, in seconds: unoptimized, on a busy
/// machine.
const MAX_SECONDS: u64 = 120;

fn rendered(public_url: &str, kind: Variation) -> Vec<Sample> {
    samples_of(&PublicUrl::parse(public_url).unwrap(), kind, |_| true)
        .unwrap_or_else(|error| panic!("{error:?}"))
}

fn problems_by_template(
    kind: Variation,
    foreign: Option<&str>,
) -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut by_template: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for Sample { template, html, .. } in rendered("https://sms.example.com", kind) {
        let mut problems = markup_check::problems(&html, foreign);
        if html.matches("<h1").count() != 1
            || !html.contains("<!doctype html>")
            || !html.contains("<main")
        {
            problems.push("it is not a complete page with one heading".to_owned());
        }
        // Texts of users may contain anything, and none of it becomes markup.
        if html.contains("<i>") {
            problems.push("a name is not escaped".to_owned());
        }
        if !problems.is_empty() {
            by_template.entry(template).or_default().extend(problems);
        }
    }
    by_template
}

#[test]
fn every_page_is_well_formed_in_each_of_its_states() {
    assert_eq!(problems_by_template(Variation::Unchanged, None), BTreeMap::new());
    assert_eq!(problems_by_template(Variation::Empty, None), BTreeMap::new());
}

#[test]
fn every_page_copes_with_long_names() {
    assert_eq!(problems_by_template(Variation::LongNames, None), BTreeMap::new());
}

#[test]
fn right_to_left_names_do_not_affect_their_surroundings() {
    assert_eq!(problems_by_template(Variation::RightToLeft, Some("שלום")), BTreeMap::new());
}

#[test]
fn every_page_shows_ten_thousand_rows() {
    let begun = Instant::now();
    let many = rendered("https://sms.example.com", Variation::ManyRows);
    let took = begun.elapsed().as_secs();
    for Sample { template, html, .. } in &many {
        assert!(html.len() < MAX_BYTES, "{template} has {} MB", html.len() >> 20);
        assert_eq!(markup_check::problems(html, None), Vec::<String>::new(), "{template}");
    }
    assert!(took < MAX_SECONDS, "{} pages took {took} s", many.len());
    assert!(
        many.iter().any(|sample| sample.html.matches("<tr>").count() >= ROWS),
        "no page has ten thousand rows"
    );
}

#[test]
fn every_link_of_every_page_starts_with_the_path_prefix() {
    for Sample { template, html, .. } in rendered("https://example.com/sms", Variation::Unchanged) {
        for attribute in [
            "href=\"/",
            "src=\"/",
            "action=\"/",
            "data-live=\"/",
            "hx-post=\"/",
            "hx-sse:connect=\"/",
        ] {
            for (at, _) in html.match_indices(attribute) {
                let link = &html[at + attribute.len() - 1..];
                assert!(
                    link.starts_with("/sms/") || link.starts_with("/sms\""),
                    "{template}: {}",
                    &link[..link.len().min(60)]
                );
            }
        }
    }
}

#[test]
fn every_form_that_posts_carries_its_token() {
    for Sample { template, html, .. } in rendered("https://sms.example.com", Variation::Unchanged) {
        for form in html.split("<form").skip(1) {
            let form = form.split("</form>").next().unwrap();
            assert!(
                !form.contains("method=\"post\"") || form.contains("name=\"csrf\""),
                "{template} has a form without {{{{<form.csrf/>}}}}"
            );
        }
    }
}

#[test]
fn no_page_needs_inline_scripts_or_styles() {
    for Sample { template, html, .. } in rendered("https://sms.example.com", Variation::Unchanged) {
        for inline in ["<style", " style=\"", " onclick=", " onsubmit=", "javascript:", "<script>"]
        {
            assert!(
                !html.contains(inline),
                "{template} has {inline}, which the content security policy forbids"
            );
        }
    }
}

#[test]
fn every_icon_of_every_page_exists() {
    let known: BTreeSet<String> = assets::icon_names().into_iter().collect();
    for Sample { template, html, .. } in rendered("https://sms.example.com", Variation::Unchanged) {
        for name in html.split("icons.svg#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(known.contains(name), "{template}: {name} is not in scripts/icons.txt");
        }
    }
}

#[test]
fn every_template_belongs_to_a_page() {
    let used: BTreeSet<&str> = rendered("https://sms.example.com", Variation::Unchanged)
        .into_iter()
        .map(|sample| sample.template)
        .collect();
    let unused: Vec<_> = template_names()
        .filter(|name| {
            name.starts_with("ui/") && !name.contains("/_") && !used.contains(name.as_str())
        })
        .collect();
    assert!(
        unused.is_empty(),
        "register their pages in web/ui/page_samples/page_list.rs, or name parts of pages _like_this.html: {unused:?}"
    );
}
