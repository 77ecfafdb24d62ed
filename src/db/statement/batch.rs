//! Batches: rows that a statement takes as one array per column.

/// A row of a batch; [`statement`](super::statement) implements it.
pub(crate) trait BatchRow: Sized {
    /// One `Vec` for each column.
    type Columns;

    /// Columns without rows, with room for so many.
    fn columns(capacity: usize) -> Self::Columns;

    /// Appends the row.
    fn push(self, columns: &mut Self::Columns);
}

/// Many rows, turned on their side; collected from an iterator of them.
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
