//! The expressions of a template: variables, literals, comparisons, arithmetic, and the filters and tests on the lists.

use super::{
    TemplateError,
    grammar::{Checked, NAMES, Use},
    lexer::{Place, Token},
    variables::{Key, Variable},
};

/// Parentheses, brackets and arguments inside one another; Tera itself stops at 40.
const MAX_DEPTH: usize = 6;
/// Operators and filters in one tag; Tera itself stops at 256.
const MAX_OPERATIONS: usize = 40;

/// The name of a filter or test, and its arguments.
type Call = (&'static str, &'static [&'static str]);

/// The filters, each with its arguments; `*` marks one that must be given.
const FILTERS: [Call; 26] = [
    ("default", &["value*", "boolean"]),
    ("upper", &[]),
    ("lower", &[]),
    ("capitalize", &[]),
    ("title", &[]),
    ("trim", &["pat"]),
    ("trim_start", &["pat"]),
    ("trim_end", &["pat"]),
    ("truncate", &["length*", "end"]),
    ("replace", &["from*", "to*"]),
    ("urlencode", &[]),
    ("date", &["format", "timezone"]),
    ("fixed", &["places"]),
    ("round", &["method", "precision"]),
    ("abs", &[]),
    ("int", &["base"]),
    ("float", &[]),
    ("str", &[]),
    ("length", &[]),
    ("wordcount", &[]),
    ("pluralize", &["singular", "plural"]),
    ("split", &["pat*"]),
    ("join", &["sep"]),
    ("first", &[]),
    ("last", &[]),
    ("nth", &["n*"]),
];

/// What can follow `is` and `is not`.
const TESTS: [Call; 13] = [
    ("defined", &[]),
    ("undefined", &[]),
    ("string", &[]),
    ("number", &[]),
    ("integer", &[]),
    ("float", &[]),
    ("bool", &[]),
    ("odd", &[]),
    ("even", &[]),
    ("divisible_by", &["divisor*"]),
    ("starting_with", &["pat*"]),
    ("ending_with", &["pat*"]),
    ("containing", &["pat*"]),
];

const OPERATORS: [&str; 12] = ["==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "//", "/", "%"];

/// Reads the tokens of one tag and writes them for Tera.
pub(super) struct Expression<'a> {
    checked: &'a mut Checked,
    tokens: std::slice::Iter<'a, (Token, Place)>,
    end: Place,
    depth: usize,
    operations: usize,
}

impl<'a> Expression<'a> {
    /// Checks that the tokens are exactly one expression, and appends it to the written source.
    pub(super) fn check(checked: &'a mut Checked, tokens: &'a [(Token, Place)], end: Place) -> Result<(), TemplateError> {
        let mut expression = Self { checked, tokens: tokens.iter(), end, depth: 0, operations: 0 };
        expression.expression()?;
        match expression.tokens.next() {
            None => Ok(()),
            Some((Token::Symbol("("), place)) => Err(place.error("Functions cannot be used in a template.")),
            Some((token, place)) => Err(place.error(format!("{token} is not expected here."))),
        }
    }

    fn expression(&mut self) -> Result<(), TemplateError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.place().error(format!("More than {MAX_DEPTH} levels of parentheses cannot be read; make it simpler.")));
        }
        self.operand()?;
        loop {
            let place = self.place();
            if self.binary_operator()? {
                self.count(place)?;
                self.operand()?;
            } else if self.accept_name("is") {
                self.count(place)?;
                self.write(" is ");
                if self.accept_name("not") {
                    self.write("not ");
                }
                self.call("test", &TESTS)?;
            } else if self.accept_name("if") {
                self.count(place)?;
                self.write(" if ");
                self.expression()?;
                if !self.accept_name("else") {
                    return Err(self.place().error("After “if” and its condition “else” and another value must follow."));
                }
                self.write(" else ");
                self.expression()?;
                break;
            } else {
                break;
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// `not`, `-`, one value, and the filters behind it.
    fn operand(&mut self) -> Result<(), TemplateError> {
        if self.accept_name("not") {
            self.write("not ");
        } else if self.accept("-") {
            self.write("-");
        }
        if let Some((Token::Name(name), place)) = self.tokens.as_slice().first()
            && name == "not"
        {
            return Err(place.error("“not” cannot stand here."));
        }
        let named = self.value()?;
        let mut first = true;
        while self.accept("|") {
            let place = self.place();
            self.count(place)?;
            self.write(" | ");
            let is_default = matches!(self.tokens.as_slice().first(), Some((Token::Name(name), _)) if name == "default");
            self.call("filter", &FILTERS)?;
            if let (Some(index), true, true) = (named, first, is_default)
                && let Some(named) = self.checked.uses.get_mut(index)
            {
                named.has_default = true;
            }
            first = false;
        }
        Ok(())
    }

    /// One value; if it is a variable, the index of its use.
    fn value(&mut self) -> Result<Option<usize>, TemplateError> {
        let Some((token, place)) = self.tokens.next() else {
            return Err(self.end.error("A value is missing here."));
        };
        match token {
            Token::Text(text) => self.write_text(text),
            Token::Integer(number) => self.write(&number.to_string()),
            Token::Decimal(number) => self.write(number),
            Token::Symbol("(") => {
                self.write("(");
                self.expression()?;
                self.close(")")?;
            }
            Token::Symbol("[") => self.list()?,
            Token::Name(name) => match name.as_str() {
                "true" | "True" => self.write("true"),
                "false" | "False" => self.write("false"),
                "none" | "None" | "null" => {
                    return Err(place.error(format!("“{name}” is never found; ask with “is defined” or “is not defined”.")));
                }
                "and" | "or" | "in" | "is" | "if" | "else" => {
                    return Err(place.error(format!("A value is missing before “{name}”.")));
                }
                _ => return self.variable(name, *place).map(Some),
            },
            Token::Symbol(_) => return Err(place.error(format!("A value is missing before {token}."))),
        }
        Ok(None)
    }

    fn variable(&mut self, root: &str, place: Place) -> Result<usize, TemplateError> {
        if self.next_is("(") {
            let message =
                format!("“{root}(…)” is a function; a template can use filters, such as | default(value=\"…\"), but no functions.");
            return Err(place.error(message));
        }
        let mut path = vec![Key::Name(root.to_owned())];
        loop {
            if self.accept(".") || self.accept("?.") {
                path.push(match self.tokens.next() {
                    Some((Token::Name(name), _)) => Key::Name(name.clone()),
                    Some((Token::Integer(_), place)) => return Err(place.error("Write a position in brackets, such as [0].")),
                    Some((token, place)) => return Err(place.error(format!("A name is missing before {token}."))),
                    None => return Err(self.end.error("A name is missing after the dot.")),
                });
            } else if self.accept("[") {
                path.push(match self.tokens.next() {
                    Some((Token::Text(name), _)) => Key::Name(name.clone()),
                    Some((Token::Integer(index), place)) => {
                        Key::Index(usize::try_from(*index).map_err(|_| place.error("This position is out of range."))?)
                    }
                    _ => return Err(place.error("In brackets only a text in quotes or a whole number can stand.")),
                });
                self.expect("]")?;
            } else {
                break;
            }
        }
        let variable = Variable::parse(path).map_err(|message| place.error(message))?;
        let Some(index) = self.checked.index_of(variable) else {
            return Err(place.error(format!("A template can use at most {} different variables.", NAMES.len())));
        };
        let start = self.checked.source.len();
        self.write(NAMES[index]);
        let range = start..self.checked.source.len();
        self.checked.uses.push(Use { variable: index, range, has_default: false });
        Ok(self.checked.uses.len() - 1)
    }

    fn list(&mut self) -> Result<(), TemplateError> {
        self.write("[");
        while !self.next_is("]") {
            let place = self.place();
            self.count(place)?;
            self.expression()?;
            self.write(", ");
            if !self.accept(",") {
                break;
            }
        }
        self.close("]")
    }

    /// The name of a filter or test that is on the list, with its arguments.
    fn call(&mut self, kind: &str, allowed: &[Call]) -> Result<(), TemplateError> {
        let (name, place) = match self.tokens.next() {
            Some((Token::Name(name), place)) => (name, *place),
            Some((token, place)) => return Err(place.error(format!("The name of a {kind} is missing before {token}."))),
            None => return Err(self.end.error(format!("The name of a {kind} is missing here."))),
        };
        let Some((_, parameters)) = allowed.iter().find(|(known, _)| known == name) else {
            let close = allowed.iter().find(|(known, _)| strsim::damerau_levenshtein(known, name) <= 2);
            return Err(place.error(match close {
                Some((known, _)) => format!("There is no {kind} “{name}”; did you mean “{known}”?"),
                None => {
                    let known = allowed.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(", ");
                    format!("There is no {kind} “{name}”. Use one of: {known}.")
                }
            }));
        };
        self.write(name);
        let mut given: Vec<&str> = Vec::new();
        if self.accept("(") {
            self.write("(");
            while !self.next_is(")") {
                let argument = self.argument(name, parameters, &given)?;
                given.push(argument);
                self.write(", ");
                if !self.accept(",") {
                    break;
                }
            }
            self.close(")")?;
        }
        let missing = parameters.iter().filter_map(|parameter| parameter.strip_suffix('*')).find(|needed| !given.contains(needed));
        match missing {
            Some(needed) => Err(place.error(format!("“{name}” needs an argument: {name}({needed}=…)."))),
            None => Ok(()),
        }
    }

    fn argument(&mut self, call: &str, parameters: &[&'static str], given: &[&str]) -> Result<&'static str, TemplateError> {
        let place = self.place();
        let list = parameters.iter().map(|parameter| parameter.trim_end_matches('*')).collect::<Vec<_>>();
        let [(Token::Name(name), _), (Token::Symbol("="), _), ..] = self.tokens.as_slice() else {
            return Err(place.error(match list.first() {
                Some(first) => format!("Write each argument of “{call}” with its name: {call}({first}=…)."),
                None => format!("“{call}” takes no arguments."),
            }));
        };
        let Some(known) = list.iter().find(|known| **known == name) else {
            let known = if list.is_empty() { "no arguments".to_owned() } else { list.join(", ") };
            return Err(place.error(format!("“{call}” has no argument “{name}”; it takes {known}.")));
        };
        if given.contains(known) {
            return Err(place.error(format!("“{name}” is given twice.")));
        }
        self.tokens.nth(1);
        self.count(place)?;
        self.write(known);
        self.write("=");
        self.expression()?;
        Ok(known)
    }

    fn binary_operator(&mut self) -> Result<bool, TemplateError> {
        let written = match self.tokens.as_slice() {
            [(Token::Name(first), _), (Token::Name(second), _), ..] if first == "not" && second == "in" => {
                self.tokens.next();
                "not in"
            }
            [(Token::Name(name), _), ..] if matches!(name.as_str(), "and" | "or" | "in") => name,
            [(Token::Symbol("~"), _), ..] => "~",
            [(Token::Symbol("**"), place), ..] => return Err(place.error("“**” cannot be used in a template.")),
            [(Token::Symbol("="), place), ..] => return Err(place.error("To compare, write “==”; “=” alone has no meaning here.")),
            [(Token::Symbol(symbol), _), ..] if OPERATORS.contains(symbol) => symbol,
            _ => return Ok(false),
        };
        self.tokens.next();
        self.write(" ");
        self.write(written);
        self.write(" ");
        Ok(true)
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
        matches!(self.tokens.as_slice().first(), Some((Token::Symbol(next), _)) if *next == symbol)
    }

    fn accept(&mut self, symbol: &str) -> bool {
        let found = self.next_is(symbol);
        if found {
            self.tokens.next();
        }
        found
    }

    fn accept_name(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.as_slice().first(), Some((Token::Name(name), _)) if name == word);
        if found {
            self.tokens.next();
        }
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), TemplateError> {
        if self.accept(symbol) { Ok(()) } else { Err(self.place().error(format!("A “{symbol}” is missing here."))) }
    }

    fn close(&mut self, symbol: &str) -> Result<(), TemplateError> {
        self.expect(symbol)?;
        self.write(symbol);
        Ok(())
    }

    fn write(&mut self, text: &str) {
        self.checked.source.push_str(text);
    }

    fn write_text(&mut self, text: &str) {
        let source = &mut self.checked.source;
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
}
