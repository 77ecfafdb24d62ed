//! A check of a page's markup, for tests: browsers silently repair malformed HTML, and may show
//! something other than intended.

use std::collections::BTreeSet;

/// Elements without content.
const VOID: &[&str] = &["area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"];
/// Elements whose content is text only.
const TEXT: &[&str] = &["script", "style", "textarea", "title", "option"];
/// Elements that contain phrasing content, not blocks.
const PHRASING: &[&str] = &[
    "p", "span", "strong", "em", "small", "code", "label", "button", "h1", "h2", "h3", "summary",
    "legend", "time", "bdi", "mark", "dt",
];
/// Block elements, which end a paragraph wherever they start.
const BLOCKS: &[&str] = &[
    "article",
    "aside",
    "blockquote",
    "details",
    "div",
    "dl",
    "fieldset",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "header",
    "hr",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "ul",
];
/// Elements that must not be nested within themselves.
const NOT_WITHIN_ITSELF: &[&str] = &["a", "button", "form", "label"];
/// Elements that mark a part of a text.
const PARTS_OF_TEXT: &[&str] = &["mark", "ins", "del"];
/// Form fields, which need a label.
const FIELDS: &[&str] = &["input", "select", "textarea"];
/// Attributes that refer to the ids of other elements.
const REFERENCES: &[&str] = &["for", "aria-labelledby", "aria-describedby", "list", "form"];

/// An element that has been opened.
#[derive(Debug)]
struct Element<'h> {
    name: &'h str,
    attributes: Vec<(&'h str, &'h str)>,
}

/// The state of reading a page.
#[derive(Debug, Default)]
struct Reading<'h> {
    open: Vec<Element<'h>>,
    ids: BTreeSet<&'h str>,
    /// The elements that refer to an id, with that id.
    references: Vec<(&'h str, &'h str)>,
    labelled: BTreeSet<&'h str>,
    /// Fields that have no label so far, with their ids.
    unlabelled: Vec<(String, Option<&'h str>)>,
    wrong: Vec<String>,
}

/// Returns the problems of a page's markup. `foreign` is a text that must be isolated, so that its
/// direction affects nothing else.
pub(in crate::web) fn problems(html: &str, foreign: Option<&str>) -> Vec<String> {
    let mut reading = Reading::default();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        reading.text(&rest[..at], foreign);
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!") {
            let end = if comment.starts_with("--") { "-->" } else { ">" };
            rest = comment.split_once(end).map_or("", |(_, after)| after);
            continue;
        }
        let end = end_of_tag(rest);
        let tag = &rest[1..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        if let Some(name) = tag.strip_prefix('/') {
            reading.end(name.trim());
        } else {
            let element = Element::read(tag);
            let name = element.name;
            reading.begin(element);
            if TEXT.contains(&name) {
                rest = rest.find(&format!("</{name}")).map_or("", |end| &rest[end..]);
            }
        }
    }
    reading.finish()
}

/// The position where a tag ends; a `>` in quotes does not end it.
fn end_of_tag(tag: &str) -> usize {
    let mut quoted = false;
    let end = tag.char_indices().find(|(_, character)| {
        quoted ^= *character == '"';
        *character == '>' && !quoted
    });
    end.map_or(tag.len() - 1, |(at, _)| at)
}

impl<'h> Element<'h> {
    fn read(tag: &'h str) -> Self {
        let (name, mut rest) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start();
            let end = rest
                .find(|character: char| character == '=' || character.is_whitespace())
                .unwrap_or(rest.len());
            let (attribute, after) = rest.split_at(end);
            if attribute.is_empty() {
                return Self { name, attributes };
            }
            let (value, after) = match after.strip_prefix("=\"") {
                Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
                None => ("", after.strip_prefix('=').unwrap_or(after)),
            };
            attributes.push((attribute, value));
            rest = after;
        }
    }

    fn attribute(&self, name: &str) -> Option<&'h str> {
        self.attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    fn is_field(&self) -> bool {
        let hidden = self.attribute("type") == Some("hidden") || self.attribute("hidden").is_some();
        FIELDS.contains(&self.name) && !hidden
    }
}

