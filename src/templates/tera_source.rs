//! Generates Tera source from the syntax tree of an expression, so that a missing value is never
//! printed, compared or calculated with silently.

use super::ast::{Call, Expr, Node, Operator};
use super::checked_source::{CheckedSource, NAMES, Site, Use};
use super::fault::{RIGHT, SITE};
use super::filter_signatures;
use super::sandbox::{DISCARDED, PRINTED, REQUIRED};
use super::source_position::SourcePosition;

/// Appends an expression to be printed.
pub(super) fn print(checked: &mut CheckedSource, expr: &Expr) {
    match expr.node {
        Node::Conditional { .. } => required(checked, expr, "the text"),
        _ => value(checked, expr, Guard::None),
    }
    append_filter(checked, PRINTED, "the text", expr);
}

/// Appends an expression to be printed as part of a URL.
pub(super) fn print_encoded(checked: &mut CheckedSource, expr: &Expr) {
    print(checked, expr);
    let is_encoded = matches!(&expr.node, Node::Filter(_, call) if call.name == "urlencode");
    if !is_encoded {
        checked.source.push_str(" | urlencode");
    }
}

/// Appends a condition. A variable without a value counts as false, because a condition tests its
/// presence.
pub(super) fn condition(checked: &mut CheckedSource, expr: &Expr) {
    match &expr.node {
        Node::And(left, right) | Node::Or(left, right) => {
            checked.source.push('(');
            left_operand(checked, expr, left);
            condition(checked, right);
            checked.source.push(')');
        }
        Node::Not(of) => {
            checked.source.push_str("(not ");
            condition(checked, of);
            checked.source.push(')');
        }
        Node::Conditional { yes, condition: chosen_by, no } => {
            choice(
                checked,
                chosen_by,
                |checked| condition(checked, yes),
                |checked| condition(checked, no),
            );
        }
        Node::Variable(_) => value(checked, expr, Guard::Present),
        Node::Text(_) | Node::Integer(_) | Node::Decimal(_) | Node::Boolean(_) => {
            value(checked, expr, Guard::None);
        }
        _ => required(checked, expr, "this condition"),
    }
}

/// Appends the left operand of `and` or `or`, and the word. A chain of the same word gets no
/// parentheses, because Tera limits their nesting.
fn left_operand(checked: &mut CheckedSource, connected: &Expr, left: &Expr) {
    match (&connected.node, &left.node) {
        (Node::And(..), Node::And(first, second)) | (Node::Or(..), Node::Or(first, second)) => {
            left_operand(checked, left, first);
            condition(checked, second);
        }
        _ => condition(checked, left),
    }
    checked.source.push_str(if matches!(connected.node, Node::And(..)) { " and " } else { " or " });
}

/// Appends an expression that is evaluated but not printed.
pub(super) fn discarded(checked: &mut CheckedSource, expr: &Expr) {
    value(checked, expr, Guard::None);
    checked.source.push_str(" | ");
    checked.source.push_str(DISCARDED);
}

/// How a variable without a value is treated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guard {
    None,
    /// A default follows, or its presence is tested.
    Present,
}

