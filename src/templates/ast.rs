//! The syntax tree of an expression inside a tag: Tera's grammar, restricted to what the sandbox
//! allows.

use super::source_position::SourcePosition;

/// An expression and the position where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Expr {
    pub(super) node: Node,
    pub(super) position: SourcePosition,
}

/// A node of the tree; parentheses are not part of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Text(String),
    Integer(i64),
    /// The digits as written.
    Decimal(String),
    Boolean(bool),
    /// Index into the template's variables.
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
    Conditional {
        yes: Box<Expr>,
        condition: Box<Expr>,
        no: Box<Expr>,
    },
}

/// A call of a filter or test with its arguments.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    pub(super) name: &'static str,
    pub(super) position: SourcePosition,
    pub(super) arguments: Vec<(&'static str, Expr)>,
}

/// A binary operator. `and` and `or` are separate nodes, because they short-circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Plus,
    Minus,
    Times,
    Divide,
    DivideFloor,
    Remainder,
    Concatenate,
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
        Self::DivideFloor,
        Self::Remainder,
        Self::Concatenate,
        Self::Equal,
        Self::Unequal,
        Self::Less,
        Self::LessOrEqual,
        Self::Greater,
        Self::GreaterOrEqual,
        Self::In,
        Self::NotIn,
    ];

    /// The operator as written in a template.
    pub(super) const fn symbol(self) -> &'static str {
        match self {
            Self::Plus => "+",
            Self::Minus => "-",
            Self::Times => "*",
            Self::Divide => "/",
            Self::DivideFloor => "//",
            Self::Remainder => "%",
            Self::Concatenate => "~",
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

    /// The filter that implements the operator: Tera's own operators print nothing for a missing
    /// value and name Rust types in errors.
    pub(super) const fn filter(self) -> &'static str {
        match self {
            Self::Plus => "op_plus",
            Self::Minus => "op_minus",
            Self::Times => "op_times",
            Self::Divide => "op_divide",
            Self::DivideFloor => "op_divide_whole",
            Self::Remainder => "op_remainder",
            Self::Concatenate => "op_join",
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

    /// Whether the operator takes two numbers and returns one.
    pub(super) const fn is_arithmetic(self) -> bool {
        matches!(
            self,
            Self::Plus
                | Self::Minus
                | Self::Times
                | Self::Divide
                | Self::DivideFloor
                | Self::Remainder
        )
    }

    /// Left and right binding power, as in Tera.
    pub(super) const fn binding_power(self) -> (u8, u8) {
        match self {
            Self::In | Self::NotIn => (5, 6),
            Self::Equal
            | Self::Unequal
            | Self::Less
            | Self::LessOrEqual
            | Self::Greater
            | Self::GreaterOrEqual => (7, 8),
            Self::Plus | Self::Minus => (11, 12),
            Self::Times
            | Self::Divide
            | Self::DivideFloor
            | Self::Remainder
            | Self::Concatenate => (13, 14),
        }
    }
}

impl Expr {
    /// Whether the expression has the same value for every message.
    pub(super) fn is_constant(&self) -> bool {
        match &self.node {
            Node::Text(_) | Node::Integer(_) | Node::Decimal(_) | Node::Boolean(_) => true,
            Node::Variable(_) => false,
            Node::List(items) => items.iter().all(Self::is_constant),
            Node::Not(of) | Node::Minus(of) => of.is_constant(),
            Node::And(left, right) | Node::Or(left, right) | Node::Binary(_, left, right) => {
                left.is_constant() && right.is_constant()
            }
            Node::Filter(of, call) | Node::Test { of, call, .. } => {
                of.is_constant() && call.is_constant()
            }
            Node::Conditional { yes, condition, no } => {
                yes.is_constant() && condition.is_constant() && no.is_constant()
            }
        }
    }

    /// Whether the expression is a literal, which cannot fail.
    pub(super) const fn is_literal(&self) -> bool {
        matches!(self.node, Node::Text(_) | Node::Integer(_) | Node::Decimal(_) | Node::Boolean(_))
    }

    /// Collects the variables without which the expression has no value.
    pub(super) fn collect_required(&self, found: &mut Vec<usize>) {
        match &self.node {
            Node::Variable(index) => found.push(*index),
            Node::List(items) => items.iter().for_each(|item| item.collect_required(found)),
            Node::Minus(of) => of.collect_required(found),
            Node::And(left, right) | Node::Binary(_, left, right) => {
                left.collect_required(found);
                right.collect_required(found);
            }
            Node::Or(_, right) => right.collect_required(found),
            Node::Filter(of, call) => {
                if call.name != "default" {
                    of.collect_required(found);
                }
                call.arguments.iter().for_each(|(_, argument)| argument.collect_required(found));
            }
            Node::Test { of, call, .. } => {
                if !call.tests_presence() {
                    of.collect_required(found);
                }
                call.arguments.iter().for_each(|(_, argument)| argument.collect_required(found));
            }
            Node::Conditional { yes, no, .. } => {
                yes.collect_required(found);
                no.collect_required(found);
            }
            Node::Text(_)
            | Node::Integer(_)
            | Node::Decimal(_)
            | Node::Boolean(_)
            | Node::Not(_) => {}
        }
    }
}

impl Call {
    fn is_constant(&self) -> bool {
        self.arguments.iter().all(|(_, argument)| argument.is_constant())
    }

    /// Whether all arguments are constant, so that they can be tried when the template is saved.
    pub(super) fn has_constant_arguments(&self) -> bool {
        self.is_constant()
    }

    /// Whether the test also has an answer for a missing value, because it tests presence or kind.
    pub(super) fn tests_presence(&self) -> bool {
        matches!(
            self.name,
            "defined" | "undefined" | "string" | "number" | "integer" | "float" | "bool"
        )
    }
}
