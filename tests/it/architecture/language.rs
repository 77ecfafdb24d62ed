//! The language of comments and names. What the product shows is in literals, which are left out.

use super::{rust_files, without_literals};

/// Pronouns for persons that a better word names: the caller, user, worker, contact or admin.
const REFUSED: &[&str] = &["somebody", "nobody", "whoever", "anybody", "everybody"];

#[test]
fn comments_and_names_say_which_person_is_meant() {
    let mut wrong = Vec::new();
    for (path, text) in rust_files() {
        for (number, line) in without_literals(&text).to_lowercase().lines().enumerate() {
            let refused = REFUSED.iter().filter(|word| line.contains(**word));
            wrong.extend(refused.map(|word| format!("{path}:{}: {word}", number + 1)));
        }
    }
    assert!(wrong.is_empty(), "say who is meant:\n{}", wrong.join("\n"));
}

/// Whether the first sentence of a doc comment needs the line below to be understood, such as
/// “So many messages are sent at once.”
fn leans_on_its_item(comment: &str) -> bool {
    let mut words = comment.split_whitespace();
    let (first, second) = (words.next(), words.next());
    first.is_some_and(|word| ["So", "As", "This", "That", "Such"].contains(&word))
        && second
            .is_some_and(|word| ["many", "much", "long", "often", "far", "few"].contains(&word))
}

#[test]
fn doc_comments_begin_with_a_sentence_that_stands_alone() {
    let mut wrong = Vec::new();
    for (path, text) in rust_files() {
        let mut follows_comment = false;
        for (number, line) in text.lines().map(str::trim_start).enumerate() {
            let comment = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
            if comment.is_some_and(|comment| !follows_comment && leans_on_its_item(comment)) {
                wrong.push(format!("{path}:{}: {line}", number + 1));
            }
            follows_comment = comment.is_some();
        }
    }
    assert!(wrong.is_empty(), "write “How many”, “How long” or a noun:\n{}", wrong.join("\n"));
}
