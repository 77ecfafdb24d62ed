//! Hints for users who know other template languages: Liquid, Django, Handlebars, JavaScript.

use super::ast::Expr;
use super::checked_source::CheckedSource;
use super::filter_signatures::Signature;
use super::lexer::Lexeme;
use super::source_position::SourcePosition;
use super::tera_source::label;

/// Hint about `||`, which gives a default for a missing value in other languages.
pub(super) fn double_pipe(checked: &CheckedSource, left: &Expr) -> String {
    format!(
        "Write a default instead of “||”, such as {} | default(value=\"there\"). Between \
         conditions, write “or”.",
        label(checked, left)
    )
}

/// Hint about arguments without parentheses: `default: 'x'` of Liquid, `default:"x"` of Django,
/// `default "x"`.
pub(super) fn without_parentheses(call: &Signature, rest: &[(Lexeme, SourcePosition)]) -> String {
    let name = call.name;
    let given: Vec<String> = rest
        .iter()
        .map(|(token, _)| token)
        .take_while(|token| !matches!(token, Lexeme::Symbol("|" | ")")))
        .filter_map(|token| match token {
            Lexeme::Text(text) => Some(format!("{text:?}")),
            Lexeme::Integer(number) => Some(number.to_string()),
            Lexeme::Decimal(number) => Some(number.clone()),
            _ => None,
        })
        .collect();
    let arguments: Vec<String> = call
        .arguments
        .iter()
        .enumerate()
        .filter(|(index, argument)| *index < given.len() || argument.ends_with('*'))
        .map(|(index, argument)| {
            format!(
                "{}={}",
                argument.trim_end_matches('*'),
                given.get(index).map_or("…", String::as_str)
            )
        })
        .collect();
    if call.arguments.is_empty() {
        return format!("“{name}” takes no arguments.");
    }
    format!("Write arguments in parentheses, with their names: | {name}({}).", arguments.join(", "))
}

/// Hint about a filter that has a different name here.
pub(super) fn other_filter(name: &str) -> Option<&'static str> {
    Some(match name {
        "upcase" | "uppercase" | "toUpperCase" => "Write “upper” for this filter.",
        "downcase" | "lowercase" | "toLowerCase" => "Write “lower” for this filter.",
        "strip" => "Write “trim” for this filter.",
        "lstrip" => "Write “trim_start” for this filter.",
        "rstrip" => "Write “trim_end” for this filter.",
        "size" | "count" => "Write “length” for this filter.",
        "url_encode" | "escape_url" | "urlencode_path" => "Write “urlencode” for this filter.",
        "plus" | "minus" | "times" | "divided_by" | "modulo" | "add" | "append" | "prepend" => {
            "Calculate with + - * / %, and join texts with ~, such as event.total * 2 or \"#\" ~ \
             event.order_id."
        }
        "money" | "currency" | "number_with_precision" | "floatformat" => {
            "Write prices with | fixed(places=2)."
        }
        "strftime" | "date_format" | "format_date" => {
            "Write dates with | date(format=\"%d.%m.%Y\")."
        }
        "fallback" | "or" | "otherwise" | "if_empty" | "default_if_none" => {
            "Write | default(value=\"…\") here."
        }
        _ => return None,
    })
}

/// Message about an unexpected token.
pub(super) fn unexpected(token: &Lexeme) -> String {
    match token {
        Lexeme::Symbol(":") => {
            "“:” has no meaning here. Write arguments in parentheses, such as | \
             default(value=\"there\")."
                .to_owned()
        }
        Lexeme::Symbol("!") => "Write “not” instead of “!”.".to_owned(),
        other => format!("{other} doesn’t fit here."),
    }
}
