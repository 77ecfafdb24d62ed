//! A check of a page's markup, for tests: browsers silently repair malformed HTML, and may show
//! something other than intended.

use std::collections::BTreeSet;

use html5ever::driver::{self, ParseOpts};
use html5ever::tendril::TendrilSink;
use scraper::{Element, ElementRef, Html, HtmlTreeSink, Selector};

/// Elements with an end tag. The parser accepts that some are missing.
const WITH_END_TAG: &str = "*:not(area, br, col, hr, img, input, link, meta, source, wbr)";
/// Elements that contain phrasing content, not blocks.
const PHRASING: &[&str] = &[
    "p", "span", "strong", "em", "small", "code", "label", "button", "h1", "h2", "h3", "summary",
    "legend", "time", "bdi", "mark", "dt",
];
/// Block elements, which end a paragraph wherever they start.
const BLOCKS: &str = "article, aside, blockquote, details, div, dl, fieldset, figure, footer, form, \
                      h1, h2, h3, header, hr, main, nav, ol, p, pre, section, table, ul";
/// Elements that mark a part of a text.
const PARTS_OF_TEXT: &[&str] = &["mark", "ins", "del"];
/// Elements whose content is text only, which nothing can isolate.
const TEXT: &[&str] = &["script", "style", "textarea", "title", "option"];
/// Form fields, which need a label.
const FIELDS: &str = ":is(input:not([type=hidden]), select, textarea)\
                      :not([hidden], [aria-label], label *)";
/// Attributes that refer to the ids of other elements.
const REFERENCES: &[&str] = &["for", "aria-labelledby", "aria-describedby", "list", "form"];

/// Returns the problems of a page's markup. `foreign` is a text that must be isolated, so that its
/// direction affects nothing else.
pub(in crate::web) fn problems(html: &str, foreign: Option<&str>) -> Vec<String> {
    // With scripts, which the parser assumes, the content of a <noscript> is text.
    let html = &html.replace("noscript", "section");
    let page = Html::parse_document(html);
    let mut wrong = if page.errors.is_empty() { BTreeSet::new() } else { named_errors(html) };
    let (elements, ends) = (all(&page, WITH_END_TAG).count(), html.matches("</").count());
    if elements != ends {
        wrong.insert(format!("{elements} elements have {ends} end tags"));
    }
    for block in all(&page, BLOCKS) {
        let outer = block.parent_element().map(|outer| outer.value().name());
        if let Some(outer) = outer.filter(|outer| PHRASING.contains(outer)) {
            wrong.insert(format!("<{}> within <{outer}>", block.value().name()));
        }
    }
    wrong.extend(all(&page, "label label").map(|_| "<label> within <label>".to_owned()));
    wrong.extend(all(&page, "img:not([alt])").map(|_| "<img> without alt".to_owned()));
    let mut ids = BTreeSet::new();
    for id in all(&page, "[id]").filter_map(|element| element.attr("id")) {
        if !ids.insert(id) {
            wrong.insert(format!("the id {id} stands there twice"));
        }
    }
    for element in all(&page, "*") {
        let names = REFERENCES.iter().filter_map(|name| element.attr(name));
        for id in names.flat_map(str::split_whitespace).filter(|id| !ids.contains(id)) {
            let element = element.value().name();
            wrong.insert(format!("<{element}> names the id {id}, which is not there"));
        }
        if let Some(foreign) = foreign.filter(|_| !TEXT.contains(&element.value().name())) {
            wrong.extend(exposed(element, foreign));
        }
    }
    let labelled: BTreeSet<_> = all(&page, "label").filter_map(|label| label.attr("for")).collect();
    for field in all(&page, FIELDS) {
        if field.attr("id").is_none_or(|id| !labelled.contains(id)) {
            let (element, name) = (field.value().name(), field.attr("name"));
            wrong.insert(format!("<{element} name={name:?}> has no label"));
        }
    }
    wrong.into_iter().collect()
}

