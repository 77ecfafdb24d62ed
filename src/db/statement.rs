//! Hot statements: SQL text with a static identity, so that PostgreSQL prepares it once per
//! connection.
//!
//! diesel's `sql_query` is planned anew each time; measured on the claim it ran at about half the
//! rate.

/// Declares a statement as a type: its binds are the fields, in the order of the `{}` in the text.
///
/// `returns` is the SQL type of its rows (`()` for none). Arrays bind whole batches:
/// `unnest({}::uuid[], …)`.
///
/// With `planned for its values` it is planned anew each time, for statements that ask for little
/// or for much by the same text: the plan that PostgreSQL would keep after some times serves
/// neither.
macro_rules! statement {
    (
        $(#[$doc:meta])*
        $vis:vis struct $name:ident<$lt:lifetime> { $($field:ident: $rust:ty => $sql:ty),+ $(,)? }
        returns $rows:ty;
        $text:expr
    ) => {
        $crate::db::statement::statement!(
            @declare $(#[$doc])* $vis struct $name<$lt> { $($field: $rust => $sql),+ } $rows,
            $text,
            true
        );
    };
    (
        $(#[$doc:meta])*
        $vis:vis struct $name:ident<$lt:lifetime> { $($field:ident: $rust:ty => $sql:ty),+ $(,)? }
        returns $rows:ty, planned for its values;
        $text:expr
    ) => {
        $crate::db::statement::statement!(
            @declare $(#[$doc])* $vis struct $name<$lt> { $($field: $rust => $sql),+ } $rows,
            $text,
            false
        );
    };
    (
        @declare $(#[$doc:meta])*
        $vis:vis struct $name:ident<$lt:lifetime> {
            $($field:ident: $rust:ty => $sql:ty),
            +
        } $rows:ty, $text:expr, $kept:literal
    ) => {
        $(#[$doc])*
        $vis struct $name<$lt> { $($vis $field: $rust),+ }

        impl $name<'_> {
            const TEXT: &'static str = $text;
        }

        impl diesel::query_builder::QueryId for $name<'_> {
            type QueryId = $name<'static>;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl diesel::query_builder::Query for $name<'_> {
            type SqlType = $rows;
        }

        impl diesel::query_builder::QueryFragment<diesel::pg::Pg> for $name<'_> {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_,
                'b,
                diesel::pg::Pg>
            ) -> diesel::QueryResult<()> {
                if !$kept {
                    out.unsafe_to_cache_prepared();
                }
                let mut pieces = Self::TEXT.split("{}");
                $(
                    out.push_sql(pieces.next().unwrap_or_default());
                    out.push_bind_param::<$sql, _>(&self.$field)?;
                )+
                out.push_sql(pieces.next().unwrap_or_default());
                debug_assert!(pieces.next().is_none(), "more places than binds in a statement");
                Ok(())
            }
        }
    };
}
pub(crate) use statement;
