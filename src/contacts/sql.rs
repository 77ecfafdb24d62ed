//! Functions of PostgreSQL that diesel does not name, written as the indexes on contacts and tags use them.

use diesel::sql_types::{Nullable, Text};

diesel::define_sql_function! {
    /// The text in lower case.
    fn lower(text: Text) -> Text;
}

diesel::define_sql_function! {
    /// The text in lower case, or null.
    #[sql_name = "lower"]
    fn lower_nullable(text: Nullable<Text>) -> Nullable<Text>;
}

diesel::define_sql_function! {
    /// The text backwards: the last digits of a number come first.
    fn reverse(text: Text) -> Text;
}
