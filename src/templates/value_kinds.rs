//! Kinds of values, and the messages about values of an unsuitable kind.

use tera::Value;

/// A set of possible kinds of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kinds(u8);

impl Kinds {
    pub(super) const NONE: Self = Self(0);
    pub(super) const TEXT: Self = Self(1);
    pub(super) const NUMBER: Self = Self(2);
    pub(super) const BOOLEAN: Self = Self(4);
    pub(super) const LIST: Self = Self(8);
    pub(super) const OBJECT: Self = Self(16);
    /// Kinds that can be printed directly.
    pub(super) const SCALAR: Self = Self(7);
    pub(super) const ANY: Self = Self(31);

    /// The union of two sets.
    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether two sets have a kind in common.
    pub(super) const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Encodes the set as a number for [`Self::from_bits`].
    pub(super) const fn bits(self) -> u8 {
        self.0
    }

    pub(super) const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// The kind of a value; [`Self::NONE`] for a missing one.
    pub(super) fn of(value: &Value) -> Self {
        if value.is_string() {
            Self::TEXT
        } else if value.is_number() {
            Self::NUMBER
        } else if value.is_bool() {
            Self::BOOLEAN
        } else if value.is_array() {
            Self::LIST
        } else if value.is_map() {
            Self::OBJECT
        } else {
            Self::NONE
        }
    }

    /// A description for users: `a text`, `a number or a text`.
    pub(super) fn description(self) -> String {
        let all = [
            (Self::NUMBER, "a number"),
            (Self::TEXT, "a text"),
            (Self::BOOLEAN, "true or false"),
            (Self::LIST, "a list"),
            (Self::OBJECT, "an object"),
        ];
        let named: Vec<&str> =
            all.iter().filter(|(kind, _)| self.intersects(*kind)).map(|(_, name)| *name).collect();
        match named.as_slice() {
            [] => "nothing".to_owned(),
            [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
            one => one.concat(),
        }
    }
}

/// The sentence about a value of an unsuitable kind: the actual kind, the needed one, and how to
/// convert.
pub(super) fn mismatch(label: &str, actual: Kinds, by: &str, needed: Kinds) -> String {
    // “a number, a text or true or false” is shortened to the text.
    let wanted = if needed.intersects(Kinds::TEXT)
        && needed.intersects(Kinds::NUMBER)
        && needed != Kinds::ANY
        && needed.intersects(Kinds::BOOLEAN)
    {
        Kinds::TEXT.description()
    } else {
        needed.description()
    };
    let compares = matches!(by, "“<”" | "“<=”" | "“>”" | "“>=”");
    let hint = if actual == Kinds::TEXT && needed == Kinds::NUMBER && compares {
        "; compare it with a text, or convert it with “int” or “float”"
    } else if actual == Kinds::TEXT && needed == Kinds::NUMBER {
        "; convert it with “int” or “float”"
    } else if actual == Kinds::NUMBER && needed == Kinds::TEXT {
        "; convert it with “str”"
    } else if actual == Kinds::LIST && needed.intersects(Kinds::TEXT) {
        "; take one of its items, or “join” them"
    } else if actual == Kinds::OBJECT && !needed.intersects(Kinds::OBJECT) {
        "; name one of its fields"
    } else {
        ""
    };
    format!("{label} is {} here, and {by} needs {wanted}{hint}", actual.description())
}
