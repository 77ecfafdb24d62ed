//! Signatures of the filters and tests that a template may use.

use super::value_kinds::Kinds;

/// The signature of a filter or test.
pub(super) struct Signature {
    pub(super) name: &'static str,
    /// Argument names; `*` marks required ones.
    pub(super) arguments: &'static [&'static str],
    /// Kinds of values that it accepts.
    pub(super) takes: Kinds,
    /// Kinds of values that it returns.
    pub(super) gives: Kinds,
    /// A valid value in template syntax, on which constant arguments are tried when a template is
    /// saved.
    pub(super) probe: &'static str,
}

const fn call(
    name: &'static str,
    arguments: &'static [&'static str],
    takes: Kinds,
    gives: Kinds,
    probe: &'static str,
) -> Signature {
    Signature { name, arguments, takes, gives, probe }
}

const TEXT: Kinds = Kinds::TEXT;
const NUMBER: Kinds = Kinds::NUMBER;
const BOOLEAN: Kinds = Kinds::BOOLEAN;
const LIST: Kinds = Kinds::LIST;
const SCALAR: Kinds = Kinds::SCALAR;
const ANY: Kinds = Kinds::ANY;
const TEXT_OR_NUMBER: Kinds = TEXT.or(NUMBER);
const CONTAINER: Kinds = TEXT.or(LIST).or(Kinds::OBJECT);

pub(super) const FILTERS: [Signature; 26] = [
    call("default", &["value*", "boolean"], ANY, ANY, "\"x\""),
    call("upper", &[], SCALAR, TEXT, "\"x\""),
    call("lower", &[], SCALAR, TEXT, "\"x\""),
    call("capitalize", &[], SCALAR, TEXT, "\"x\""),
    call("title", &[], SCALAR, TEXT, "\"x\""),
    call("trim", &["pat"], SCALAR, TEXT, "\"x\""),
    call("trim_start", &["pat"], SCALAR, TEXT, "\"x\""),
    call("trim_end", &["pat"], SCALAR, TEXT, "\"x\""),
    call("truncate", &["length*", "end"], SCALAR, TEXT, "\"x\""),
    call("replace", &["from*", "to*"], SCALAR, TEXT, "\"x\""),
    call("urlencode", &[], SCALAR, TEXT, "\"x\""),
    call("date", &["format", "timezone"], TEXT_OR_NUMBER, TEXT, "\"2026-01-31T12:00:00Z\""),
    call("fixed", &["places"], TEXT_OR_NUMBER, TEXT, "1"),
    call("round", &["method", "precision"], NUMBER, NUMBER, "1.5"),
    call("abs", &[], NUMBER, NUMBER, "1"),
    call("int", &["base"], TEXT_OR_NUMBER, NUMBER, "\"1\""),
    call("float", &[], TEXT_OR_NUMBER, NUMBER, "1"),
    call("str", &[], SCALAR.or(LIST), TEXT, "\"x\""),
    call("length", &[], CONTAINER, NUMBER, "\"x\""),
    call("wordcount", &[], SCALAR, NUMBER, "\"x\""),
    call("pluralize", &["singular", "plural"], NUMBER, TEXT, "1"),
    call("split", &["pat*"], SCALAR, LIST, "\"x\""),
    call("join", &["sep"], LIST, TEXT, "[\"x\"]"),
    call("first", &[], LIST, ANY, "[\"x\"]"),
    call("last", &[], LIST, ANY, "[\"x\"]"),
    call("nth", &["n*"], LIST, ANY, "[\"x\"]"),
];

/// Tests that can follow `is` and `is not`.
pub(super) const TESTS: [Signature; 13] = [
    call("defined", &[], ANY, BOOLEAN, "1"),
    call("undefined", &[], ANY, BOOLEAN, "1"),
    call("string", &[], ANY, BOOLEAN, "1"),
    call("number", &[], ANY, BOOLEAN, "1"),
    call("integer", &[], ANY, BOOLEAN, "1"),
    call("float", &[], ANY, BOOLEAN, "1"),
    call("bool", &[], ANY, BOOLEAN, "1"),
    call("odd", &[], NUMBER, BOOLEAN, "1"),
    call("even", &[], NUMBER, BOOLEAN, "1"),
    call("divisible_by", &["divisor*"], NUMBER, BOOLEAN, "1"),
    call("starting_with", &["pat*"], SCALAR, BOOLEAN, "\"x\""),
    call("ending_with", &["pat*"], SCALAR, BOOLEAN, "\"x\""),
    call("containing", &["pat*"], CONTAINER, BOOLEAN, "\"x\""),
];

/// Finds a filter or test by name.
pub(super) fn find(list: &'static [Signature], name: &str) -> Option<&'static Signature> {
    list.iter().find(|known| known.name == name)
}

/// The name of the filter that implements a test: Tera's tests cannot distinguish a missing value
/// from “no”.
pub(super) fn test_filter(name: &str) -> String {
    format!("is_{name}")
}
