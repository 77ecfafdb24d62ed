//! [`RowBatch`]: rows that a statement takes as one array per column.

/// A row of a batch; the [`statement`](super::statement) macro implements it.
pub(crate) trait BatchRow: Sized {
    /// One `Vec` for each column.
    type Columns;

    /// Empty columns with capacity for this many rows.
    fn columns(capacity: usize) -> Self::Columns;

    /// Appends the row.
    fn push(self, columns: &mut Self::Columns);
}

/// Many rows, stored column by column; collected from an iterator of rows.
pub(crate) struct RowBatch<R: BatchRow> {
    pub(crate) columns: R::Columns,
}

impl<R: BatchRow> FromIterator<R> for RowBatch<R> {
    fn from_iter<I: IntoIterator<Item = R>>(rows: I) -> Self {
        let rows = rows.into_iter();
        let mut columns = R::columns(rows.size_hint().0);
        rows.for_each(|row| row.push(&mut columns));
        Self { columns }
    }
}
