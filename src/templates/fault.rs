//! Faults: why a filter or operator gives nothing, on its way through Tera and back.

use tera::{Error, Kwargs, Value};

use super::kinds::Kinds;

/// The argument with the number of the site.
pub(super) const SITE: &str = "site";

/// The argument with the value right of an operator.
pub(super) const RIGHT: &str = "right";

/// Stands between the parts of an error of ours; no text that a person types has it.
const MARK: char = '\u{1}';

/// A filter: a value and its arguments.
pub(super) type Function = fn(&Value, &Kwargs) -> Result<Value, Fault>;

/// Why a filter or operator gives nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// There is no value, and no default for it.
    Missing,
    /// A value is not of a kind that can be worked on.
    Kind { side: Side, actual: Kinds, needed: Kinds },
    /// Anything else, in words, without a full stop.
    Said(String),
}

/// Of an operator's two values, the one that is meant; filters have only a left one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// An error of rendering, read back.
pub(super) struct FaultAt {
    pub(super) site: usize,
    pub(super) fault: Fault,
}

/// Null, and what is not there at all.
pub(super) fn is_missing(value: &Value) -> bool {
    value.is_undefined() || value.is_none()
}

/// An argument that has a value.
pub(super) fn argument<'k>(kwargs: &'k Kwargs, name: &'k str) -> Option<&'k Value> {
    kwargs.get::<&Value>(name).ok().flatten().filter(|value| !is_missing(value))
}

impl Fault {
    pub(super) fn said(words: impl Into<String>) -> Self {
        Self::Said(words.into())
    }

    pub(super) const fn left(actual: Kinds, needed: Kinds) -> Self {
        Self::Kind { side: Side::Left, actual, needed }
    }

    /// The error that Tera carries to whoever renders.
    pub(super) fn at(self, kwargs: &Kwargs) -> Error {
        let site = argument(kwargs, SITE).and_then(Value::as_i64).unwrap_or_default();
        let rest = match self {
            Self::Missing => "missing".to_owned(),
            Self::Kind { side, actual, needed } => {
                format!("{side:?}{MARK}{}{MARK}{}", actual.bits(), needed.bits())
            }
            Self::Said(words) => format!("said{MARK}{words}"),
        };
        Error::message(format!("{MARK}{site}{MARK}{rest}"))
    }
}

impl FaultAt {
    /// Reads what [`Fault::at`] wrote; none of an error that is Tera's own.
    pub(super) fn read(message: &str) -> Option<Self> {
        let mut parts = message.strip_prefix(MARK)?.splitn(3, MARK);
        let site = parts.next()?.parse().ok()?;
        let (what, rest) = (parts.next()?, parts.next().unwrap_or_default());
        let side = match what {
            "missing" => return Some(Self { site, fault: Fault::Missing }),
            "said" => return Some(Self { site, fault: Fault::said(rest) }),
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
