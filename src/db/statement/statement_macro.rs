//! The macro [`statement!`], and the function by which its statements are built.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::AstPass;

use super::sql_pieces::SqlPiece;

/// Declares a statement as a type: its binds are the fields, each with its SQL type.
///
/// The text names the fields. `{field}` becomes a bind with the cast to its type, and the value is
/// bound once, however often it is named. An unknown name does not compile, nor does a field that
/// the text leaves out.
///
/// ```text
/// statement! {
///     /// Inserts jobs.
///     struct Enqueue {
///         job: batch of EnqueueRow { kind: JobKind => Text, subject: Uuid => SqlUuid },
///         now: DateTime<Utc> => Timestamptz,
///     }
///     returns ();
///     "INSERT INTO jobs (kind, subject, run_at, created_at)
///      SELECT job.kind, job.subject, {now}, {now} FROM {job}"
/// }
/// Enqueue { job: jobs.map(|job| EnqueueRow { … }).collect(), now }.execute(conn).await?;
/// ```
///
/// `batch of Row { … }` declares the struct of a row, and the field is a
/// [`RowBatch`](crate::db::statement::RowBatch) of such rows: one array per column. `{job}` is a
/// table of them, `unnest($1::text[], $2::uuid[]) AS job (kind, subject)`, and `{job.kind}` the
/// array of one column.
///
/// `returns` is the SQL type of the statement's rows (`()` for none). With `planned for its values`
/// it is planned anew at each run, for statements whose values decide how many rows they read:
/// PostgreSQL's generic plan would suit none of them.
macro_rules! statement {
    (
        $(#[$doc:meta])*
        $vis:vis struct $name:ident<$lt:lifetime> { $($fields:tt)+ }
        returns $rows:ty $(, $planned:ident for its values)?;
        $text:expr
    ) => {
        $crate::db::statement::statement!(
            @fields { $($fields)+ } [$vis] [] []
            { [$(#[$doc])*] $name [<$lt>] [<'_>] [$rows] [$($planned)?] [$text] }
        );
    };
    (
        $(#[$doc:meta])*
        $vis:vis struct $name:ident { $($fields:tt)+ }
        returns $rows:ty $(, $planned:ident for its values)?;
        $text:expr
    ) => {
        $crate::db::statement::statement!(
            @fields { $($fields)+ } [$vis] [] []
            { [$(#[$doc])*] $name [] [] [$rows] [$($planned)?] [$text] }
        );
    };

    // Each field in turn becomes a member of the struct, and its binds.
    (
        @fields {
            $field:ident: batch of $row:ident $(<$lt:lifetime>)? {
                $($column:ident: $rust:ty => $sql:ty),+ $(,)?
            } $(, $($rest:tt)*)?
        }
        [$vis:vis] [$($members:tt)*] [$($binds:tt)*] $statement:tt
    ) => {
        /// A row of a batch.
        $vis struct $row $(<$lt>)? { $($vis $column: $rust),+ }

        const _: () = {
            pub(crate) struct Columns $(<$lt>)? { $(pub(crate) $column: Vec<$rust>),+ }

            impl $(<$lt>)? $crate::db::statement::BatchRow for $row $(<$lt>)? {
                type Columns = Columns $(<$lt>)?;

                fn columns(capacity: usize) -> Self::Columns {
                    Columns { $($column: Vec::with_capacity(capacity)),+ }
                }

                fn push(self, columns: &mut Self::Columns) {
                    $(columns.$column.push(self.$column);)+
                }
            }
        };

        $crate::db::statement::statement!(
            @fields { $($($rest)*)? }
            [$vis]
            [$($members)* { $field: $crate::db::statement::RowBatch<$row $(<$lt>)?> }]
            [$($binds)* $({
                (concat!(stringify!($field), ".", stringify!($column)))
                ($field.columns.$column)
                diesel::sql_types::Array<$sql>
            })+]
            $statement
        );
    };
    (
        @fields { $field:ident: $rust:ty => $sql:ty $(, $($rest:tt)*)? }
        [$vis:vis] [$($members:tt)*] [$($binds:tt)*] $statement:tt
    ) => {
        $crate::db::statement::statement!(
            @fields { $($($rest)*)? }
            [$vis]
            [$($members)* { $field: $rust }]
            [$($binds)* { (stringify!($field)) ($field) $sql }]
            $statement
        );
    };
    (
        @fields {}
        [$vis:vis]
        [$({ $field:ident: $rust:ty })+]
        [$({ ($bind:expr) ($($path:tt)+) $sql:ty })+]
        {
            [$(#[$doc:meta])*] $name:ident [$($lt:tt)*] [$($elided:tt)*]
            [$rows:ty] [$($planned:ident)?] [$text:expr]
        }
    ) => {
        $(#[$doc])*
        $vis struct $name $($lt)* { $($vis $field: $rust),+ }

        const _: () = {
            const TEXT: &str = $text;
            const BINDS: &[$crate::db::statement::Bind] = &[$($crate::db::statement::Bind {
                name: $bind,
                cast: <$sql as $crate::db::statement::PgType>::CAST,
            }),+];
            static PIECES: [
                $crate::db::statement::SqlPiece;
                $crate::db::statement::count(TEXT, BINDS)
            ] = $crate::db::statement::split(TEXT, BINDS);

            pub(crate) enum StatementId {}

            impl diesel::query_builder::QueryId for $name $($elided)* {
                type QueryId = StatementId;
                const HAS_STATIC_QUERY_ID: bool = true;
            }

            impl diesel::query_builder::Query for $name $($elided)* {
                type SqlType = $rows;
            }

            impl diesel::query_builder::QueryFragment<diesel::pg::Pg> for $name $($elided)* {
                fn walk_ast<'b>(
                    &'b self,
                    out: diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>,
                ) -> diesel::QueryResult<()> {
                    $crate::db::statement::walk(
                        out,
                        $crate::db::statement::statement!(@keeps_its_plan $($planned)?),
                        &PIECES,
                        self,
                        &[$(|statement, out| {
                            out.push_bind_param::<$sql, _>(&statement.$($path)+)
                        }),+],
                    )
                }
            }
        };
    };

    (@keeps_its_plan) => { true };
    (@keeps_its_plan planned) => { false };
}
pub(crate) use statement;

/// Pushes one bind of a statement.
pub(crate) type PushBind<'b, S> = fn(&'b S, &mut AstPass<'_, 'b, Pg>) -> QueryResult<()>;

/// Builds a statement from its pieces; `binds` are in the order of its fields.
pub(crate) fn walk<'b, S>(
    mut out: AstPass<'_, 'b, Pg>,
    keeps_its_plan: bool,
    pieces: &[SqlPiece],
    statement: &'b S,
    binds: &[PushBind<'b, S>],
) -> QueryResult<()> {
    if !keeps_its_plan {
        out.unsafe_to_cache_prepared();
    }
    for piece in pieces {
        match *piece {
            SqlPiece::Sql(sql) => out.push_sql(sql),
            SqlPiece::Bind(bind) => binds[bind](statement, &mut out)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use diesel::debug_query;
    use diesel::query_builder::QueryFragment;
    use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
    use uuid::Uuid;

    use super::*;

    statement! {
        struct Values<'a> {
            worker: Uuid => SqlUuid,
            names: &'a [&'a str] => Array<Text>,
            limit: i64 => BigInt,
        }
        returns ();
        "SELECT FROM t WHERE name = ANY ({names}) AND a <= {limit} AND b = {worker} LIMIT {limit}"
    }

    statement! {
        struct Rows<'a> {
            report: batch of Report<'a> {
                id: i64 => BigInt,
                status: Option<&'a str> => Nullable<Text>,
            },
            now: DateTime<Utc> => Timestamptz,
            room: batch of Room { places: i64 => BigInt },
        }
        returns (), planned for its values;
        concat!("SELECT {now} FROM {report}", " JOIN {room} ON id = ANY ({report.id})")
    }

    fn built(statement: &impl QueryFragment<Pg>) -> String {
        debug_query::<Pg, _>(statement).to_string()
    }

    fn keeps_its_plan(statement: &impl QueryFragment<Pg>) -> bool {
        statement.is_safe_to_cache_prepared(&Pg).unwrap()
    }

    #[test]
    fn a_field_is_cast_to_its_type_and_bound_once_wherever_it_is_named() {
        let values = Values { worker: Uuid::nil(), names: &["a", "b"], limit: 3 };
        assert_eq!(
            built(&values),
            "SELECT FROM t WHERE name = ANY ($1::text[]) AND a <= $2::bigint AND b = $3::uuid \
             LIMIT $2::bigint -- binds: [[\"a\", \"b\"], 3, 00000000-0000-0000-0000-000000000000]"
        );
        assert!(keeps_its_plan(&values));
    }

    #[test]
    fn a_batch_is_a_table_with_one_array_for_each_column() {
        let reports = [(1, Some("sent")), (2, None)];
        let rows = Rows {
            report: reports.into_iter().map(|(id, status)| Report { id, status }).collect(),
            now: DateTime::UNIX_EPOCH,
            room: std::iter::once(Room { places: 7 }).collect(),
        };
        assert_eq!(
            built(&rows),
            "SELECT $1::timestamptz FROM unnest($2::bigint[], $3::text[]) AS report (id, status) \
             JOIN unnest($4::bigint[]) AS room (places) ON id = ANY ($2::bigint[]) \
             -- binds: [1970-01-01T00:00:00Z, [1, 2], [Some(\"sent\"), None], [7]]"
        );
        assert!(!keeps_its_plan(&rows));
    }
}
