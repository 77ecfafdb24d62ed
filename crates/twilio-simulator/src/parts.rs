//! The number of SMS parts of a text: 160 or 153 characters each in GSM-7, 70 or 67 in UCS-2.
//! A part never splits an escape sequence or a surrogate pair.

const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENDED: &str = "\u{c}^{}\\[~]|€";

/// Counts the parts of a text; an empty text takes one.
pub(super) fn count(text: &str) -> u16 {
    let gsm_width = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' => Some(1),
        c if BASIC.contains(c) => Some(1),
        c if EXTENDED.contains(c) => Some(2),
        _ => None,
    };
    match text.chars().map(gsm_width).collect::<Option<Vec<usize>>>() {
        Some(widths) => count_parts(&widths, 160, 153),
        None => count_parts(&text.chars().map(char::len_utf16).collect::<Vec<_>>(), 70, 67),
    }
}

fn count_parts(widths: &[usize], max_single: usize, max_each: usize) -> u16 {
    if widths.iter().sum::<usize>() <= max_single {
        return 1;
    }
    let (mut parts, mut used) = (1, 0);
    for width in widths {
        if used + width > max_each {
            parts += 1;
            used = 0;
        }
        used += width;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn parts_are_counted_by_the_gsm_rules() {
        for (text, parts) in [
            (String::new(), 1),
            ("a".repeat(160), 1),
            ("a".repeat(161), 2),
            ("a".repeat(1600), 11),
            ("{".repeat(80), 1),
            ("{".repeat(153), 3),
            ("é".repeat(160), 1),
            ("ç".repeat(70), 1),
            ("ç".repeat(71), 2),
            ("😀".repeat(35), 1),
            ("😀".repeat(36), 2),
        ] {
            assert_eq!(count(&text), parts, "{text}");
        }
    }
}
