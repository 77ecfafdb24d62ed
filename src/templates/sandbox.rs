//! The Tera that renders texts: without functions and escaping, and with every filter, test and
//! operator of our own.
//!
//! A value that is missing stays missing through all of them, until `default` fills it in or
//! [`GIVEN`] and [`SHOWN`] refuse it. Each call carries the number of its
//! [site](super::checked::Site), so that an error can name what was written there.

use std::sync::LazyLock;

use tera::{Error, Kwargs, State, Tera, TeraResult, Value};

use super::fault::{Fault, Function, Side, argument, is_missing};
use super::{calls, filters, operators};

/// The filter in front of all that is printed.
pub(super) const SHOWN: &str = "shown";
/// The filter that refuses a missing value.
pub(super) const GIVEN: &str = "given";
/// The filter that takes anything, and prints nothing: for trying a constant.
pub(super) const TRIED: &str = "tried";
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
