//! The texts of the source: string literals that people read, such as errors, labels and notices.
//! Those for developers are left out by the macro or the call around them, or by their file.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::words::{are_words, collapsed, is_label};
use super::{TextsByFile, each_once};
use crate::architecture::{files_below, is_rust, is_test, project};

/// Macros whose texts developers, the log or PostgreSQL read.
const MACROS_WITHOUT_TEXTS: &[&str] = &[
    "allow_tables_to_appear_in_same_query",
    "assert",
    "assert_eq",
    "assert_ne",
    "concat",
    "debug",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "debug_span",
    "env",
    "error",
    "error_span",
    "event",
    "include_str",
    "info",
    "info_span",
    "joinable",
    "json",
    "matches",
    "option_env",
    "panic",
    "span",
    "statement",
    "table",
    "todo",
    "trace",
    "unimplemented",
    "unreachable",
    "warn",
    "warn_span",
];

/// The same for functions and variants.
const CALLS_WITHOUT_TEXTS: &[&str] = &[
    "Internal",
    "batch_execute",
    "contains",
    "debug_struct",
    "debug_tuple",
    "ends_with",
    "expect",
    "expect_err",
    "header",
    "insert_header",
    "sql",
    "sql_query",
    "starts_with",
    "strip_prefix",
    "strip_suffix",
    "trim_end_matches",
    "trim_start_matches",
];

/// What a line of SQL begins with.
const SQL_BEGINNINGS: &[&str] = &[
    "ALTER",
    "AND",
    "ANALYZE",
    "BEGIN",
    "CASE",
    "COMMIT",
    "COPY",
    "CREATE",
    "DELETE",
    "DROP",
    "EXPLAIN",
    "FOR",
    "FROM",
    "INSERT",
    "JOIN",
    "LEFT",
    "LIMIT",
    "LISTEN",
    "LOCK",
    "NOTIFY",
    "ON",
    "OR",
    "ORDER",
    "RETURNING",
    "SELECT",
    "SET",
    "SHOW",
    "UNION",
    "UPDATE",
    "VACUUM",
    "VALUES",
    "WHEN",
    "WHERE",
    "WITH",
];

/// Words that only SQL has.
const SQL_WORDS: &[&str] = &["FROM", "ILIKE", "INTERVAL", "LIKE", "NULL", "SELECT", "WHERE"];

/// Which literals of a file are no texts.
#[derive(Clone, Copy)]
enum Part {
    All,
    /// Single words with a capital.
    Labels,
    /// Those that begin with a small letter and have no value in them.
    Fragments,
}

/// Files or folders with literals that look like texts, with what they are.
const LEFT_OUT: &[(&str, Part, &str)] = &[
    ("src/app/demo/", Part::All, "the sample data of the demo"),
    ("src/config/settings_docs.rs", Part::All, "docs/configuration.md, and the end of --help"),
    ("src/consent/opt_out/patterns.rs", Part::All, "faults of our rules, which a test finds"),
    ("src/consent/opt_out/rules.rs", Part::All, "faults of our rules, which a test finds"),
    ("src/contacts/list_scan.rs", Part::All, "pieces of SQL"),
    ("src/db/startup_wait_log.rs", Part::All, "SQL, and lines of the log"),
    ("src/db/statement/", Part::All, "pieces of SQL"),
    ("src/db/transaction.rs", Part::Labels, "names of types in the log"),
    ("src/db/unavailable.rs", Part::Fragments, "words in errors of PostgreSQL"),
    ("src/templates/expression_parser.rs", Part::Labels, "values of Python"),
    ("src/templates/fault.rs", Part::All, "a mark within faults"),
    ("src/templates/merge_tags.rs", Part::Fragments, "names of merge tags"),
    ("src/twilio/callbacks/", Part::Labels, "parameters of Twilio"),
    ("src/twilio/messages/", Part::Labels, "parameters of Twilio"),
    ("src/twilio/test_server.rs", Part::All, "a server for tests"),
    ("src/web/api/extractors.rs", Part::Fragments, "words in errors of serde"),
    ("src/web/http/markup_check.rs", Part::All, "faults of pages, which a test finds"),
    ("src/web/http/page.rs", Part::All, "faults of templates, which a test finds"),
    ("src/web/http/security_headers.rs", Part::All, "headers"),
    ("src/web/http/server/", Part::All, "lines of the log"),
    ("src/web/http/user_agent.rs", Part::Labels, "names of browsers, and what they send"),
    ("src/web/ui/curl.rs", Part::All, "a command"),
    ("src/web/ui/search/destinations.rs", Part::Fragments, "words that find a page"),
];

/// The texts of each source file.
pub(super) fn texts_by_file() -> TextsByFile {
    let files = files_below(&project().join("src")).into_iter();
    files
        .filter(|(path, _)| is_rust(path) && !is_test(path) && !path.contains("samples/"))
        .map(|(path, source)| {
            let path = format!("src/{path}");
            let found = texts(&source).into_iter().filter(|text| !is_left_out(&path, text));
            let found = each_once(found);
            (path, found)
        })
        .collect()
}

