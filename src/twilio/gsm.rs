//! The GSM-7 alphabet of SMS.

/// Characters of the basic table besides ASCII, which [`is_gsm`] handles separately.
const BASIC: &str = "¡£¤¥§¿ÄÅÆÉÑÖØÜßàäåæÇèéìñòöøùüΓΔΘΛΞΠΣΦΨΩ";

/// Characters of the extension table, which take two septets.
const EXTENDED: &str = "\u{c}^{}\\[~]|€";

/// Whether the character is in GSM-7, with one septet or two.
pub(super) fn is_gsm(character: char) -> bool {
    match character {
        '`' => false,
        '\n' | '\r' | ' '..='~' => true,
        _ => BASIC.contains(character) || is_extended(character),
    }
}

/// Whether the character takes two septets.
pub(super) fn is_extended(character: char) -> bool {
    EXTENDED.contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_has_its_137_characters() {
        let all =
            (0..=0xffff_u32).filter_map(char::from_u32).filter(|character| is_gsm(*character));
        // 127 of the basic table, whose 128th is the escape, and 10 of the extension table.
        assert_eq!(all.count(), 127 + 10);
    }
}
