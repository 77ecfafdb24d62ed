//! The text of a statement, split into pieces at compile time.

/// What a statement binds: a field, or a column of a batch.
#[derive(Clone, Copy)]
pub(crate) struct Bind {
    /// `field`, or `batch.column`.
    pub(crate) name: &'static str,
    /// The cast to its type, such as `::uuid[]`.
    pub(crate) cast: &'static str,
}

/// A piece of a text.
#[derive(Clone, Copy)]
pub(crate) enum SqlPiece {
    /// SQL as it is.
    Sql(&'static str),
    /// The first mention of a bind, by its index; diesel numbers binds in the order of these.
    Bind(usize),
}

/// The numbered placeholders, for each mention of a bind after the first.
const NUMBERS: [&str; 32] = [
    "$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8", "$9", "$10", "$11", "$12", "$13", "$14", "$15",
    "$16", "$17", "$18", "$19", "$20", "$21", "$22", "$23", "$24", "$25", "$26", "$27", "$28",
    "$29", "$30", "$31", "$32",
];

/// The number of pieces in a text. Panics, which fails the compilation, if the text and the binds
/// do not name the same fields.
pub(crate) const fn count(text: &'static str, binds: &[Bind]) -> usize {
    Pieces::<0>::of(text, binds).count
}

/// The pieces of a text; `N` is their [`count`].
pub(crate) const fn split<const N: usize>(text: &'static str, binds: &[Bind]) -> [SqlPiece; N] {
    Pieces::of(text, binds).found
}

/// The first `N` pieces of the part of a text that was read.
struct Pieces<const N: usize> {
    found: [SqlPiece; N],
    /// The number of pieces, including those beyond `N`.
    count: usize,
    /// The number of each bind that was mentioned.
    numbers: [Option<usize>; NUMBERS.len()],
    /// How many binds were mentioned.
    mentioned: usize,
}

impl<const N: usize> Pieces<N> {
    const fn of(text: &'static str, binds: &[Bind]) -> Self {
        let mut read = Self {
            found: [SqlPiece::Sql(""); N],
            count: 0,
            numbers: [None; NUMBERS.len()],
            mentioned: 0,
        };
        let mut rest = text;
        while let Some(open) = find(rest, b'{') {
            let (sql, from_open) = rest.split_at(open);
            let Some(close) = find(from_open, b'}') else { placeholder_has_no_end(from_open) };
            let (name, from_close) = from_open.split_at(1).1.split_at(close - 1);
            read.push(SqlPiece::Sql(sql));
            read.placeholder(name, binds);
            rest = from_close.split_at(1).1;
        }
        read.push(SqlPiece::Sql(rest));
        let mut index = 0;
        while index < binds.len() {
            if read.numbers[index].is_none() {
                field_has_no_placeholder(binds[index].name);
            }
            index += 1;
        }
        read
    }

    const fn push(&mut self, piece: SqlPiece) {
        if self.count < N {
            self.found[self.count] = piece;
        }
        self.count += 1;
    }

    /// Reads a placeholder: a bind by its name, or a batch, whose columns are binds.
    const fn placeholder(&mut self, name: &'static str, binds: &[Bind]) {
        let mut columns = 0;
        let mut index = 0;
        while index < binds.len() {
            if is_same(binds[index].name, name) {
                self.mention(index, binds);
                return;
            }
            if column_of(binds[index].name, name).is_some() {
                self.push(SqlPiece::Sql(if columns == 0 { "unnest(" } else { ", " }));
                self.mention(index, binds);
                columns += 1;
            }
            index += 1;
        }
        if columns == 0 {
            placeholder_names_no_field(name);
        }
        self.push(SqlPiece::Sql(") AS "));
        self.push(SqlPiece::Sql(name));
        let mut separator = " (";
        index = 0;
        while index < binds.len() {
            if let Some(column) = column_of(binds[index].name, name) {
                self.push(SqlPiece::Sql(separator));
                self.push(SqlPiece::Sql(column));
                separator = ", ";
            }
            index += 1;
        }
        self.push(SqlPiece::Sql(")"));
    }

    const fn mention(&mut self, index: usize, binds: &[Bind]) {
        match self.numbers[index] {
            Some(number) => self.push(SqlPiece::Sql(NUMBERS[number])),
            None => {
                self.numbers[index] = Some(self.mentioned);
                self.mentioned += 1;
                self.push(SqlPiece::Bind(index));
            }
        }
        self.push(SqlPiece::Sql(binds[index].cast));
    }
}

/// The index of the first occurrence of a character.
const fn find(text: &str, character: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut index = 0;
    while index < bytes.len() {
        if bytes[index] == character {
            return Some(index);
        }
        index += 1;
    }
    None
}

const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut index = 0;
    while index < one.len() && index < other.len() && one[index] == other[index] {
        index += 1;
    }
    index == one.len() && index == other.len()
}

/// The column name of a bind of the form `batch.column`, if it belongs to this batch.
const fn column_of(bind: &'static str, batch: &str) -> Option<&'static str> {
    match find(bind, b'.') {
        Some(point) if is_same(bind.split_at(point).0, batch) => Some(bind.split_at(point + 1).1),
        _ => None,
    }
}

// The compiler shows the names of these functions with the panic message, since a const fn cannot
// format one.

const fn placeholder_names_no_field(name: &str) -> ! {
    panic!("{}", name)
}

const fn placeholder_has_no_end(rest: &str) -> ! {
    panic!("{}", rest)
}

const fn field_has_no_placeholder(name: &str) -> ! {
    panic!("{}", name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINDS: [Bind; 3] = [
        Bind { name: "worker", cast: "::uuid" },
        Bind { name: "job.id", cast: "::bigint[]" },
        Bind { name: "job.kind", cast: "::text[]" },
    ];

    #[test]
    fn every_field_and_column_is_named() {
        assert_eq!(count("{worker}", &BINDS[..1]), 4);
        assert!(count("{worker} {job}", &BINDS) > count("{worker} {job.id} {job.kind}", &BINDS));
    }

    #[test]
    #[should_panic(expected = "wrker")]
    fn an_unknown_name_is_refused() {
        count("{wrker} {worker} {job}", &BINDS);
    }

    #[test]
    #[should_panic(expected = "job.kin")]
    fn an_unknown_column_is_refused() {
        count("{worker} {job} {job.kin}", &BINDS);
    }

    #[test]
    #[should_panic(expected = "worker")]
    fn a_field_that_the_text_does_not_name_is_refused() {
        count("{job}", &BINDS);
    }

    #[test]
    #[should_panic(expected = "job.kind")]
    fn a_column_that_the_text_does_not_name_is_refused() {
        count("{worker} {job.id}", &BINDS);
    }

    #[test]
    #[should_panic(expected = "{job")]
    fn a_placeholder_without_an_end_is_refused() {
        count("{worker} {job", &BINDS);
    }
}
