//! Writes the tree of an expression for Tera, so that no missing value is printed, compared or
//! calculated with in silence.

use super::ast::{Call, Expr, Node, Operator};
use super::calls;
use super::checked::{Checked, NAMES, Site, Use};
use super::fault::{RIGHT, SITE};
use super::place::Place;
use super::sandbox::{GIVEN, SHOWN, TRIED};

/// Appends what prints an expression.
pub(super) fn print(checked: &mut Checked, expr: &Expr) {
    match expr.node {
        Node::Choice { .. } => given(checked, expr, "the text"),
        _ => value(checked, expr, Guard::None),
    }
    end(checked, SHOWN, "the text", expr);
}

/// Appends what prints an expression as part of an address.
pub(super) fn print_encoded(checked: &mut Checked, expr: &Expr) {
    print(checked, expr);
    let is_encoded = matches!(&expr.node, Node::Filter(_, call) if call.name == "urlencode");
    if !is_encoded {
        checked.source.push_str(" | urlencode");
    }
}

/// Appends a condition: a variable without a value is as good as false, since its presence is what
/// is asked for.
pub(super) fn condition(checked: &mut Checked, expr: &Expr) {
    match &expr.node {
        Node::And(left, right) | Node::Or(left, right) => {
            checked.source.push('(');
            first_of(checked, expr, left);
            condition(checked, right);
            checked.source.push(')');
        }
        Node::Not(of) => {
            checked.source.push_str("(not ");
            condition(checked, of);
            checked.source.push(')');
        }
        Node::Choice { yes, condition: chosen_by, no } => {
            choice(
                checked,
                chosen_by,
                |checked| condition(checked, yes),
                |checked| condition(checked, no),
            );
        }
        Node::Variable(_) => value(checked, expr, Guard::Present),
        Node::Text(_) | Node::Whole(_) | Node::Decimal(_) | Node::Truth(_) => {
            value(checked, expr, Guard::None);
        }
        _ => given(checked, expr, "this condition"),
    }
}

/// Appends what stands left of an `and` or `or`, and the word. A chain of the same word needs no
/// parentheses, of which Tera reads few.
fn first_of(checked: &mut Checked, connected: &Expr, left: &Expr) {
    match (&connected.node, &left.node) {
        (Node::And(..), Node::And(first, second)) | (Node::Or(..), Node::Or(first, second)) => {
            first_of(checked, left, first);
            condition(checked, second);
        }
        _ => condition(checked, left),
    }
    checked.source.push_str(if matches!(connected.node, Node::And(..)) { " and " } else { " or " });
}

/// Appends what tries an expression, and prints nothing.
pub(super) fn tried(checked: &mut Checked, expr: &Expr) {
    value(checked, expr, Guard::None);
    checked.source.push_str(" | ");
    checked.source.push_str(TRIED);
}

/// What is done about a variable without a value where it is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guard {
    None,
    /// A default is given, or its presence is what is asked for.
    Present,
}

/// Appends a value, which is missing where a variable in it is.
fn value(checked: &mut Checked, expr: &Expr, guard: Guard) {
    match &expr.node {
        Node::Text(text) => write_text(&mut checked.source, text),
        Node::Whole(number) => checked.source.push_str(&number.to_string()),
        Node::Decimal(number) => checked.source.push_str(number),
        Node::Truth(truth) => checked.source.push_str(if *truth { "true" } else { "false" }),
        Node::Variable(index) => {
            checked.source.push_str(NAMES.get(*index).copied().unwrap_or_default());
            checked.uses.push(Use { variable: *index, is_guarded: guard == Guard::Present });
        }
        Node::List(items) => {
            checked.source.push('[');
            for item in items {
                given(checked, item, "this list");
                checked.source.push_str(", ");
            }
            checked.source.push(']');
        }
        Node::Not(_) => condition(checked, expr),
        Node::Minus(of) => {
            value(checked, of, guard);
            let site = site(checked, expr.place, "“-”".to_owned(), of, None);
            checked.write(format_args!(" | op_negative({SITE}={site})"));
        }
        Node::And(left, right) | Node::Or(left, right) => {
            checked.source.push('(');
            first_of(checked, expr, left);
            value(checked, right, guard);
            checked.source.push(')');
        }
        Node::Binary(operator, left, right) => {
            binary(checked, expr.place, *operator, left, right, guard);
        }
        Node::Filter(of, call) => {
            let is_default = call.name == "default";
            value(checked, of, if is_default { Guard::Present } else { guard });
            apply(checked, call.name, call, of, None, if is_default { Some(guard) } else { None });
        }
        Node::Test { of, call, negated } => {
            value(checked, of, if call.asks_for_presence() { Guard::Present } else { guard });
            let name = calls::test_filter(call.name);
            apply(checked, &name, call, of, negated.then_some("negated=true, "), None);
        }
        Node::Choice { yes, condition: chosen_by, no } => {
            choice(
                checked,
                chosen_by,
                |checked| value(checked, yes, guard),
                |checked| value(checked, no, guard),
            );
        }
    }
}

