//! Twilio's Smart Encoding: replaces characters that would force UCS-2 by look-alikes in GSM-7.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Replacements of Twilio's Smart Encoding, as in its calculator: replacement, and the replaced
/// characters. Fractions, dots and dashes may lengthen the text; accented letters and emoji stay.
const LOOK_ALIKES: &[(&str, &str)] = &[
    ("\"", "«»“”„‟ʺˮ❝❞〝〞"),
    ("'", "‘’‛ʻˈʼʽʹ´ˊ`ˋ‗❛❜\u{313}\u{314}︐︑"),
    ("/", "÷⧸⁄∕\u{337}\u{338}"),
    ("\\", "⧹⧵﹨\u{20e5}"),
    ("_", "\u{332}"),
    ("|", "∣⎸⎹⏐⎜⎟\u{20d2}\u{20d3}"),
    ("-", "–—―‐⁃•﹣⎼⎽"),
    ("@", "﹫"),
    ("$", "﹩"),
    ("!", "ǃ︕﹗"),
    ("!!", "‼"),
    ("#", "﹟"),
    ("%", "﹪"),
    ("&", "﹠"),
    (",", "‚﹐、﹑､\u{326}"),
    ("(", "❨❪﹙⟮⦅"),
    (")", "❩❫﹚⟯⦆"),
    ("*", "⁎∗⊛✢✣✤✥✱✲✳✺✻✼✽❃❉❊❋⧆﹡"),
    ("+", "˖﹢"),
    (".", "。﹒｡"),
    ("...", "…"),
    (":", "ː˸⦂꞉︓"),
    (";", "⁏︔﹔"),
    ("<", "‹﹤"),
    (">", "›﹥"),
    ("=", "꞊﹦\u{347}"),
    ("?", "︖﹖"),
    ("^", "ˆ\u{302}\u{1dcd}"),
    ("{", "❴﹛"),
    ("}", "❵﹜"),
    ("~", "˜˷∼\u{303}\u{330}\u{334}"),
    ("1/4", "¼"),
    ("1/2", "½"),
    ("3/4", "¾"),
    // Twilio's calculator replaces these by two spaces; one is what readers expect.
    (
        " ",
        "\u{a0}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\u{2007}\u{2008}\u{2009}\u{200a}\u{202f}",
    ),
    (" ", "\u{205f}\u{3000}\u{2028}\u{2029}\t\u{80}\u{8d}\u{90}\u{9b}\u{9f}"),
    ("", "\u{200b}\u{200c}\u{2060}\u{feff}\0\u{3}\u{4}\u{10}\u{11}\u{12}\u{13}\u{14}\u{17}\u{19}"),
];

/// Small capitals, aligned with their capitals.
const SMALL_CAPITALS: [&str; 2] = ["ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "ABCDEFGHIJKLMNOPRSTUVWYZ"];

static REPLACEMENTS: LazyLock<HashMap<char, &'static str>> = LazyLock::new(|| {
    let [small, capitals] = SMALL_CAPITALS;
    let letters = small.chars().zip(capitals.char_indices());
    let letters =
        letters.filter_map(|(from, (at, to))| Some((from, capitals.get(at..at + to.len_utf8())?)));
    LOOK_ALIKES
        .iter()
        .flat_map(|(to, from)| from.chars().map(|character| (character, *to)))
        .chain(letters)
        .collect()
});

/// Applies Twilio's Smart Encoding: typographic quotes, dashes, spaces etc. become their GSM-7
/// look-alikes. Other characters stay and force UCS-2.
#[must_use]
pub fn smart_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for character in text.chars() {
        match (REPLACEMENTS.get(&character), full_width(character)) {
            (Some(replacement), _) => encoded.push_str(replacement),
            (None, Some(ascii)) => encoded.push(ascii),
            (None, None) => encoded.push(character),
        }
    }
    encoded
}

/// The replacement of a character by Smart Encoding, if any; empty for an invisible character.
#[must_use]
pub fn look_alike(character: char) -> Option<String> {
    let plain = smart_encoded(character.encode_utf8(&mut [0; 4]));
    (!plain.chars().eq([character])).then_some(plain)
}

/// The ASCII form of full-width punctuation, digits and capitals; Twilio does not replace
/// full-width lower-case letters.
fn full_width(character: char) -> Option<char> {
    let covered = matches!(character, '\u{ff01}'..='\u{ff3f}' | '\u{ff5b}'..='\u{ff5e}');
    covered.then(|| char::from_u32(u32::from(character) - 0xfee0)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twilio::gsm::is_gsm;
    use proptest::prelude::*;

    #[test]
    fn quotes_dashes_dots_and_spaces_become_plain() {
        assert_eq!(smart_encoded("“It’s\u{a0}here” – ½ price…"), "\"It's here\" - 1/2 price...");
        assert_eq!(smart_encoded("ＡＢＣ１２３！ ʜᴇʏ ‹a›"), "ABC123! HEY <a>");
        assert_eq!(smart_encoded("zero\u{200b}width"), "zerowidth");
    }

    #[test]
    fn a_single_character_has_its_look_alike_or_none() {
        let found: Vec<_> = ['“', '…', '\u{a0}', '\u{200b}', 'é', 'ł', '😀', 'a']
            .map(look_alike)
            .into_iter()
            .collect();
        let plain = |text: &str| Some(text.to_owned());
        assert_eq!(
            found,
            [plain("\""), plain("..."), plain(" "), plain(""), None, None, None, None]
        );
    }

    #[test]
    fn letters_and_emoji_stay() {
        assert_eq!(smart_encoded("ça va, Łódź 😀"), "ça va, Łódź 😀");
    }

    #[test]
    fn every_replacement_is_gsm_and_replaces_what_is_not() {
        for (from, to) in REPLACEMENTS.iter() {
            assert!(!is_gsm(*from), "{from:?}");
            assert!(to.chars().all(is_gsm), "{to:?}");
        }
        assert_eq!(SMALL_CAPITALS[0].chars().count(), SMALL_CAPITALS[1].len());
    }

    proptest! {
        #[test]
        fn gsm_text_is_unchanged_and_encoding_is_idempotent(text in "\\PC{0,80}") {
            let once = smart_encoded(&text);
            prop_assert_eq!(&smart_encoded(&once), &once);
            if text.chars().all(is_gsm) {
                prop_assert_eq!(once, text);
            }
        }
    }
}
