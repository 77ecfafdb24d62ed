//! A Pratt parser for the expression in a tag: variables, literals, operators, and allowed filters
//! and tests.

use super::ast::{Call, Expr, Node};
use super::checked_source::{CheckedSource, NAMES};
use super::error::TemplateError;
use super::filter_signatures::{self, FILTERS, Signature, TESTS};
use super::lexer::Lexeme;
use super::next_operator::operator;
use super::source_position::SourcePosition;
use super::syntax_hints;
use super::variable_path::Key;
use super::variables::Variable;

/// Maximum nesting of parentheses, brackets and arguments; Tera's own limit is 40.
const MAX_DEPTH: usize = 6;
/// Maximum number of operators and filters per tag. Tera's own limit is 256, and one of ours is
/// compiled to several of Tera's.
const MAX_OPERATIONS: usize = 40;

/// The left and right binding powers of `or` and `and`; a higher power binds more tightly. Other
/// binary operators have [`super::ast::Operator::binding_power`].
const OR: (u8, u8) = (1, 2);
const AND: (u8, u8) = (3, 4);
/// The binding powers of `is`, a filter's `|`, and the prefixes `not` and `-`.
const IS: u8 = 5;
const PIPE: u8 = 17;
const NOT: u8 = 5;
const NEGATIVE: u8 = 20;

/// A parser of the tokens in one tag.
pub(super) struct Parser<'a> {
    checked: &'a mut CheckedSource,
    tokens: std::slice::Iter<'a, (Lexeme, SourcePosition)>,
    end: SourcePosition,
    depth: usize,
    operations: usize,
}

impl<'a> Parser<'a> {
    /// Parses all tokens as one expression.
    pub(super) fn parse(
        checked: &'a mut CheckedSource,
        tokens: &'a [(Lexeme, SourcePosition)],
        end: SourcePosition,
    ) -> Result<Expr, TemplateError> {
        let mut parser = Self { checked, tokens: tokens.iter(), end, depth: 0, operations: 0 };
        let expr = parser.expression()?;
        match parser.tokens.next() {
            None => Ok(expr),
            Some((Lexeme::Symbol("("), position)) => {
                Err(position.error("Templates have no functions."))
            }
            Some((token, position)) => Err(position.error(syntax_hints::unexpected(token))),
        }
    }

