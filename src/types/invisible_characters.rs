//! Characters that are invisible by default.

use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

/// Whether a character is invisible by default: joiners, direction marks, soft hyphens, variation
/// selectors, tags. Source: Unicode's property `Default_Ignorable_Code_Point`.
#[must_use]
pub fn is_ignorable(character: char) -> bool {
    !character.is_ascii()
        && CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
}
