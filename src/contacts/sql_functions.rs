//! PostgreSQL's function `lower`, which diesel does not define; the indexes on tags use it.

use diesel::sql_types::Text;

diesel::define_sql_function! {
    /// The text in lower case.
    fn lower(text: Text) -> Text;
}
