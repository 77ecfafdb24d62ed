//! Prepared statements: SQL text with a static identity, so that PostgreSQL prepares it once per
//! connection.
//!
//! diesel's `sql_query` is planned anew each time; measured on the claim, it ran at about half the
//! rate. The text is split at compile time ([`sql_pieces`]), so that running a statement only joins
//! the pieces.
//!
//! Start with the [`statement!`] macro; a [`RowBatch`] binds many rows.

mod pg_type;
mod row_batch;
mod sql_pieces;
mod statement_macro;

pub(crate) use pg_type::PgType;
pub(crate) use row_batch::{BatchRow, RowBatch};
pub(crate) use sql_pieces::{Bind, SqlPiece, count, split};
pub(crate) use statement_macro::{statement, walk};
