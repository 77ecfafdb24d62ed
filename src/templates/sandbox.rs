//! The Tera that renders texts: without functions and escaping, and with every filter, test and
//! operator of our own.
//!
//! A value that is missing stays missing through all of them, until `default` fills it in or
//! [`GIVEN`] and [`SHOWN`] refuse it. Each call carries the number of its
//! [site](super::write::Site), so that an error can name what was written there.

use std::sync::LazyLock;

use tera::{Error, Kwargs, State, Tera, TeraResult, Value};

use super::kinds::Kinds;
use super::{calls, filters, operators};

/// The filter in front of all that is printed.
pub(super) const SHOWN: &str = "shown";
/// The filter that refuses a missing value.
pub(super) const GIVEN: &str = "given";
/// The filter that takes anything, and prints nothing: for trying a constant.
pub(super) const TRIED: &str = "tried";
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

/// The Tera of all texts; each template clones it.
pub(super) static SANDBOX: LazyLock<Tera> = LazyLock::new(|| {
    let mut tera = Tera::default();
    tera.autoescape_on(Vec::<&str>::new());
    // No source that we write calls a function; should that ever fail, these two do nothing.
    tera.register_function("range", no_function);
    tera.register_function("throw", no_function);
    for (name, function) in filters::ALL {
        register(&mut tera, name, function);
    }
    for (operator, function) in operators::ALL {
        register(&mut tera, operator.filter(), function);
    }
    register(&mut tera, "op_negative", operators::negative);
    for (name, function) in operators::TESTS {
        register_test(&mut tera, name, function);
    }
    tera.register_filter("default", |value: &Value, kwargs: Kwargs, _: &State<'_>| {
        Ok::<_, Error>(filters::default(value, &kwargs))
    });
    tera.register_filter(TRIED, |_: &Value, _: Kwargs, _: &State<'_>| Value::from(""));
    tera.register_filter(GIVEN, |value: &Value, kwargs: Kwargs, _: &State<'_>| {
        if is_missing(value) { Err(Fault::Missing.at(&kwargs)) } else { Ok(value.clone()) }
    });
    tera.register_filter(SHOWN, |value: &Value, kwargs: Kwargs, _: &State<'_>| {
        if value.is_string() {
            return Ok(value.clone());
        }
        match operators::shown(value, Side::Left) {
            Ok(text) => Ok(Value::from(text.as_ref())),
            Err(fault) => Err(fault.at(&kwargs)),
        }
    });
    tera
});

/// Registers a filter that leaves a missing value missing.
fn register(tera: &mut Tera, name: &'static str, function: Function) {
    tera.register_filter(name, move |value: &Value, kwargs: Kwargs, _: &State<'_>| {
        if is_missing(value) {
            return Ok(Value::undefined());
        }
        function(value, &kwargs).map_err(|fault| fault.at(&kwargs))
    });
}

/// Registers a test as a filter; “not” is an argument, since the opposite of a missing answer is
/// none either.
fn register_test(tera: &mut Tera, name: &'static str, function: operators::TestFunction) {
    tera.register_filter(
        calls::test_filter(name),
        move |value: &Value, kwargs: Kwargs, _: &State<'_>| {
            let negated = argument(&kwargs, "negated").is_some();
            match function(value, &kwargs) {
                Ok(answer) => {
                    Ok(answer
                        .map_or_else(Value::undefined, |answer| Value::from(answer != negated)))
                }
                Err(fault) => Err(fault.at(&kwargs)),
            }
        },
    );
}

fn no_function(_: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    Err(Error::message("Functions cannot be used in a template."))
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
    fn at(self, kwargs: &Kwargs) -> Error {
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
