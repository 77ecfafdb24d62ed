//! Static checks of a template: infers the kinds of its values and tries its constants, so that
//! what can only fail is reported on saving.

use tera::{Context, ErrorKind};

use super::ast::{Call, Expr, Node, Operator};
use super::checked_source::{CheckedSource, Evaluated, ExprUse, describe_fault};
use super::error::TemplateError;
use super::expression_parser::Parser;
use super::fault::FaultAt;
use super::filter_signatures::{self, FILTERS, Signature, TESTS};
use super::lexer::{Piece, pieces};
use super::sandbox::SANDBOX;
use super::tera_source::{discarded, label};
use super::value_kinds::{Kinds, mismatch};

const PRINTABLE: Kinds = Kinds::SCALAR.or(Kinds::LIST);

const CONTAINER: Kinds = Kinds::TEXT.or(Kinds::LIST).or(Kinds::OBJECT);

const COMPARABLE: Kinds = Kinds::TEXT.or(Kinds::NUMBER);

const NAME: &str = "constant";

/// Checks all expressions for variables of these kinds; the error is the first expression that can
/// only fail.
pub(super) fn check(checked: &CheckedSource, kinds: &[Kinds]) -> Result<(), TemplateError> {
    check_each(checked, kinds).map_err(|(error, _)| error)
}

/// Checks all expressions and reports whether every message fails; failures of every message come
/// first.
pub(super) fn check_each(
    checked: &CheckedSource,
    kinds: &[Kinds],
) -> Result<(), (TemplateError, Evaluated)> {
    let check = KindCheck { checked, kinds };
    let mut sometimes = Ok(());
    for found in &checked.expressions {
        if let Err(error) = check.check_use(found) {
            if found.evaluated == Evaluated::Always {
                return Err((error, Evaluated::Always));
            }
            sometimes = sometimes.and(Err((error, Evaluated::Sometimes)));
        }
    }
    sometimes
}

/// Infers kinds, given those of the variables.
struct KindCheck<'c> {
    checked: &'c CheckedSource,
    kinds: &'c [Kinds],
}

impl KindCheck<'_> {
    fn check_use(&self, found: &ExprUse) -> Result<(), TemplateError> {
        if found.is_printed {
            self.need(&found.expr, PRINTABLE, "the text").map(drop)
        } else {
            self.kinds(&found.expr).map(drop)
        }
    }

    /// The possible kinds of an expression; an error if none of them fits its use.
    fn kinds(&self, expr: &Expr) -> Result<Kinds, TemplateError> {
        Ok(match &expr.node {
            Node::Text(_) => Kinds::TEXT,
            Node::Integer(_) | Node::Decimal(_) => Kinds::NUMBER,
            Node::Boolean(_) => Kinds::BOOLEAN,
            Node::Variable(index) => self.kinds.get(*index).copied().unwrap_or(Kinds::ANY),
            Node::List(items) => {
                for item in items {
                    self.kinds(item)?;
                }
                Kinds::LIST
            }
            Node::Not(of) => {
                self.kinds(of)?;
                Kinds::BOOLEAN
            }
            Node::Minus(of) => {
                self.need(of, Kinds::NUMBER, "“-”")?;
                Kinds::NUMBER
            }
            Node::And(left, right) | Node::Or(left, right) => {
                self.kinds(left)?.or(self.kinds(right)?)
            }
            Node::Binary(operator, left, right) => self.binary(*operator, left, right)?,
            Node::Filter(of, call) => self.filter(of, call)?,
            Node::Test { of, call, .. } => {
                let takes = filter_signatures::find(&TESTS, call.name)
                    .map_or(Kinds::ANY, |signature| signature.takes);
                self.need(of, takes, &format!("“{}”", call.name))?;
                self.arguments(call)?;
                Kinds::BOOLEAN
            }
            Node::Conditional { yes, condition, no } => {
                self.kinds(condition)?;
                self.kinds(yes)?.or(self.kinds(no)?)
            }
        })
    }

    fn binary(
        &self,
        operator: Operator,
        left: &Expr,
        right: &Expr,
    ) -> Result<Kinds, TemplateError> {
        let by = format!("“{}”", operator.symbol());
        match operator {
            _ if operator.is_arithmetic() => {
                self.need(left, Kinds::NUMBER, &by)?;
                self.need(right, Kinds::NUMBER, &by)
                    .map_err(|error| self.with_parentheses(error, operator, left, right))?;
                Ok(Kinds::NUMBER)
            }
            Operator::Concatenate => {
                self.need(left, PRINTABLE, &by)?;
                self.need(right, PRINTABLE, &by)?;
                Ok(Kinds::TEXT)
            }
            Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual => {
                let (of_left, of_right) =
                    (self.need(left, COMPARABLE, &by)?, self.need(right, COMPARABLE, &by)?);
                let alike = |kind: Kinds| of_left.intersects(kind) && of_right.intersects(kind);
                if !alike(Kinds::NUMBER) && !alike(Kinds::TEXT) {
                    // Blame the text operand, which can be converted to a number.
                    let text = if of_left.intersects(Kinds::TEXT) { left } else { right };
                    return Err(text.position.error(
                        mismatch(&label(self.checked, text), Kinds::TEXT, &by, Kinds::NUMBER) + ".",
                    ));
                }
                Ok(Kinds::BOOLEAN)
            }
            Operator::In | Operator::NotIn => {
                self.kinds(left)?;
                self.need(right, CONTAINER, &by)?;
                Ok(Kinds::BOOLEAN)
            }
            _ => {
                self.kinds(left)?;
                self.kinds(right)?;
                Ok(Kinds::BOOLEAN)
            }
        }
    }

    fn filter(&self, of: &Expr, call: &Call) -> Result<Kinds, TemplateError> {
        self.arguments(call)?;
        if call.name == "default" {
            let value = call.arguments.iter().find(|(name, _)| *name == "value");
            return Ok(self
                .kinds(of)?
                .or(value.map_or(Ok(Kinds::NONE), |(_, value)| self.kinds(value))?));
        }
        let Some(signature) = filter_signatures::find(&FILTERS, call.name) else {
            return Ok(Kinds::ANY);
        };
        self.need(of, signature.takes, &format!("“{}”", call.name))?;
        Ok(signature.gives)
    }

    fn arguments(&self, call: &Call) -> Result<(), TemplateError> {
        call.arguments.iter().try_for_each(|(_, argument)| self.kinds(argument).map(drop))
    }

    /// The possible kinds of an expression that must be of one of the `needed` kinds.
    fn need(&self, expr: &Expr, needed: Kinds, by: &str) -> Result<Kinds, TemplateError> {
        let kinds = self.kinds(expr)?;
        if kinds.intersects(needed) {
            return Ok(kinds);
        }
        Err(expr.position.error(mismatch(&label(self.checked, expr), kinds, by, needed) + "."))
    }

    /// Suggests parentheses: `event.total / 3 | fixed` usually means `(event.total / 3) | fixed`.
    fn with_parentheses(
        &self,
        error: TemplateError,
        operator: Operator,
        left: &Expr,
        right: &Expr,
    ) -> TemplateError {
        let Node::Filter(of, call) = &right.node else { return error };
        let (left, of) = (label(self.checked, left), label(self.checked, of));
        let meant = format!("({left} {} {of}) | {}", operator.symbol(), call.name);
        TemplateError {
            message: format!(
                "{} A filter goes before “{}”: write {meant}.",
                error.message,
                operator.symbol()
            ),
            ..error
        }
    }
}

