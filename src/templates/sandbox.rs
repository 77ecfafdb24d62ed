//! The sandboxed Tera that renders templates: without functions and escaping, with only Carillon's
//! filters, tests and operators.
//!
//! A missing value stays missing through all filters until `default` replaces it or [`REQUIRED`]
//! and [`PRINTED`] reject it. Each call carries the index of its
//! [site](super::checked_source::Site), so that errors can quote the template.

use std::sync::LazyLock;

use tera::{Error, Kwargs, State, Tera, TeraResult, Value};

use super::fault::{Fault, Function, Side, argument, is_missing};
use super::{filter_signatures, filters, operators, predicates, value_conversions};

/// Filter applied to everything that is printed.
pub(super) const PRINTED: &str = "shown";
/// Filter that rejects a missing value.
pub(super) const REQUIRED: &str = "given";
/// Filter that accepts any value and prints nothing, for trying constants.
pub(super) const DISCARDED: &str = "tried";
/// The Tera instance that each template clones.
pub(super) static SANDBOX: LazyLock<Tera> = LazyLock::new(|| {
    let mut tera = Tera::default();
    tera.autoescape_on(Vec::<&str>::new());
    // Defense in depth: no generated source calls a function, but these two built-ins are disabled.
    tera.register_function("range", no_function);
    tera.register_function("throw", no_function);
    for (name, function) in filters::ALL {
        register(&mut tera, name, function);
    }
    for (operator, function) in operators::ALL {
        register(&mut tera, operator.filter(), function);
    }
    register(&mut tera, "op_negative", operators::negative);
    for (name, function) in predicates::TESTS {
        register_test(&mut tera, name, function);
    }
    tera.register_filter("default", |value: &Value, kwargs: Kwargs, _: &State<'_>| {
        Ok::<_, Error>(filters::default(value, &kwargs))
    });
    tera.register_filter(DISCARDED, |_: &Value, _: Kwargs, _: &State<'_>| Value::from(""));
    tera.register_filter(REQUIRED, |value: &Value, kwargs: Kwargs, _: &State<'_>| {
        if is_missing(value) { Err(Fault::Missing.at(&kwargs)) } else { Ok(value.clone()) }
    });
    tera.register_filter(PRINTED, |value: &Value, kwargs: Kwargs, _: &State<'_>| {
        if value.is_string() {
            return Ok(value.clone());
        }
        match value_conversions::display_text(value, Side::Left) {
            Ok(text) => Ok(Value::from(text.as_ref())),
            Err(fault) => Err(fault.at(&kwargs)),
        }
    });
    tera
});

/// Registers a filter that passes on a missing value.
fn register(tera: &mut Tera, name: &'static str, function: Function) {
    tera.register_filter(name, move |value: &Value, kwargs: Kwargs, _: &State<'_>| {
        if is_missing(value) {
            return Ok(Value::undefined());
        }
        function(value, &kwargs).map_err(|fault| fault.at(&kwargs))
    });
}

/// Registers a test as a filter. Negation is an argument, because the negation of a missing answer
/// is missing too.
fn register_test(tera: &mut Tera, name: &'static str, function: predicates::TestFunction) {
    tera.register_filter(
        filter_signatures::test_filter(name),
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
    Err(Error::message("Templates have no functions."))
}