fn choice(
    checked: &mut Checked,
    chosen_by: &Expr,
    yes: impl FnOnce(&mut Checked),
    no: impl FnOnce(&mut Checked),
) {
    checked.source.push('(');
    yes(checked);
    checked.source.push_str(" if ");
    condition(checked, chosen_by);
    checked.source.push_str(" else ");
    no(checked);
    checked.source.push(')');
}

fn binary(
    checked: &mut Checked,
    place: Place,
    operator: Operator,
    left: &Expr,
    right: &Expr,
    guard: Guard,
) {
    value(checked, left, guard);
    checked.write(format_args!(" | {}({RIGHT}=", operator.filter()));
    value(checked, right, guard);
    let site = site(checked, place, format!("“{}”", operator.symbol()), left, Some(right));
    checked.write(format_args!(", {SITE}={site})"));
}

/// Appends a filter and its arguments. The value of a default may be missing like any other; the
/// rest must be there.
fn apply(
    checked: &mut Checked,
    name: &str,
    call: &Call,
    of: &Expr,
    extra: Option<&str>,
    of_default: Option<Guard>,
) {
    checked.write(format_args!(" | {name}({}", extra.unwrap_or_default()));
    for (argument, expr) in &call.arguments {
        checked.source.push_str(argument);
        checked.source.push('=');
        match of_default {
            Some(guard) => value(checked, expr, guard),
            None => given(checked, expr, &format!("“{argument}” of “{}”", call.name)),
        }
        checked.source.push_str(", ");
    }
    let site = site(checked, call.place, format!("“{}”", call.name), of, None);
    checked.write(format_args!("{SITE}={site})"));
}

/// Appends a value that must be there.
fn given(checked: &mut Checked, expr: &Expr, by: &str) {
    // Of a choice only what is chosen must be there.
    if let Node::Choice { yes, condition: chosen_by, no } = &expr.node {
        return choice(
            checked,
            chosen_by,
            |checked| given(checked, yes, by),
            |checked| given(checked, no, by),
        );
    }
    value(checked, expr, Guard::None);
    if !expr.is_literal() {
        end(checked, GIVEN, by, expr);
    }
}

fn end(checked: &mut Checked, filter: &str, by: &str, expr: &Expr) {
    let site = site(checked, expr.place, by.to_owned(), expr, None);
    checked.write(format_args!(" | {filter}({SITE}={site})"));
}

fn site(
    checked: &mut Checked,
    place: Place,
    by: String,
    left: &Expr,
    right: Option<&Expr>,
) -> usize {
    let mut needs = Vec::new();
    left.needs(&mut needs);
    let (left, right) =
        (label(checked, left), right.map(|right| label(checked, right)).unwrap_or_default());
    checked.sites.push(Site { place, by, left, right, needs });
    checked.sites.len() - 1
}

/// How an error calls an expression.
pub(super) fn label(checked: &Checked, expr: &Expr) -> String {
    match &expr.node {
        Node::Variable(index) => {
            checked.variables.get(*index).map(ToString::to_string).unwrap_or_default()
        }
        Node::Text(text) => format!("“{text}”"),
        Node::Whole(number) => number.to_string(),
        Node::Decimal(number) => number.clone(),
        Node::Truth(truth) => truth.to_string(),
        Node::List(_) => "this list".to_owned(),
        Node::Not(_) | Node::And(..) | Node::Or(..) | Node::Test { .. } => {
            "this condition".to_owned()
        }
        Node::Minus(of) => format!("-{}", label(checked, of)),
        Node::Binary(operator, ..) => format!("the result of “{}”", operator.symbol()),
        Node::Filter(_, call) => format!("what “{}” gives", call.name),
        Node::Choice { .. } => "this value".to_owned(),
    }
}

fn write_text(source: &mut String, text: &str) {
    source.push('"');
    for c in text.chars() {
        match c {
            '"' => source.push_str("\\\""),
            '\\' => source.push_str("\\\\"),
            '\n' => source.push_str("\\n"),
            '\r' => source.push_str("\\r"),
            '\t' => source.push_str("\\t"),
            _ => source.push(c),
        }
    }
    source.push('"');
}
