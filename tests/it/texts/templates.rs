//! The texts of pages. A sentence stays together with the values, links and branches in it; other
//! markup separates texts.

use std::mem;
use std::vec::IntoIter;

use super::choices::{choice, options, tidy};
use super::markup::{Piece, pieces};
use super::words::has_words;
use super::{TextsByFile, each_once, expressions};
use crate::architecture::{files_below, project};

/// Templates that developers see: the guide to the design.
const LEFT_OUT: &str = "style_guide.html";

/// Blocks and components that contain attributes or scripts.
const WITHOUT_TEXTS: &[&str] = &["app", "form.described", "scripts", "unsent"];

/// The texts of each template.
pub(super) fn texts_by_file() -> TextsByFile {
    let templates = files_below(&project().join("templates")).into_iter();
    templates
        .filter(|(path, _)| !path.ends_with(LEFT_OUT))
        .map(|(path, source)| (format!("templates/{path}"), texts(&source)))
        .collect()
}

fn texts(source: &str) -> Vec<String> {
    let mut sentences = Sentences::default();
    sentences.read(&nodes(source));
    sentences.end();
    each_once(sentences.ended)
}

/// A part of a template: a piece, or the branches of an `if`.
enum Node {
    Text(String),
    Break,
    Aside(String),
    Branches(Vec<Vec<Self>>),
}

fn nodes(source: &str) -> Vec<Node> {
    block(&mut pieces(source).into_iter()).0
}

/// The nodes up to the statement that ends them, with its first word.
fn block(pieces: &mut IntoIter<Piece>) -> (Vec<Node>, String) {
    let mut nodes = Vec::new();
    while let Some(piece) = pieces.next() {
        match piece {
            Piece::Text(text) => nodes.push(Node::Text(text)),
            Piece::Break => nodes.push(Node::Break),
            Piece::Aside(text) => nodes.push(Node::Aside(text)),
            Piece::Attribute(source) => nodes.push(Node::Aside(inline_text(&source))),
            Piece::Statement(statement) => {
                let word = statement.split(' ').next().unwrap_or_default();
                if ["else", "elif", "endif", "endfor"].contains(&word) {
                    return (nodes, word.to_owned());
                }
                nodes.extend(nodes_of_statement(&statement, pieces));
            }
        }
    }
    (nodes, String::new())
}

fn nodes_of_statement(statement: &str, pieces: &mut IntoIter<Piece>) -> Vec<Node> {
    let mut words = statement.split([' ', '(']);
    let (word, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    match word {
        "if" | "for" => branches(word, pieces),
        "block" | "component" if WITHOUT_TEXTS.contains(&name) => {
            let end = Piece::Statement(format!("end{word}"));
            pieces.find(|piece| *piece == end);
            Vec::new()
        }
        "block" | "component" | "endblock" | "endcomponent" => vec![Node::Break],
        "set" | "set_global" => {
            expressions::texts_of_set(statement).into_iter().map(Node::Aside).collect()
        }
        _ => Vec::new(),
    }
}

/// The nodes of an `if` or a `for` after its statement.
fn branches(word: &str, pieces: &mut IntoIter<Piece>) -> Vec<Node> {
    let (mut branches, mut is_complete) = (Vec::new(), false);
    loop {
        let (branch, end) = block(pieces);
        branches.push(branch);
        match end.as_str() {
            "else" => is_complete = true,
            "elif" => {}
            _ => break,
        }
    }
    if word == "for" && branches.len() == 1 {
        return branches.swap_remove(0);
    }
    if !is_complete {
        branches.push(Vec::new());
    }
    vec![Node::Branches(branches)]
}

fn has_break(nodes: &[Node]) -> bool {
    nodes.iter().any(|node| match node {
        Node::Break => true,
        Node::Branches(branches) => branches.iter().any(|branch| has_break(branch)),
        Node::Text(_) | Node::Aside(_) => false,
    })
}

/// The text of an attribute, which nothing separates.
fn inline_text(source: &str) -> String {
    let mut nodes = nodes(source);
    nodes.retain(|node| !matches!(node, Node::Break));
    let mut sentences = Sentences::default();
    sentences.read(&nodes);
    sentences.open
}

/// Joins pieces to sentences.
#[derive(Default)]
struct Sentences {
    open: String,
    ended: Vec<String>,
}

impl Sentences {
    fn read(&mut self, nodes: &[Node]) {
        for node in nodes {
            match node {
                Node::Text(text) => self.open.push_str(text),
                Node::Break => self.end(),
                Node::Aside(text) => self.add(text),
                Node::Branches(branches) if branches.iter().any(|branch| has_break(branch)) => {
                    for branch in branches {
                        self.read_alone(branch);
                    }
                }
                Node::Branches(branches) => {
                    let texts: Vec<String> =
                        branches.iter().map(|branch| self.inline(branch)).collect();
                    self.open.push_str(&choice(&texts));
                }
            }
        }
    }

    /// Reads a branch. One that has no separate texts goes on with the sentence.
    fn read_alone(&mut self, branch: &[Node]) {
        let is_separate = has_break(branch);
        if is_separate {
            self.end();
        }
        self.read(branch);
        if is_separate {
            self.end();
        }
    }

    /// The text of a branch within a sentence.
    fn inline(&mut self, branch: &[Node]) -> String {
        let before = mem::take(&mut self.open);
        self.read(branch);
        mem::replace(&mut self.open, before)
    }

    fn end(&mut self) {
        let text = mem::take(&mut self.open);
        self.add(&text);
    }

    /// Adds a text; each of its texts if it is only a choice.
    fn add(&mut self, text: &str) {
        let text = tidy(text);
        let each = options(&text).unwrap_or_else(|| vec![text.as_str()]);
        let found = each.into_iter().map(str::trim).filter(|text| has_words(text));
        self.ended.extend(found.map(str::to_owned));
    }
}

#[test]
fn a_sentence_stays_together() {
    for (source, expected) in [
        ("<p>{% if n == 1 %}One{% else %}{{ n }}{% endif %} left</p>", vec!["[One | {n}] left"]),
        ("<p>{% if a %}Yes{% else %}No{% endif %}</p>", vec!["Yes", "No"]),
        ("<p>See <a href=\"/x\">the <b>page</b></a>.</p><p>{{ x }}</p>", vec!["See the page."]),
        ("<a href=\"/\">All</a> <a href=\"/b\">Some</a>", vec!["All", "Some"]),
        ("{% if a %}<h2>One</h2>{% else %}Two{% endif %}", vec!["One", "Two"]),
        ("<b title=\"{{ n }} new{% if a %} ones{% endif %}\">!</b>", vec!["{n} new [ones]"]),
        ("{% block app %} full{% endblock %}<p>Text</p>", vec!["Text"]),
        (
            "{{ <form.text name=\"a\" label=\"Name\" help={\"At most \" ~ n} /> }}",
            vec!["Name", "At most {n}"],
        ),
        ("{% set tabs = [{\"path\": \"/a\", \"label\": \"All\"}] %}", vec!["All"]),
        ("Used by {{ n }} step{{ n | pluralize }}", vec!["Used by {n} step[s]"]),
    ] {
        assert_eq!(texts(source), expected, "{source}");
    }
}
