//! Faults of filters and operators, encoded into Tera's errors and decoded again.

use tera::{Error, Kwargs, Value};

use super::value_kinds::Kinds;

/// Argument with the index of the site.
pub(super) const SITE: &str = "site";

/// Argument with the right operand.
pub(super) const RIGHT: &str = "right";

/// Separator between the parts of an encoded fault; a control character that no typed text
/// contains.
const MARK: char = '\u{1}';

/// Implementation of a filter: takes a value and its arguments.
pub(super) type Function = fn(&Value, &Kwargs) -> Result<Value, Fault>;

/// Why a filter or operator fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// The value is missing, without a default.
    Missing,
    /// A value is of an unsuitable kind.
    Kind { side: Side, actual: Kinds, needed: Kinds },
    /// Any other reason, as a sentence without a full stop.
    Message(String),
}

/// The operand at fault; filters have only a left one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// A fault with its site, decoded from an error of rendering.
pub(super) struct FaultAt {
    pub(super) site: usize,
    pub(super) fault: Fault,
}

/// Whether a value is null or undefined.
pub(super) fn is_missing(value: &Value) -> bool {
    value.is_undefined() || value.is_none()
}

/// The value of an argument, if it has one.
pub(super) fn argument<'k>(kwargs: &'k Kwargs, name: &'k str) -> Option<&'k Value> {
    kwargs.get::<&Value>(name).ok().flatten().filter(|value| !is_missing(value))
}

impl Fault {
    pub(super) fn message(words: impl Into<String>) -> Self {
        Self::Message(words.into())
    }

    pub(super) const fn left(actual: Kinds, needed: Kinds) -> Self {
        Self::Kind { side: Side::Left, actual, needed }
    }

    /// Encodes the fault and its site as an error that Tera passes on.
    pub(super) fn at(self, kwargs: &Kwargs) -> Error {
        let site = argument(kwargs, SITE).and_then(Value::as_i64).unwrap_or_default();
        let rest = match self {
            Self::Missing => "missing".to_owned(),
            Self::Kind { side, actual, needed } => {
                format!("{side:?}{MARK}{}{MARK}{}", actual.bits(), needed.bits())
            }
            Self::Message(words) => format!("said{MARK}{words}"),
        };
        Error::message(format!("{MARK}{site}{MARK}{rest}"))
    }
}

impl FaultAt {
    /// Decodes an error of [`Fault::at`]; `None` for Tera's own errors.
    pub(super) fn read(message: &str) -> Option<Self> {
        let mut parts = message.strip_prefix(MARK)?.splitn(3, MARK);
        let site = parts.next()?.parse().ok()?;
        let (what, rest) = (parts.next()?, parts.next().unwrap_or_default());
        let side = match what {
            "missing" => return Some(Self { site, fault: Fault::Missing }),
            "said" => return Some(Self { site, fault: Fault::message(rest) }),
            "Left" => Side::Left,
            _ => Side::Right,
        };
        let (actual, needed) = rest.split_once(MARK)?;
        let kinds = |bits: &str| bits.parse().ok().map(Kinds::from_bits);
        Some(Self {
            site,
            fault: Fault::Kind { side, actual: kinds(actual)?, needed: kinds(needed)? },
        })
    }
}