/// Tries what is the same for every message: constant expressions, and the constant arguments of
/// filters and operators.
pub(super) fn try_constants(checked: &CheckedSource) -> Result<(), TemplateError> {
    checked.expressions.iter().try_for_each(|found| try_expr(&found.expr))
}

/// Tries the constant parts of an expression.
fn try_expr(expr: &Expr) -> Result<(), TemplateError> {
    if expr.is_constant() {
        return if expr.is_literal() { Ok(()) } else { try_render(expr) };
    }
    match &expr.node {
        Node::List(items) => items.iter().try_for_each(try_expr),
        Node::Not(of) | Node::Minus(of) => try_expr(of),
        Node::And(left, right) | Node::Or(left, right) => {
            try_expr(left).and_then(|()| try_expr(right))
        }
        Node::Binary(operator, left, right) => {
            try_expr(left)?;
            try_expr(right)?;
            if operator.is_arithmetic() && right.is_constant() {
                let one = Expr { node: Node::Integer(1), position: left.position };
                try_render(&Expr {
                    node: Node::Binary(*operator, Box::new(one), right.clone()),
                    position: expr.position,
                })?;
            }
            Ok(())
        }
        Node::Filter(of, call) => {
            try_expr(of)?;
            arguments(call)?;
            probe(filter_signatures::find(&FILTERS, call.name), call, |of| {
                Node::Filter(Box::new(of), call.clone())
            })
        }
        Node::Test { of, call, negated } => {
            try_expr(of)?;
            arguments(call)?;
            probe(filter_signatures::find(&TESTS, call.name), call, |of| Node::Test {
                of: Box::new(of),
                call: call.clone(),
                negated: *negated,
            })
        }
        Node::Conditional { yes, condition, no } => {
            try_expr(yes).and_then(|()| try_expr(condition)).and_then(|()| try_expr(no))
        }
        Node::Text(_)
        | Node::Integer(_)
        | Node::Decimal(_)
        | Node::Boolean(_)
        | Node::Variable(_) => Ok(()),
    }
}

fn arguments(call: &Call) -> Result<(), TemplateError> {
    call.arguments.iter().try_for_each(|(_, argument)| try_expr(argument))
}

/// Tries the arguments of a call on a value of a suitable kind.
fn probe(
    signature: Option<&Signature>,
    call: &Call,
    node: impl FnOnce(Expr) -> Node,
) -> Result<(), TemplateError> {
    let Some(signature) =
        signature.filter(|_| !call.arguments.is_empty() && call.has_constant_arguments())
    else {
        return Ok(());
    };
    let source = format!("{{{{ {} }}}}", signature.probe);
    let tag = pieces(&source)?.into_iter().find_map(|piece| match piece {
        Piece::Print(tag) => Some(tag),
        _ => None,
    });
    let Some(tag) = tag else { return Ok(()) };
    let of = Parser::parse(&mut CheckedSource::default(), &tag.tokens, tag.end)?;
    try_render(&Expr { node: node(of), position: call.position })
}

/// Renders a constant expression; an error would occur in every message.
fn try_render(expr: &Expr) -> Result<(), TemplateError> {
    let mut checked = CheckedSource::default();
    checked.source.push_str("{{ ");
    discarded(&mut checked, expr);
    checked.source.push_str(" }}");
    let mut tera = SANDBOX.clone();
    // Tera rejects the whole template for the same syntax error.
    if tera.add_raw_template(NAME, &checked.source).is_err() {
        return Ok(());
    }
    let Err(error) = tera.render(NAME, &Context::new()) else { return Ok(()) };
    let ErrorKind::RenderingError(report) = error.kind() else { return Ok(()) };
    match FaultAt::read(report.message()) {
        Some(FaultAt { site, fault }) => {
            let (position, words) = describe_fault(&checked, site, &fault);
            Err(position.error(format!("{words}.")))
        }
        None => Err(expr.position.error(report.message())),
    }
}

#[cfg(test)]
#[path = "static_check_tests.rs"]
mod tests;
