//! The expression inside a tag as a tree: Tera's grammar, less what the sandbox leaves out.

use super::place::Place;

/// An expression, and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Expr {
    pub(super) node: Node,
    pub(super) place: Place,
}

/// What an expression is made of; parentheses are gone.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Text(String),
    Whole(i64),
    /// As it was written.
    Decimal(String),
    Truth(bool),
    /// Its index among the template's variables.
    Variable(usize),
    List(Vec<Expr>),
    Not(Box<Expr>),
    Minus(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Binary(Operator, Box<Expr>, Box<Expr>),
    Filter(Box<Expr>, Call),
    Test {
        of: Box<Expr>,
        call: Call,
        negated: bool,
    },
    Choice {
        yes: Box<Expr>,
        condition: Box<Expr>,
        no: Box<Expr>,
    },
}

/// A filter or test with its arguments.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    pub(super) name: &'static str,
    pub(super) place: Place,
    pub(super) arguments: Vec<(&'static str, Expr)>,
}

/// What stands between two values; `and` and `or` decide whether the second is looked at, and are
/// nodes of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Plus,
    Minus,
    Times,
    Divide,
    DivideWhole,
    Remainder,
    Join,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

impl Operator {
    pub(super) const ALL: [Self; 15] = [
        Self::Plus,
        Self::Minus,
        Self::Times,
        Self::Divide,
        Self::DivideWhole,
        Self::Remainder,
        Self::Join,
        Self::Equal,
        Self::Unequal,
        Self::Less,
        Self::LessOrEqual,
        Self::Greater,
        Self::GreaterOrEqual,
        Self::In,
        Self::NotIn,
    ];

    /// As it is typed.
    pub(super) const fn symbol(self) -> &'static str {
        match self {
            Self::Plus => "+",
            Self::Minus => "-",
            Self::Times => "*",
            Self::Divide => "/",
            Self::DivideWhole => "//",
            Self::Remainder => "%",
            Self::Join => "~",
            Self::Equal => "==",
            Self::Unequal => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
            Self::NotIn => "not in",
        }
    }

    /// The filter that does it: Tera's own operators print nothing for a missing value and name
    /// Rust's types in errors.
    pub(super) const fn filter(self) -> &'static str {
        match self {
            Self::Plus => "op_plus",
            Self::Minus => "op_minus",
            Self::Times => "op_times",
            Self::Divide => "op_divide",
            Self::DivideWhole => "op_divide_whole",
            Self::Remainder => "op_remainder",
            Self::Join => "op_join",
            Self::Equal => "op_equal",
            Self::Unequal => "op_unequal",
            Self::Less => "op_less",
            Self::LessOrEqual => "op_less_or_equal",
            Self::Greater => "op_greater",
            Self::GreaterOrEqual => "op_greater_or_equal",
            Self::In => "op_in",
            Self::NotIn => "op_not_in",
        }
    }

    /// Works on two numbers and gives one.
    pub(super) const fn is_arithmetic(self) -> bool {
        matches!(
            self,
            Self::Plus
                | Self::Minus
                | Self::Times
                | Self::Divide
                | Self::DivideWhole
                | Self::Remainder
        )
    }

    /// How strongly it holds what is left and right of it, as in Tera.
    pub(super) const fn binding(self) -> (u8, u8) {
        match self {
            Self::In | Self::NotIn => (5, 6),
            Self::Equal
            | Self::Unequal
            | Self::Less
            | Self::LessOrEqual
            | Self::Greater
            | Self::GreaterOrEqual => (7, 8),
            Self::Plus | Self::Minus => (11, 12),
            Self::Times | Self::Divide | Self::DivideWhole | Self::Remainder | Self::Join => {
                (13, 14)
            }
        }
    }
}

impl Expr {
    /// Whether it is the same for every message.
    pub(super) fn is_constant(&self) -> bool {
        match &self.node {
            Node::Text(_) | Node::Whole(_) | Node::Decimal(_) | Node::Truth(_) => true,
            Node::Variable(_) => false,
            Node::List(items) => items.iter().all(Self::is_constant),
            Node::Not(of) | Node::Minus(of) => of.is_constant(),
            Node::And(left, right) | Node::Or(left, right) | Node::Binary(_, left, right) => {
                left.is_constant() && right.is_constant()
            }
            Node::Filter(of, call) | Node::Test { of, call, .. } => {
                of.is_constant() && call.is_constant()
            }
            Node::Choice { yes, condition, no } => {
                yes.is_constant() && condition.is_constant() && no.is_constant()
            }
        }
    }

    /// Written as a value itself: there is nothing in it that could fail.
    pub(super) const fn is_literal(&self) -> bool {
        matches!(self.node, Node::Text(_) | Node::Whole(_) | Node::Decimal(_) | Node::Truth(_))
    }

    /// The variables of which one without a value leaves the expression without one.
    pub(super) fn needs(&self, found: &mut Vec<usize>) {
        match &self.node {
            Node::Variable(index) => found.push(*index),
            Node::List(items) => items.iter().for_each(|item| item.needs(found)),
            Node::Minus(of) => of.needs(found),
            Node::And(left, right) | Node::Binary(_, left, right) => {
                left.needs(found);
                right.needs(found);
            }
            Node::Or(_, right) => right.needs(found),
            Node::Filter(of, call) => {
                if call.name != "default" {
                    of.needs(found);
                }
                call.arguments.iter().for_each(|(_, argument)| argument.needs(found));
            }
            Node::Test { of, call, .. } => {
                if !call.asks_for_presence() {
                    of.needs(found);
                }
                call.arguments.iter().for_each(|(_, argument)| argument.needs(found));
            }
            Node::Choice { yes, no, .. } => {
                yes.needs(found);
                no.needs(found);
            }
            Node::Text(_) | Node::Whole(_) | Node::Decimal(_) | Node::Truth(_) | Node::Not(_) => {}
        }
    }
}

impl Call {
    fn is_constant(&self) -> bool {
        self.arguments.iter().all(|(_, argument)| argument.is_constant())
    }

    /// Whether all arguments are the same for every message, so that they can be tried before.
    pub(super) fn has_constant_arguments(&self) -> bool {
        self.is_constant()
    }

    /// A test that a missing value answers too: it is what is asked for.
    pub(super) fn asks_for_presence(&self) -> bool {
        matches!(
            self.name,
            "defined" | "undefined" | "string" | "number" | "integer" | "float" | "bool"
        )
    }
}