/// The errors of the parser, with the elements that they are about. Tests take long to parse a page
/// like this, because the parser is then compiled here, without optimisation.
fn named_errors(html: &str) -> BTreeSet<String> {
    let mut options = ParseOpts::default();
    options.tokenizer.exact_errors = true;
    options.tree_builder.exact_errors = true;
    let page = driver::parse_document(HtmlTreeSink::new(Html::new_document()), options).one(html);
    page.errors.iter().map(ToString::to_string).collect()
}

fn all<'p>(page: &'p Html, selector: &str) -> impl Iterator<Item = ElementRef<'p>> {
    let selector = Selector::parse(selector).expect("a selector of this file");
    page.select(&selector).collect::<Vec<_>>().into_iter()
}

/// The problem of an element whose own text contains `foreign` without isolating it.
fn exposed(element: ElementRef<'_>, foreign: &str) -> Option<String> {
    let mut texts = element.children().filter_map(|child| child.value().as_text());
    let text = texts.find(|text| text.contains(foreign))?;
    let is_part = |element: &ElementRef<'_>| PARTS_OF_TEXT.contains(&element.value().name());
    // A marked part takes the direction of the whole text.
    let mut around = std::iter::successors(Some(element), Element::parent_element);
    let around = around.find(|element| !is_part(element))?;
    if around.value().name() == "bdi" || around.attr("dir") == Some("auto") {
        return None;
    }
    let shown: String = text.trim().chars().take(60).collect();
    let around = around.value().name();
    Some(format!("“{foreign}” without <bdi> or dir=\"auto\" within <{around}>: {shown}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems_within(body: &str) -> Vec<String> {
        let head = "<!doctype html><!-- <b> --><html><head><title>A</title></head>";
        problems(&format!("{head}<body>{body}</body></html>"), Some("x"))
    }

    #[test]
    fn a_valid_page_has_no_problems() {
        for body in [
            "<p>a > b <br><label for=\"a\">A</label><input id=\"a\" \
             value=\"<p>\"><bdi>x</bdi></p>",
            "<textarea aria-label=\"a\"><p></textarea><p dir=\"auto\">x</p>",
            "<noscript><p>A</p></noscript><bdi><mark>x</mark></bdi>",
        ] {
            assert_eq!(problems_within(body), Vec::<String>::new(), "{body}");
        }
    }

    #[test]
    fn what_a_browser_would_repair_silently_is_reported() {
        for (body, reported) in [
            ("<div><span></div>", "Unexpected open element while closing Atom('div'"),
            ("<div></div></p>", "No <p> tag to close"),
            ("<p><div></div></p>", "No <p> tag to close"),
            ("<div><p></div>", "6 elements have 5 end tags"),
            ("<span><div></div></span>", "<div> within <span>"),
            ("<form><form></form></form>", "nested forms"),
            ("<a><a></a></a>", "Unexpected"),
            ("<button><button></button></button>", "Unexpected"),
            ("<label><label></label></label>", "<label> within <label>"),
            ("<table><p></p></table>", "Unexpected"),
            ("<i id=\"a\" id=\"b\"></i>", "Duplicate attribute"),
            ("<i id=\"a\"></i><i id=\"a\"></i>", "the id a stands there twice"),
            ("<input name=\"a\">", "<input name=Some(\"a\")> has no label"),
            ("<p aria-describedby=\"a\"></p>", "<p> names the id a, which is not there"),
            ("<img src=\"a\">", "<img> without alt"),
            ("<div>", "Unexpected open tag {http://www.w3.org/1999/xhtml}:div at end of body"),
            ("<p>Hello x!</p>", "“x” without <bdi> or dir=\"auto\" within <p>: Hello x!"),
        ] {
            let problems = problems_within(body);
            assert!(
                problems.iter().any(|problem| problem.contains(reported)),
                "{body}: {problems:?}"
            );
        }
    }
}