fn is_left_out(path: &str, text: &str) -> bool {
    LEFT_OUT.iter().any(|(place, part, _)| {
        path.starts_with(place)
            && match part {
                Part::All => true,
                Part::Labels => is_label(text),
                Part::Fragments => text.starts_with(char::is_lowercase) && !text.contains('{'),
            }
    })
}

fn texts(source: &str) -> Vec<String> {
    let mut texts = Vec::new();
    collect(source.parse().unwrap(), &mut texts);
    texts
}

fn collect(stream: TokenStream, texts: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let mut rest = tokens.as_slice();
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (TokenTree::Punct(mark), _) if mark.as_char() == '#' => after_attribute(after, texts),
            (
                TokenTree::Ident(name),
                [TokenTree::Punct(mark), TokenTree::Group(body), end @ ..],
            ) if mark.as_char() == '!' => {
                if !MACROS_WITHOUT_TEXTS.iter().any(|without| name == without) {
                    collect(body.stream(), texts);
                }
                end
            }
            (TokenTree::Ident(name), [TokenTree::Group(arguments), end @ ..])
                if arguments.delimiter() == Delimiter::Parenthesis
                    && CALLS_WITHOUT_TEXTS.iter().any(|without| name == without) =>
            {
                end
            }
            (TokenTree::Group(group), _) => {
                collect(group.stream(), texts);
                after
            }
            (TokenTree::Literal(literal), _) => {
                texts.extend(texts_of_literal(&literal.to_string()));
                after
            }
            _ => after,
        };
    }
}

/// The tokens after an attribute; also after its item, if this is only compiled for tests. Of
/// attributes, the messages of errors are texts.
fn after_attribute<'t>(rest: &'t [TokenTree], texts: &mut Vec<String>) -> &'t [TokenTree] {
    let rest = match rest {
        [TokenTree::Punct(mark), rest @ ..] if mark.as_char() == '!' => rest,
        _ => rest,
    };
    let [TokenTree::Group(attribute), after @ ..] = rest else { return rest };
    if attribute.delimiter() != Delimiter::Bracket {
        return rest;
    }
    let mut inner = attribute.stream().into_iter();
    let name = inner.next().map(|name| name.to_string()).unwrap_or_default();
    let arguments: TokenStream = inner.collect();
    if name == "cfg" && arguments.to_string().replace(' ', "") == "(test)" {
        let is_end = |token: &TokenTree| match token {
            TokenTree::Group(body) => body.delimiter() == Delimiter::Brace,
            TokenTree::Punct(mark) => mark.as_char() == ';',
            _ => false,
        };
        let end = after.iter().position(is_end).map_or(after.len(), |end| end + 1);
        return &after[end..];
    }
    if ["error", "validate"].contains(&name.as_str()) {
        collect(arguments, texts);
    }
    after
}

/// The texts of a literal, one for each line; none if it is SQL, or something else than a text.
fn texts_of_literal(literal: &str) -> Vec<String> {
    let text = value(literal).unwrap_or_default();
    if text.lines().any(is_sql) {
        return Vec::new();
    }
    let lines = text.lines().map(collapsed);
    lines.filter(|line| are_words(line) || is_label(line)).collect()
}

fn is_sql(line: &str) -> bool {
    let mut words = line.split_whitespace().peekable();
    words.peek().is_some_and(|first| SQL_BEGINNINGS.contains(first))
        || words.any(|word| SQL_WORDS.contains(&word))
}

/// The value of a string literal.
fn value(literal: &str) -> Option<String> {
    if let Some(raw) = literal.strip_prefix('r') {
        let quoted = raw.trim_matches('#');
        return Some(quoted.strip_prefix('"')?.strip_suffix('"')?.to_owned());
    }
    let (mut text, escaped) = (String::new(), literal.strip_prefix('"')?.strip_suffix('"')?);
    let mut characters = escaped.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        match characters.next()? {
            'n' => text.push('\n'),
            'r' => text.push('\r'),
            't' => text.push('\t'),
            'u' => {
                let digits: String = characters
                    .by_ref()
                    .skip_while(|character| *character == '{')
                    .take_while(|character| *character != '}')
                    .collect();
                text.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
            }
            // The text goes on after the white space of the next line.
            '\n' => while characters.next_if(|character| character.is_whitespace()).is_some() {},
            other => text.push(other),
        }
    }
    Some(text)
}

#[test]
fn texts_are_found_and_others_left_out() {
    let source = r##"
        //! A module comment.
        #[derive(Debug)]
        #[error("the file {0} is missing")]
        struct Missing(#[from] String);
        fn f() -> &'static str {
            tracing::info!("nothing to read");
            let label = match "key" { _ => "Delivered" };
            sql_query("SELECT body FROM messages");
            assert!(label.is_empty(), "it is empty");
            open().expect("the file is there");
            format!("At most {max} \
                     characters“\u{2026}”")
        }
        #[cfg(test)]
        mod tests {
            const IN_A_TEST: &str = "not a text";
        }
        const RAW: &str = r#"Like this {"a": 1} here
            and there."#;
    "##;
    assert_eq!(
        texts(source),
        [
            "the file {0} is missing",
            "Delivered",
            "At most {max} characters“…”",
            "Like this {\"a\": 1} here",
            "and there."
        ]
    );
}
