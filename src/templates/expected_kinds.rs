//! The kinds of values that the use of a template's variables reveals.

use super::ast::{Expr, Node, Operator};
use super::checked_source::CheckedSource;

/// The kind of value that a variable's use requires, for sample events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Number,
    Time,
    List,
}

/// The expected kind of each variable, as far as its use reveals it.
pub(super) fn infer_expected_kinds(checked: &CheckedSource) -> Vec<Option<Expected>> {
    let mut expected = vec![None; checked.variables.len()];
    checked.expressions.iter().for_each(|found| infer_expected(&found.expr, None, &mut expected));
    expected
}

fn infer_expected(expr: &Expr, what: Option<Expected>, expected: &mut [Option<Expected>]) {
    match &expr.node {
        Node::Variable(index) => {
            if let (Some(slot), Some(what)) = (expected.get_mut(*index), what) {
                slot.get_or_insert(what);
            }
        }
        Node::List(items) => items.iter().for_each(|item| infer_expected(item, None, expected)),
        Node::Not(of) => infer_expected(of, None, expected),
        Node::Minus(of) => infer_expected(of, Some(Expected::Number), expected),
        Node::And(left, right) | Node::Or(left, right) => {
            infer_expected(left, None, expected);
            infer_expected(right, what, expected);
        }
        Node::Binary(operator, left, right) => {
            let is_number = |expr: &Expr| matches!(expr.node, Node::Integer(_) | Node::Decimal(_));
            let is_numeric = operator.is_arithmetic() || is_number(left) || is_number(right);
            let of = (is_numeric && !matches!(operator, Operator::Concatenate))
                .then_some(Expected::Number);
            infer_expected(left, of, expected);
            infer_expected(
                right,
                if matches!(operator, Operator::In | Operator::NotIn) {
                    Some(Expected::List)
                } else {
                    of
                },
                expected,
            );
        }
        Node::Filter(of, call) => {
            let needed = match call.name {
                "default" => what,
                "date" => Some(Expected::Time),
                "fixed" | "round" | "abs" | "int" | "float" | "pluralize" => Some(Expected::Number),
                "join" | "first" | "last" | "nth" => Some(Expected::List),
                _ => None,
            };
            infer_expected(of, needed, expected);
            call.arguments
                .iter()
                .for_each(|(_, argument)| infer_expected(argument, None, expected));
        }
        Node::Test { of, call, .. } => {
            let needed =
                matches!(call.name, "odd" | "even" | "divisible_by" | "number" | "integer")
                    .then_some(Expected::Number);
            infer_expected(of, needed, expected);
            call.arguments
                .iter()
                .for_each(|(_, argument)| infer_expected(argument, None, expected));
        }
        Node::Conditional { yes, condition, no } => {
            infer_expected(yes, what, expected);
            infer_expected(condition, None, expected);
            infer_expected(no, what, expected);
        }
        Node::Text(_) | Node::Integer(_) | Node::Decimal(_) | Node::Boolean(_) => {}
    }
}
