//! Checks a template by the kinds of its values and by trying its constants: what can only fail is
//! told before it is sent.

use tera::{Context, ErrorKind};

use super::ast::{Call, Expr, Node, Operator};
use super::calls::{self, FILTERS, Signature, TESTS};
use super::checked::{Checked, Found, Reach, sentence};
use super::error::TemplateError;
use super::expression::Parser;
use super::fault::FaultAt;
use super::kinds::{Kinds, mismatch};
use super::lexer::{Piece, pieces};
use super::sandbox::SANDBOX;
use super::variables::Expected;
use super::write::{label, tried};

const PRINTABLE: Kinds = Kinds::SCALAR.or(Kinds::LIST);
const CONTAINER: Kinds = Kinds::TEXT.or(Kinds::LIST).or(Kinds::OBJECT);
const COMPARABLE: Kinds = Kinds::TEXT.or(Kinds::NUMBER);
const NAME: &str = "constant";

/// Checks all expressions with variables of these kinds; the first that can only fail is the error.
pub(super) fn check(checked: &Checked, kinds: &[Kinds]) -> Result<(), TemplateError> {
    check_each(checked, kinds).map_err(|(error, _)| error)
}

/// The same, also telling whether it fails whatever an if decides; what always fails comes first.
pub(super) fn check_each(checked: &Checked, kinds: &[Kinds]) -> Result<(), (TemplateError, Reach)> {
    let check = Check { checked, kinds };
    let mut sometimes = Ok(());
    for found in &checked.expressions {
        if let Err(error) = check.found(found) {
            if found.reach == Reach::Always {
                return Err((error, Reach::Always));
            }
            sometimes = sometimes.and(Err((error, Reach::Sometimes)));
        }
    }
    sometimes
}

struct Check<'c> {
    checked: &'c Checked,
    kinds: &'c [Kinds],
}

