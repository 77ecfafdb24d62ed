//! Functions of PostgreSQL that diesel does not name, written as the indexes on tags use them.

use diesel::sql_types::Text;

diesel::define_sql_function! {
    /// The text in lower case.
    fn lower(text: Text) -> Text;
}