    fn expression(&mut self) -> Result<Expr, TemplateError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self
                .position()
                .error(format!("Use at most {MAX_DEPTH} levels of parentheses.")));
        }
        let expr = self.expression_with(0)?;
        self.depth -= 1;
        Ok(expr)
    }

    /// Parses an expression whose operators bind with at least `min_power`.
    fn expression_with(&mut self, min_power: u8) -> Result<Expr, TemplateError> {
        let mut left = self.prefix()?;
        loop {
            let (position, start) = (self.position(), left.position);
            let node = match self.tokens.as_slice() {
                [(Lexeme::Symbol("|"), _), (Lexeme::Symbol("|"), _), ..] => {
                    return Err(position.error(syntax_hints::double_pipe(self.checked, &left)));
                }
                [(Lexeme::Symbol("|"), _), ..] if PIPE >= min_power => {
                    self.tokens.next();
                    let position = self.position();
                    let call = self.call("filter", &FILTERS)?;
                    self.count_operation(position)?;
                    left = Expr { node: Node::Filter(Box::new(left), call), position: start };
                    continue;
                }
                [(Lexeme::Name(word), _), ..] if word == "is" && IS >= min_power => {
                    self.tokens.next();
                    let negated = self.accept_name("not");
                    let call = self.call("test", &TESTS)?;
                    self.count_operation(position)?;
                    left = Expr {
                        node: Node::Test { of: Box::new(left), call, negated },
                        position: start,
                    };
                    continue;
                }
                [(Lexeme::Name(word), _), ..] if word == "if" && min_power == 0 => {
                    self.tokens.next();
                    self.count_operation(position)?;
                    let condition = Box::new(self.expression()?);
                    if !self.accept_name("else") {
                        return Err(self
                            .position()
                            .error("Add “else” and another value after “if” and its condition."));
                    }
                    let no = Box::new(self.expression()?);
                    return Ok(Expr {
                        node: Node::Conditional { yes: Box::new(left), condition, no },
                        position: start,
                    });
                }
                [(Lexeme::Name(word), _), ..] if word == "or" && OR.0 >= min_power => {
                    self.skip_operator(1, position)?;
                    Node::Or(Box::new(left), Box::new(self.expression_with(OR.1)?))
                }
                [(Lexeme::Name(word), _), ..] if word == "and" && AND.0 >= min_power => {
                    self.skip_operator(1, position)?;
                    Node::And(Box::new(left), Box::new(self.expression_with(AND.1)?))
                }
                tokens => match operator(tokens)? {
                    Some((operator, length)) if operator.binding_power().0 >= min_power => {
                        self.skip_operator(length, position)?;
                        Node::Binary(
                            operator,
                            Box::new(left),
                            Box::new(self.expression_with(operator.binding_power().1)?),
                        )
                    }
                    _ => return Ok(left),
                },
            };
            // Errors of a binary operator are reported at the operator.
            let position = if matches!(node, Node::Binary(..)) { position } else { start };
            left = Expr { node, position };
        }
    }

    /// Skips the tokens of an operator, and counts it.
    fn skip_operator(
        &mut self,
        operator_tokens: usize,
        position: SourcePosition,
    ) -> Result<(), TemplateError> {
        self.tokens.nth(operator_tokens - 1);
        self.count_operation(position)
    }

    /// Parses `not`, `-` or a value.
    fn prefix(&mut self) -> Result<Expr, TemplateError> {
        let position = self.position();
        let prefix = if self.accept_name("not") {
            Some(NOT)
        } else if self.accept("-") {
            Some(NEGATIVE)
        } else {
            None
        };
        let Some(power) = prefix else { return self.value() };
        match self.tokens.as_slice().first() {
            Some((Lexeme::Name(name), position)) if name == "not" => {
                return Err(position.error("“not” doesn’t fit here."));
            }
            Some((Lexeme::Symbol("-"), position)) => {
                return Err(position.error("“-” doesn’t fit here."));
            }
            _ => {}
        }
        self.count_operation(position)?;
        let of = Box::new(self.expression_with(power)?);
        Ok(Expr { position, node: if power == NOT { Node::Not(of) } else { Node::Minus(of) } })
    }

    /// Parses a literal, a variable, a list, or an expression in parentheses.
    fn value(&mut self) -> Result<Expr, TemplateError> {
        let Some((token, position)) = self.tokens.next() else {
            return Err(self.end.error("A value is missing here."));
        };
        let node = match token {
            Lexeme::Text(text) => Node::Text(text.clone()),
            Lexeme::Integer(number) => Node::Integer(*number),
            Lexeme::Decimal(number) => Node::Decimal(number.clone()),
            Lexeme::Symbol("(") => {
                let expr = self.expression()?;
                self.expect(")")?;
                return Ok(expr);
            }
            Lexeme::Symbol("[") => self.list()?,
            Lexeme::Symbol("$") => self.variable("$", *position)?,
            Lexeme::Name(name) => match name.as_str() {
                "true" | "True" => Node::Boolean(true),
                "false" | "False" => Node::Boolean(false),
                "none" | "None" | "null" => {
                    return Err(position.error(format!(
                        "“{name}” never matches. Ask with “is defined” or “is not defined”."
                    )));
                }
                "and" | "or" | "in" | "is" | "if" | "else" => {
                    return Err(position.error(format!("A value is missing before “{name}”.")));
                }
                _ => self.variable(name, *position)?,
            },
            Lexeme::Symbol("!") => return Err(position.error("Write “not” instead of “!”.")),
            Lexeme::Symbol(_) => {
                return Err(position.error(format!("A value is missing before {token}.")));
            }
        };
        Ok(Expr { node, position: *position })
    }

    fn variable(&mut self, root: &str, position: SourcePosition) -> Result<Node, TemplateError> {
        if self.next_is("(") {
            let message = format!(
                "“{root}(…)” is a function. Templates have filters instead, such as | \
                 default(value=\"…\")."
            );
            return Err(position.error(message));
        }
        let mut path = vec![Key::Name(root.to_owned())];
        loop {
            if self.accept(".") || self.accept("?.") {
                path.push(match self.tokens.next() {
                    Some((Lexeme::Name(name), _)) => Key::Name(name.clone()),
                    Some((Lexeme::Integer(_), position)) => {
                        return Err(position.error("Write a position in brackets, such as [0]."));
                    }
                    Some((token, position)) => {
                        return Err(position.error(format!("A name is missing before {token}.")));
                    }
                    None => return Err(self.end.error("A name is missing after the dot.")),
                });
            } else if self.accept("[") {
                path.push(match self.tokens.next() {
                    Some((Lexeme::Text(name), _)) => Key::Name(name.clone()),
                    Some((Lexeme::Integer(index), position)) => Key::Index(
                        usize::try_from(*index)
                            .map_err(|_| position.error("This position is out of range."))?,
                    ),
                    _ => {
                        return Err(
                            position.error("Write a text in quotes or a whole number in brackets.")
                        );
                    }
                });
                self.expect("]")?;
            } else {
                break;
            }
        }
        let variable = Variable::parse(path).map_err(|message| position.error(message))?;
        let Some(index) = self.checked.index_of(variable) else {
            return Err(position.error(format!("Use at most {} different variables.", NAMES.len())));
        };
        Ok(Node::Variable(index))
    }

    fn list(&mut self) -> Result<Node, TemplateError> {
        let mut items = Vec::new();
        while !self.next_is("]") {
            let position = self.position();
            self.count_operation(position)?;
            items.push(self.expression()?);
            if !self.accept(",") {
                break;
            }
        }
        self.expect("]")?;
        Ok(Node::List(items))
    }

    /// Parses an allowed filter or test with its arguments.
    fn call(&mut self, kind: &str, allowed: &'static [Signature]) -> Result<Call, TemplateError> {
        let (name, position) = match self.tokens.next() {
            Some((Lexeme::Name(name), position)) => (name, *position),
            Some((token, position)) => {
                return Err(
                    position.error(format!("The name of a {kind} is missing before {token}."))
                );
            }
            None => return Err(self.end.error(format!("The name of a {kind} is missing here."))),
        };
        let Some(signature) = filter_signatures::find(allowed, name) else {
            let similar =
                allowed.iter().find(|known| strsim::damerau_levenshtein(known.name, name) <= 2);
            return Err(position.error(match (syntax_hints::other_filter(name), similar) {
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
            return Err(position
                .error(syntax_hints::without_parentheses(signature, self.tokens.as_slice())));
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
        let mut required =
            signature.arguments.iter().filter_map(|parameter| parameter.strip_suffix('*'));
        match required.find(|required| !arguments.iter().any(|(given, _)| given == required)) {
            Some(missing) => {
                Err(position.error(format!("“{name}” needs an argument: {name}({missing}=…).")))
            }
            None => Ok(Call { name: signature.name, position, arguments }),
        }
    }

    fn argument(
        &mut self,
        call: &Signature,
        given: &[(&'static str, Expr)],
    ) -> Result<(&'static str, Expr), TemplateError> {
        let (position, called) = (self.position(), call.name);
        let names = call
            .arguments
            .iter()
            .map(|parameter| parameter.trim_end_matches('*'))
            .collect::<Vec<_>>();
        let [(Lexeme::Name(name), _), (Lexeme::Symbol("="), _), ..] = self.tokens.as_slice() else {
            return Err(position.error(match names.first() {
                Some(first) => {
                    format!("Write each argument of “{called}” with its name: {called}({first}=…).")
                }
                None => format!("“{called}” takes no arguments."),
            }));
        };
        let Some(known) = names.iter().find(|known| **known == name) else {
            let known = if names.is_empty() { "no arguments".to_owned() } else { names.join(", ") };
            return Err(
                position.error(format!("“{called}” has no argument “{name}”; it takes {known}."))
            );
        };
        if given.iter().any(|(given, _)| given == known) {
            return Err(position.error(format!("“{name}” is given twice.")));
        }
        self.tokens.nth(1);
        self.count_operation(position)?;
        Ok((known, self.expression()?))
    }

    fn count_operation(&mut self, position: SourcePosition) -> Result<(), TemplateError> {
        self.operations += 1;
        if self.operations > MAX_OPERATIONS {
            return Err(position.error("This expression is too long. Make it simpler."));
        }
        Ok(())
    }

    fn position(&self) -> SourcePosition {
        self.tokens.as_slice().first().map_or(self.end, |(_, position)| *position)
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
            Err(self.position().error(format!("A “{symbol}” is missing here.")))
        }
    }
}