impl Check<'_> {
    fn found(&self, found: &Found) -> Result<(), TemplateError> {
        if found.is_printed {
            self.need(&found.expr, PRINTABLE, "the text").map(drop)
        } else {
            self.kinds(&found.expr).map(drop)
        }
    }

    /// The kinds that an expression can have; an error where it can have none of those that it is
    /// used as.
    fn kinds(&self, expr: &Expr) -> Result<Kinds, TemplateError> {
        Ok(match &expr.node {
            Node::Text(_) => Kinds::TEXT,
            Node::Whole(_) | Node::Decimal(_) => Kinds::NUMBER,
            Node::Truth(_) => Kinds::TRUTH,
            Node::Variable(index) => self.kinds.get(*index).copied().unwrap_or(Kinds::ANY),
            Node::List(items) => {
                for item in items {
                    self.kinds(item)?;
                }
                Kinds::LIST
            }
            Node::Not(of) => {
                self.kinds(of)?;
                Kinds::TRUTH
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
                let takes =
                    calls::find(&TESTS, call.name).map_or(Kinds::ANY, |signature| signature.takes);
                self.need(of, takes, &format!("“{}”", call.name))?;
                self.arguments(call)?;
                Kinds::TRUTH
            }
            Node::Choice { yes, condition, no } => {
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
            Operator::Join => {
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
                let alike = |kind: Kinds| of_left.meets(kind) && of_right.meets(kind);
                if !alike(Kinds::NUMBER) && !alike(Kinds::TEXT) {
                    // The text of the two can be made a number.
                    let text = if of_left.meets(Kinds::TEXT) { left } else { right };
                    return Err(text.place.error(
                        mismatch(&label(self.checked, text), Kinds::TEXT, &by, Kinds::NUMBER) + ".",
                    ));
                }
                Ok(Kinds::TRUTH)
            }
            Operator::In | Operator::NotIn => {
                self.kinds(left)?;
                self.need(right, CONTAINER, &by)?;
                Ok(Kinds::TRUTH)
            }
            _ => {
                self.kinds(left)?;
                self.kinds(right)?;
                Ok(Kinds::TRUTH)
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
        let Some(signature) = calls::find(&FILTERS, call.name) else { return Ok(Kinds::ANY) };
        self.need(of, signature.takes, &format!("“{}”", call.name))?;
        Ok(signature.gives)
    }

    fn arguments(&self, call: &Call) -> Result<(), TemplateError> {
        call.arguments.iter().try_for_each(|(_, argument)| self.kinds(argument).map(drop))
    }

    /// The kinds of an expression that has to be one of the needed.
    fn need(&self, expr: &Expr, needed: Kinds, by: &str) -> Result<Kinds, TemplateError> {
        let kinds = self.kinds(expr)?;
        if kinds.meets(needed) {
            return Ok(kinds);
        }
        Err(expr.place.error(mismatch(&label(self.checked, expr), kinds, by, needed) + "."))
    }

    /// What is most often meant by `event.total / 3 | fixed` is `(event.total / 3) | fixed`.
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

/// Tries whatever is the same for every message: constant expressions, and the constant arguments
/// of filters and operators.
pub(super) fn try_constants(checked: &Checked) -> Result<(), TemplateError> {
    checked.expressions.iter().try_for_each(|found| walk(&found.expr))
}

fn walk(expr: &Expr) -> Result<(), TemplateError> {
    if expr.is_constant() {
        return if expr.is_literal() { Ok(()) } else { attempt(expr) };
    }
    match &expr.node {
        Node::List(items) => items.iter().try_for_each(walk),
        Node::Not(of) | Node::Minus(of) => walk(of),
        Node::And(left, right) | Node::Or(left, right) => walk(left).and_then(|()| walk(right)),
        Node::Binary(operator, left, right) => {
            walk(left)?;
            walk(right)?;
            if operator.is_arithmetic() && right.is_constant() {
                let one = Expr { node: Node::Whole(1), place: left.place };
                attempt(&Expr {
                    node: Node::Binary(*operator, Box::new(one), right.clone()),
                    place: expr.place,
                })?;
            }
            Ok(())
        }
        Node::Filter(of, call) => {
            walk(of)?;
            arguments(call)?;
            probe(calls::find(&FILTERS, call.name), call, |of| {
                Node::Filter(Box::new(of), call.clone())
            })
        }
        Node::Test { of, call, negated } => {
            walk(of)?;
            arguments(call)?;
            probe(calls::find(&TESTS, call.name), call, |of| Node::Test {
                of: Box::new(of),
                call: call.clone(),
                negated: *negated,
            })
        }
        Node::Choice { yes, condition, no } => {
            walk(yes).and_then(|()| walk(condition)).and_then(|()| walk(no))
        }
        Node::Text(_) | Node::Whole(_) | Node::Decimal(_) | Node::Truth(_) | Node::Variable(_) => {
            Ok(())
        }
    }
}

fn arguments(call: &Call) -> Result<(), TemplateError> {
    call.arguments.iter().try_for_each(|(_, argument)| walk(argument))
}

/// Tries the arguments of a call on a value that it can work on.
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
    let of = Parser::parse(&mut Checked::default(), &tag.tokens, tag.end)?;
    attempt(&Expr { node: node(of), place: call.place })
}

/// Renders a constant; its error, if it has one, is every message's error.
fn attempt(expr: &Expr) -> Result<(), TemplateError> {
    let mut checked = Checked::default();
    checked.source.push_str("{{ ");
    tried(&mut checked, expr);
    checked.source.push_str(" }}");
    let mut tera = SANDBOX.clone();
    // What Tera cannot read it refuses in the whole template, too.
    if tera.add_raw_template(NAME, &checked.source).is_err() {
        return Ok(());
    }
    let Err(error) = tera.render(NAME, &Context::new()) else { return Ok(()) };
    let ErrorKind::RenderingError(report) = error.kind() else { return Ok(()) };
    match FaultAt::read(report.message()) {
        Some(FaultAt { site, fault }) => {
            let (place, words) = sentence(&checked, site, &fault);
            Err(place.error(format!("{words}.")))
        }
        None => Err(expr.place.error(report.message())),
    }
}

/// What each variable should be, where that can be told from what is done with it.
pub(super) fn expected(checked: &Checked) -> Vec<Option<Expected>> {
    let mut expected = vec![None; checked.variables.len()];
    checked.expressions.iter().for_each(|found| expect(&found.expr, None, &mut expected));
    expected
}

fn expect(expr: &Expr, what: Option<Expected>, expected: &mut [Option<Expected>]) {
    match &expr.node {
        Node::Variable(index) => {
            if let (Some(place), Some(what)) = (expected.get_mut(*index), what) {
                place.get_or_insert(what);
            }
        }
        Node::List(items) => items.iter().for_each(|item| expect(item, None, expected)),
        Node::Not(of) => expect(of, None, expected),
        Node::Minus(of) => expect(of, Some(Expected::Number), expected),
        Node::And(left, right) | Node::Or(left, right) => {
            expect(left, None, expected);
            expect(right, what, expected);
        }
        Node::Binary(operator, left, right) => {
            let is_number = |expr: &Expr| matches!(expr.node, Node::Whole(_) | Node::Decimal(_));
            let is_numeric = operator.is_arithmetic() || is_number(left) || is_number(right);
            let of =
                (is_numeric && !matches!(operator, Operator::Join)).then_some(Expected::Number);
            expect(left, of, expected);
            expect(
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
            expect(of, needed, expected);
            call.arguments.iter().for_each(|(_, argument)| expect(argument, None, expected));
        }
        Node::Test { of, call, .. } => {
            let needed =
                matches!(call.name, "odd" | "even" | "divisible_by" | "number" | "integer")
                    .then_some(Expected::Number);
            expect(of, needed, expected);
            call.arguments.iter().for_each(|(_, argument)| expect(argument, None, expected));
        }
        Node::Choice { yes, condition, no } => {
            expect(yes, what, expected);
            expect(condition, None, expected);
            expect(no, what, expected);
        }
        Node::Text(_) | Node::Whole(_) | Node::Decimal(_) | Node::Truth(_) => {}
    }
}
