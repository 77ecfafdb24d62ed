//! Reads the tokens of one tag as an expression: variables, literals, operators, and the filters
//! and tests on the lists.

use super::ast::{Call, Expr, Node};
use super::calls::{self, FILTERS, Signature, TESTS};
use super::checked::{Checked, NAMES};
use super::error::TemplateError;
use super::hints;
use super::lexer::Lexeme;
use super::next_operator::operator;
use super::place::Place;
use super::variables::{Key, Variable};

/// Parentheses, brackets and arguments inside one another; Tera itself stops at 40.
const MAX_DEPTH: usize = 6;
/// Operators and filters in one tag; Tera itself stops at 256, with several of its own for one of
/// these.
const MAX_OPERATIONS: usize = 40;

/// How strongly `or`, `and`, `is` and a filter's `|` hold what is beside them; operators have
/// [`super::ast::Operator::binding`].
const OR: (u8, u8) = (1, 2);
const AND: (u8, u8) = (3, 4);
const IS: u8 = 5;
const NOT: u8 = 5;
const PIPE: u8 = 17;
const NEGATIVE: u8 = 20;

/// Reads the tokens of one tag.
pub(super) struct Parser<'a> {
    checked: &'a mut Checked,
    tokens: std::slice::Iter<'a, (Lexeme, Place)>,
    end: Place,
    depth: usize,
    operations: usize,
}

impl<'a> Parser<'a> {
    /// The tokens as exactly one expression.
    pub(super) fn parse(
        checked: &'a mut Checked,
        tokens: &'a [(Lexeme, Place)],
        end: Place,
    ) -> Result<Expr, TemplateError> {
        let mut parser = Self { checked, tokens: tokens.iter(), end, depth: 0, operations: 0 };
        let expr = parser.expression()?;
        match parser.tokens.next() {
            None => Ok(expr),
            Some((Lexeme::Symbol("("), place)) => {
                Err(place.error("Functions cannot be used in a template."))
            }
            Some((token, place)) => Err(place.error(hints::unexpected(token))),
        }
    }

