//! Kinds of values, as people call them: what a filter or operator can work on, and the sentences
//! about what it cannot.

use tera::Value;

/// One kind of value, or several that are possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kinds(u8);

impl Kinds {
    pub(super) const NONE: Self = Self(0);
    pub(super) const TEXT: Self = Self(1);
    pub(super) const NUMBER: Self = Self(2);
    pub(super) const TRUTH: Self = Self(4);
    pub(super) const LIST: Self = Self(8);
    pub(super) const OBJECT: Self = Self(16);
    /// What can be printed as it is.
    pub(super) const SCALAR: Self = Self(7);
    pub(super) const ANY: Self = Self(31);

    /// These and those.
    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether there is a kind that both have.
    pub(super) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// As a number, to be read again by [`Self::from_bits`].
    pub(super) const fn bits(self) -> u8 {
        self.0
    }

    pub(super) const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// The kind of a value; none of one that is not there.
    pub(super) fn of(value: &Value) -> Self {
        if value.is_string() {
            Self::TEXT
        } else if value.is_number() {
            Self::NUMBER
        } else if value.is_bool() {
            Self::TRUTH
        } else if value.is_array() {
            Self::LIST
        } else if value.is_map() {
            Self::OBJECT
        } else {
            Self::NONE
        }
    }

    /// What people call it: `a text`, `a number or a text`.
    pub(super) fn words(self) -> String {
        let all = [
            (Self::NUMBER, "a number"),
            (Self::TEXT, "a text"),
            (Self::TRUTH, "true or false"),
            (Self::LIST, "a list"),
            (Self::OBJECT, "an object"),
        ];
        let named: Vec<&str> =
            all.iter().filter(|(kind, _)| self.meets(*kind)).map(|(_, name)| *name).collect();
        match named.as_slice() {
            [] => "nothing".to_owned(),
            [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
            one => one.concat(),
        }
    }
}

/// The sentence about a value of the wrong kind: what it is, what is needed, and how to get there.
pub(super) fn mismatch(label: &str, actual: Kinds, by: &str, needed: Kinds) -> String {
    // Of “a number, a text or true or false” only the first is worth saying.
    let wanted = if needed.meets(Kinds::TEXT)
        && needed.meets(Kinds::NUMBER)
        && needed != Kinds::ANY
        && needed.meets(Kinds::TRUTH)
    {
        Kinds::TEXT.words()
    } else {
        needed.words()
    };
    let compares = matches!(by, "“<”" | "“<=”" | "“>”" | "“>=”");
    let hint = if actual == Kinds::TEXT && needed == Kinds::NUMBER && compares {
        "; compare it with a text, or convert it with “int” or “float”"
    } else if actual == Kinds::TEXT && needed == Kinds::NUMBER {
        "; convert it with “int” or “float”"
    } else if actual == Kinds::NUMBER && needed == Kinds::TEXT {
        "; convert it with “str”"
    } else if actual == Kinds::LIST && needed.meets(Kinds::TEXT) {
        "; take one of its items, or “join” them"
    } else if actual == Kinds::OBJECT && !needed.meets(Kinds::OBJECT) {
        "; name one of its fields"
    } else {
        ""
    };
    format!("{label} is {} here, and {by} needs {wanted}{hint}", actual.words())
}