impl<'h> Reading<'h> {
    fn begin(&mut self, element: Element<'h>) {
        let name = element.name;
        if BLOCKS.contains(&name)
            && let Some(outer) = self.open.last()
            && PHRASING.contains(&outer.name)
        {
            self.wrong.push(format!("<{name}> within <{}>", outer.name));
        }
        if NOT_WITHIN_ITSELF.contains(&name) && self.is_within(name) {
            self.wrong.push(format!("<{name}> within <{name}>"));
        }
        let mut seen = BTreeSet::new();
        for (attribute, value) in &element.attributes {
            if !seen.insert(*attribute) {
                self.wrong.push(format!("<{name}> has {attribute} twice"));
            }
            if REFERENCES.contains(attribute) {
                self.references.extend(value.split_whitespace().map(|id| (name, id)));
            }
        }
        if let Some(id) = element.attribute("id")
            && !self.ids.insert(id)
        {
            self.wrong.push(format!("the id {id} stands there twice"));
        }
        if name == "label" {
            self.labelled.extend(element.attribute("for"));
        }
        if element.is_field()
            && !self.is_within("label")
            && element.attribute("aria-label").is_none()
        {
            self.unlabelled.push((
                format!("<{name} name={:?}>", element.attribute("name")),
                element.attribute("id"),
            ));
        }
        if name == "img" && element.attribute("alt").is_none() {
            self.wrong.push("<img> without alt".to_owned());
        }
        if !VOID.contains(&name) {
            self.open.push(element);
        }
    }

    fn end(&mut self, name: &str) {
        let Some(at) = self.open.iter().rposition(|open| open.name == name) else {
            self.wrong.push(format!("</{name}> where none is open"));
            return;
        };
        if let Some(inner) = self.open.get(at + 1) {
            self.wrong.push(format!("</{name}> where <{}> is open", inner.name));
        }
        self.open.truncate(at);
    }

    fn text(&mut self, text: &str, foreign: Option<&str>) {
        let Some(foreign) = foreign.filter(|foreign| text.contains(foreign)) else { return };
        // A marked part takes the direction of the whole text.
        let around = self.open.iter().rev().find(|element| !PARTS_OF_TEXT.contains(&element.name));
        let apart = around.is_some_and(|element| {
            element.name == "bdi" || element.attribute("dir") == Some("auto")
        });
        if !apart {
            let path: Vec<&str> =
                self.open.iter().rev().take(3).map(|element| element.name).collect();
            let shown: String = text.trim().chars().take(60).collect();
            self.wrong.push(format!(
                "“{foreign}” without <bdi> or dir=\"auto\" within {path:?}: {shown}"
            ));
        }
    }

    fn is_within(&self, name: &str) -> bool {
        self.open.iter().any(|element| element.name == name)
    }

    fn finish(mut self) -> Vec<String> {
        self.wrong
            .extend(self.open.iter().map(|element| format!("<{}> does not end", element.name)));
        for (element, id) in &self.references {
            if !self.ids.contains(id) {
                self.wrong.push(format!("<{element}> names the id {id}, which is not there"));
            }
        }
        for (field, id) in &self.unlabelled {
            if id.is_none_or(|id| !self.labelled.contains(id)) {
                self.wrong.push(format!("{field} has no label"));
            }
        }
        self.wrong.sort();
        self.wrong.dedup();
        self.wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valid_page_has_no_problems() {
        let page = "<!doctype html><!-- <b> --><p>a > b <br><label for=\"a\">A</label><input \
                    id=\"a\" value=\"<p>\"><bdi>x</bdi></p>";
        assert_eq!(problems(page, Some("x")), Vec::<String>::new());
        assert_eq!(
            problems("<textarea aria-label=\"a\"><p></textarea><p dir=\"auto\">x</p>", Some("x")),
            Vec::<String>::new()
        );
    }

    #[test]
    fn what_a_browser_would_repair_silently_is_reported() {
        for (page, reported) in [
            ("<div><span></div>", "</div> where <span> is open"),
            ("<div></div></p>", "</p> where none is open"),
            ("<p><div></div></p>", "<div> within <p>"),
            ("<form><form></form></form>", "<form> within <form>"),
            ("<i id=\"a\"></i><i id=\"a\"></i>", "the id a stands there twice"),
            ("<input name=\"a\">", "<input name=Some(\"a\")> has no label"),
            ("<p aria-describedby=\"a\"></p>", "<p> names the id a, which is not there"),
            ("<div>", "<div> does not end"),
            ("<p>Hello x!</p>", "“x” without <bdi> or dir=\"auto\" within [\"p\"]: Hello x!"),
        ] {
            assert_eq!(problems(page, Some("x")), [reported], "{page}");
        }
    }
}