    fn expression(&mut self) -> Result<Expr, TemplateError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.place().error(format!(
                "More than {MAX_DEPTH} levels of parentheses cannot be read; make it simpler."
            )));
        }
        let expr = self.binding(0)?;
        self.depth -= 1;
        Ok(expr)
    }

    /// An expression whose operators hold at least so strongly (a Pratt parser).
    fn binding(&mut self, least: u8) -> Result<Expr, TemplateError> {
        let mut left = self.prefix()?;
        loop {
            let (place, beginning) = (self.place(), left.place);
            let node = match self.tokens.as_slice() {
                [(Lexeme::Symbol("|"), _), (Lexeme::Symbol("|"), _), ..] => {
                    return Err(place.error(hints::double_pipe(self.checked, &left)));
                }
                [(Lexeme::Symbol("|"), _), ..] if PIPE >= least => {
                    self.tokens.next();
                    let place = self.place();
                    let call = self.call("filter", &FILTERS)?;
                    self.count(place)?;
                    left = Expr { node: Node::Filter(Box::new(left), call), place: beginning };
                    continue;
                }
                [(Lexeme::Name(word), _), ..] if word == "is" && IS >= least => {
                    self.tokens.next();
                    let negated = self.accept_name("not");
                    let call = self.call("test", &TESTS)?;
                    self.count(place)?;
                    left = Expr {
                        node: Node::Test { of: Box::new(left), call, negated },
                        place: beginning,
                    };
                    continue;
                }
                [(Lexeme::Name(word), _), ..] if word == "if" && least == 0 => {
                    self.tokens.next();
                    self.count(place)?;
                    let condition = Box::new(self.expression()?);
                    if !self.accept_name("else") {
                        return Err(self.place().error(
                            "After “if” and its condition “else” and another value must follow.",
                        ));
                    }
                    let no = Box::new(self.expression()?);
                    return Ok(Expr {
                        node: Node::Choice { yes: Box::new(left), condition, no },
                        place: beginning,
                    });
                }
                [(Lexeme::Name(word), _), ..] if word == "or" && OR.0 >= least => {
                    self.next_operand(1, place)?;
                    Node::Or(Box::new(left), Box::new(self.binding(OR.1)?))
                }
                [(Lexeme::Name(word), _), ..] if word == "and" && AND.0 >= least => {
                    self.next_operand(1, place)?;
                    Node::And(Box::new(left), Box::new(self.binding(AND.1)?))
                }
                tokens => match operator(tokens)? {
                    Some((operator, length)) if operator.binding().0 >= least => {
                        self.next_operand(length, place)?;
                        Node::Binary(
                            operator,
                            Box::new(left),
                            Box::new(self.binding(operator.binding().1)?),
                        )
                    }
                    _ => return Ok(left),
                },
            };
            // The error of an operator stands where the operator does.
            let place = if matches!(node, Node::Binary(..)) { place } else { beginning };
            left = Expr { node, place };
        }
    }

    fn next_operand(&mut self, operator_tokens: usize, place: Place) -> Result<(), TemplateError> {
        self.tokens.nth(operator_tokens - 1);
        self.count(place)
    }

    /// `not`, `-`, or one value.
    fn prefix(&mut self) -> Result<Expr, TemplateError> {
        let place = self.place();
        let prefix = if self.accept_name("not") {
            Some(NOT)
        } else if self.accept("-") {
            Some(NEGATIVE)
        } else {
            None
        };
        let Some(strength) = prefix else { return self.value() };
        match self.tokens.as_slice().first() {
            Some((Lexeme::Name(name), place)) if name == "not" => {
                return Err(place.error("“not” cannot stand here."));
            }
            Some((Lexeme::Symbol("-"), place)) => return Err(place.error("“-” cannot stand here.")),
            _ => {}
        }
        self.count(place)?;
        let of = Box::new(self.binding(strength)?);
        Ok(Expr { place, node: if strength == NOT { Node::Not(of) } else { Node::Minus(of) } })
    }

    fn value(&mut self) -> Result<Expr, TemplateError> {
        let Some((token, place)) = self.tokens.next() else {
            return Err(self.end.error("A value is missing here."));
        };
        let node = match token {
            Lexeme::Text(text) => Node::Text(text.clone()),
            Lexeme::Integer(number) => Node::Whole(*number),
            Lexeme::Decimal(number) => Node::Decimal(number.clone()),
            Lexeme::Symbol("(") => {
                let expr = self.expression()?;
                self.expect(")")?;
                return Ok(expr);
            }
            Lexeme::Symbol("[") => self.list()?,
            Lexeme::Name(name) => match name.as_str() {
                "true" | "True" => Node::Truth(true),
                "false" | "False" => Node::Truth(false),
                "none" | "None" | "null" => {
                    return Err(place.error(format!(
                        "“{name}” is never found; ask with “is defined” or “is not defined”."
                    )));
                }
                "and" | "or" | "in" | "is" | "if" | "else" => {
                    return Err(place.error(format!("A value is missing before “{name}”.")));
                }
                _ => self.variable(name, *place)?,
            },
            Lexeme::Symbol("!") => return Err(place.error("“!” is written “not” here.")),
            Lexeme::Symbol(_) => {
                return Err(place.error(format!("A value is missing before {token}.")));
            }
        };
        Ok(Expr { node, place: *place })
    }

    fn variable(&mut self, root: &str, place: Place) -> Result<Node, TemplateError> {
        if self.next_is("(") {
            let message = format!(
                "“{root}(…)” is a function; a template can use filters, such as | \
                 default(value=\"…\"), but no functions."
            );
            return Err(place.error(message));
        }
        let mut path = vec![Key::Name(root.to_owned())];
        loop {
            if self.accept(".") || self.accept("?.") {
                path.push(match self.tokens.next() {
                    Some((Lexeme::Name(name), _)) => Key::Name(name.clone()),
                    Some((Lexeme::Integer(_), place)) => {
                        return Err(place.error("Write a position in brackets, such as [0]."));
                    }
                    Some((token, place)) => {
                        return Err(place.error(format!("A name is missing before {token}.")));
                    }
                    None => return Err(self.end.error("A name is missing after the dot.")),
                });
            } else if self.accept("[") {
                path.push(match self.tokens.next() {
                    Some((Lexeme::Text(name), _)) => Key::Name(name.clone()),
                    Some((Lexeme::Integer(index), place)) => Key::Index(
                        usize::try_from(*index)
                            .map_err(|_| place.error("This position is out of range."))?,
                    ),
                    _ => {
                        return Err(place.error(
                            "In brackets only a text in quotes or a whole number can stand.",
                        ));
                    }
                });
                self.expect("]")?;
            } else {
                break;
            }
        }
        let variable = Variable::parse(path).map_err(|message| place.error(message))?;
        let Some(index) = self.checked.index_of(variable) else {
            return Err(place.error(format!(
                "A template can use at most {} different variables.",
                NAMES.len()
            )));
        };
        Ok(Node::Variable(index))
    }

    fn list(&mut self) -> Result<Node, TemplateError> {
        let mut items = Vec::new();
        while !self.next_is("]") {
            let place = self.place();
            self.count(place)?;
            items.push(self.expression()?);
            if !self.accept(",") {
                break;
            }
        }
        self.expect("]")?;
        Ok(Node::List(items))
    }

    /// The name of a filter or test that is on the list, with its arguments.
    fn call(&mut self, kind: &str, allowed: &'static [Signature]) -> Result<Call, TemplateError> {
        let (name, place) = match self.tokens.next() {
            Some((Lexeme::Name(name), place)) => (name, *place),
            Some((token, place)) => {
                return Err(place.error(format!("The name of a {kind} is missing before {token}.")));
            }
            None => return Err(self.end.error(format!("The name of a {kind} is missing here."))),
        };
        let Some(signature) = calls::find(allowed, name) else {
            let close =
                allowed.iter().find(|known| strsim::damerau_levenshtein(known.name, name) <= 2);
            return Err(place.error(match (hints::other_filter(name), close) {
                (Some(hint), _) => hint.to_owned(),
                (None, Some(known)) => {
                    format!("There is no {kind} “{name}”; did you mean “{}”?", known.name)
                }
                (None, None) => {
                    let known =
                        allowed.iter().map(|known| known.name).collect::<Vec<_>>().join(", ");
                    format!("There is no {kind} “{name}”. Use one of: {known}.")
                }
            }));
        };
        if self.next_is(":") || matches!(self.tokens.as_slice().first(), Some((Lexeme::Text(_), _)))
        {
            return Err(place.error(hints::without_parentheses(signature, self.tokens.as_slice())));
        }
        let mut arguments: Vec<(&'static str, Expr)> = Vec::new();
        if self.accept("(") {
            while !self.next_is(")") {
                let argument = self.argument(signature, &arguments)?;
                arguments.push(argument);
                if !self.accept(",") {
                    break;
                }
            }
            self.expect(")")?;
        }
        let mut needed =
            signature.arguments.iter().filter_map(|parameter| parameter.strip_suffix('*'));
        match needed.find(|needed| !arguments.iter().any(|(given, _)| given == needed)) {
            Some(needed) => {
                Err(place.error(format!("“{name}” needs an argument: {name}({needed}=…).")))
            }
            None => Ok(Call { name: signature.name, place, arguments }),
        }
    }

    fn argument(
        &mut self,
        call: &Signature,
        given: &[(&'static str, Expr)],
    ) -> Result<(&'static str, Expr), TemplateError> {
        let (place, called) = (self.place(), call.name);
        let list = call
            .arguments
            .iter()
            .map(|parameter| parameter.trim_end_matches('*'))
            .collect::<Vec<_>>();
        let [(Lexeme::Name(name), _), (Lexeme::Symbol("="), _), ..] = self.tokens.as_slice() else {
            return Err(place.error(match list.first() {
                Some(first) => {
                    format!("Write each argument of “{called}” with its name: {called}({first}=…).")
                }
                None => format!("“{called}” takes no arguments."),
            }));
        };
        let Some(known) = list.iter().find(|known| **known == name) else {
            let known = if list.is_empty() { "no arguments".to_owned() } else { list.join(", ") };
            return Err(
                place.error(format!("“{called}” has no argument “{name}”; it takes {known}."))
            );
        };
        if given.iter().any(|(one, _)| one == known) {
            return Err(place.error(format!("“{name}” is given twice.")));
        }
        self.tokens.nth(1);
        self.count(place)?;
        Ok((known, self.expression()?))
    }

    fn count(&mut self, place: Place) -> Result<(), TemplateError> {
        self.operations += 1;
        if self.operations > MAX_OPERATIONS {
            return Err(place.error("This expression is too long; make it simpler."));
        }
        Ok(())
    }

    fn place(&self) -> Place {
        self.tokens.as_slice().first().map_or(self.end, |(_, place)| *place)
    }

    fn next_is(&self, symbol: &str) -> bool {
        matches!(self.tokens.as_slice().first(), Some((Lexeme::Symbol(next), _)) if *next == symbol)
    }

    fn accept(&mut self, symbol: &str) -> bool {
        let found = self.next_is(symbol);
        if found {
            self.tokens.next();
        }
        found
    }

    fn accept_name(&mut self, word: &str) -> bool {
        let found =
            matches!(self.tokens.as_slice().first(), Some((Lexeme::Name(name), _)) if name == word);
        if found {
            self.tokens.next();
        }
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), TemplateError> {
        if self.accept(symbol) {
            Ok(())
        } else {
            Err(self.place().error(format!("A “{symbol}” is missing here.")))
        }
    }
}
