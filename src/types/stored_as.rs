//! diesel's traits for types of our own that are stored in a column.

/// Stores a newtype as the value inside, or a type as text, with the method that returns the text
/// and the function that parses it.
///
/// The type also derives `AsExpression` and `FromSqlRow` with the same SQL type.
macro_rules! stored_as {
    ($sql:ident, $name:ident) => {
        impl diesel::serialize::ToSql<diesel::sql_types::$sql, diesel::pg::Pg> for $name {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>,
            ) -> diesel::serialize::Result {
                diesel::serialize::ToSql::<diesel::sql_types::$sql, _>::to_sql(&self.0, out)
            }
        }

        impl diesel::deserialize::FromSql<diesel::sql_types::$sql, diesel::pg::Pg> for $name {
            fn from_sql(bytes: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                diesel::deserialize::FromSql::<diesel::sql_types::$sql, diesel::pg::Pg>::from_sql(
                    bytes,
                )
                .map(Self)
            }
        }
    };
    (Text, $name:ident, $as_str:ident, $parse:expr) => {
        impl diesel::serialize::ToSql<diesel::sql_types::Text, diesel::pg::Pg> for $name {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>,
            ) -> diesel::serialize::Result {
                std::io::Write::write_all(out, self.$as_str().as_bytes())?;
                Ok(diesel::serialize::IsNull::No)
            }
        }

        impl diesel::deserialize::FromSql<diesel::sql_types::Text, diesel::pg::Pg> for $name {
            fn from_sql(bytes: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                Ok($parse(std::str::from_utf8(bytes.as_bytes())?)?)
            }
        }
    };
}
pub(crate) use stored_as;
