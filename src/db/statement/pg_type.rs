//! How PostgreSQL names the types of binds.

use diesel::sql_types::{
    Array, BigInt, Binary, Bool, Date, Double, Integer, Json, Jsonb, Nullable, SmallInt, Text,
    Timestamptz, Uuid,
};

/// A type that a statement can bind.
pub(crate) trait PgType {
    /// The cast to the type.
    const CAST: &'static str;
    /// The cast to an array of the type.
    const ARRAY_CAST: &'static str;
}

/// Names the types as PostgreSQL does.
macro_rules! pg_types {
    ($($sql:ty => $name:literal),+ $(,)?) => {$(
        impl PgType for $sql {
            const CAST: &'static str = concat!("::", $name);
            const ARRAY_CAST: &'static str = concat!("::", $name, "[]");
        }
    )+};
}

pg_types! {
    BigInt => "bigint",
    Binary => "bytea",
    Bool => "boolean",
    Date => "date",
    Double => "double precision",
    Integer => "int",
    Json => "json",
    Jsonb => "jsonb",
    SmallInt => "smallint",
    Text => "text",
    Timestamptz => "timestamptz",
    Uuid => "uuid",
}

impl<T: PgType> PgType for Array<T> {
    const CAST: &'static str = T::ARRAY_CAST;
    // The number of dimensions is not part of the type.
    const ARRAY_CAST: &'static str = T::ARRAY_CAST;
}

impl<T: PgType> PgType for Nullable<T> {
    const CAST: &'static str = T::CAST;
    const ARRAY_CAST: &'static str = T::ARRAY_CAST;
}