/// Appends a value, which is missing if a variable in it is.
fn value(checked: &mut CheckedSource, expr: &Expr, guard: Guard) {
    match &expr.node {
        Node::Text(text) => write_text(&mut checked.source, text),
        Node::Integer(number) => checked.source.push_str(&number.to_string()),
        Node::Decimal(number) => checked.source.push_str(number),
        Node::Boolean(truth) => checked.source.push_str(if *truth { "true" } else { "false" }),
        Node::Variable(index) => {
            checked.source.push_str(NAMES.get(*index).copied().unwrap_or_default());
            checked.uses.push(Use { variable: *index, is_guarded: guard == Guard::Present });
        }
        Node::List(items) => {
            checked.source.push('[');
            for item in items {
                required(checked, item, "this list");
                checked.source.push_str(", ");
            }
            checked.source.push(']');
        }
        Node::Not(_) => condition(checked, expr),
        Node::Minus(of) => {
            value(checked, of, guard);
            let site = site(checked, expr.position, "“-”".to_owned(), of, None);
            checked.write(format_args!(" | op_negative({SITE}={site})"));
        }
        Node::And(left, right) | Node::Or(left, right) => {
            checked.source.push('(');
            left_operand(checked, expr, left);
            value(checked, right, guard);
            checked.source.push(')');
        }
        Node::Binary(operator, left, right) => {
            binary(checked, expr.position, *operator, left, right, guard);
        }
        Node::Filter(of, call) => {
            let is_default = call.name == "default";
            value(checked, of, if is_default { Guard::Present } else { guard });
            apply(checked, call.name, call, of, None, if is_default { Some(guard) } else { None });
        }
        Node::Test { of, call, negated } => {
            value(checked, of, if call.tests_presence() { Guard::Present } else { guard });
            let name = filter_signatures::test_filter(call.name);
            apply(checked, &name, call, of, negated.then_some("negated=true, "), None);
        }
        Node::Conditional { yes, condition: chosen_by, no } => {
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
    checked: &mut CheckedSource,
    chosen_by: &Expr,
    yes: impl FnOnce(&mut CheckedSource),
    no: impl FnOnce(&mut CheckedSource),
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
    checked: &mut CheckedSource,
    position: SourcePosition,
    operator: Operator,
    left: &Expr,
    right: &Expr,
    guard: Guard,
) {
    value(checked, left, guard);
    checked.write(format_args!(" | {}({RIGHT}=", operator.filter()));
    value(checked, right, guard);
    let site = site(checked, position, format!("“{}”", operator.symbol()), left, Some(right));
    checked.write(format_args!(", {SITE}={site})"));
}

/// Appends a filter and its arguments. The value of a default may be missing; other arguments are
/// required.
fn apply(
    checked: &mut CheckedSource,
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
            None => required(checked, expr, &format!("“{argument}” of “{}”", call.name)),
        }
        checked.source.push_str(", ");
    }
    let site = site(checked, call.position, format!("“{}”", call.name), of, None);
    checked.write(format_args!("{SITE}={site})"));
}

/// Appends a required value.
fn required(checked: &mut CheckedSource, expr: &Expr, by: &str) {
    // Only the chosen branch of a conditional is required.
    if let Node::Conditional { yes, condition: chosen_by, no } = &expr.node {
        return choice(
            checked,
            chosen_by,
            |checked| required(checked, yes, by),
            |checked| required(checked, no, by),
        );
    }
    value(checked, expr, Guard::None);
    if !expr.is_literal() {
        append_filter(checked, REQUIRED, by, expr);
    }
}

fn append_filter(checked: &mut CheckedSource, filter: &str, by: &str, expr: &Expr) {
    let site = site(checked, expr.position, by.to_owned(), expr, None);
    checked.write(format_args!(" | {filter}({SITE}={site})"));
}

fn site(
    checked: &mut CheckedSource,
    position: SourcePosition,
    by: String,
    left: &Expr,
    right: Option<&Expr>,
) -> usize {
    let mut required_variables = Vec::new();
    left.collect_required(&mut required_variables);
    let (left, right) =
        (label(checked, left), right.map(|right| label(checked, right)).unwrap_or_default());
    checked.sites.push(Site { position, by, left, right, required_variables });
    checked.sites.len() - 1
}

/// The description of an expression in errors.
pub(super) fn label(checked: &CheckedSource, expr: &Expr) -> String {
    match &expr.node {
        Node::Variable(index) => {
            checked.variables.get(*index).map(ToString::to_string).unwrap_or_default()
        }
        Node::Text(text) => format!("“{text}”"),
        Node::Integer(number) => number.to_string(),
        Node::Decimal(number) => number.clone(),
        Node::Boolean(truth) => truth.to_string(),
        Node::List(_) => "this list".to_owned(),
        Node::Not(_) | Node::And(..) | Node::Or(..) | Node::Test { .. } => {
            "this condition".to_owned()
        }
        Node::Minus(of) => format!("-{}", label(checked, of)),
        Node::Binary(operator, ..) => format!("the result of “{}”", operator.symbol()),
        Node::Filter(_, call) => format!("what “{}” gives", call.name),
        Node::Conditional { .. } => "this value".to_owned(),
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
