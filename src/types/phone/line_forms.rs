//! The different numbers of one telephone line: numbers from before a renumbering, and Argentina's
//! mobile 9. See docs/adr/0012.

/// The current form of a number in E.164 that a country has renumbered; `None` if it is current.
///
/// Contains only rules without exception, for old forms that are no longer valid. The migration
/// `join_double_contacts` has the same rules in SQL.
pub(super) fn current(e164: &str) -> Option<String> {
    let digits = e164.strip_prefix('+')?;
    match (digits.as_bytes(), digits.len()) {
        // Mexico, 2019: mobiles lost the 1 after the country code. WhatsApp still uses it.
        ([b'5', b'2', b'1', b'2'..=b'9', ..], 13) => Some(format!("+52{}", digits.get(3..)?)),
        // Brazil, 2012 to 2016: mobiles got a 9 after the area code. WhatsApp still omits it for
        // old accounts.
        ([b'5', b'5', b'1'..=b'9', b'1'..=b'9', b'6' | b'8' | b'9', ..], 12) => {
            Some(format!("+{}9{}", digits.get(..4)?, digits.get(4..)?))
        }
        // Benin, 2024: all but toll-free numbers got a 01.
        ([b'2', b'2', b'9', b'2' | b'4'..=b'6' | b'9', ..], 11) => {
            Some(format!("+22901{}", digits.get(3..)?))
        }
        // Côte d’Ivoire, 2021: mobiles got two digits for their operator, which follows from their
        // first two digits.
        ([b'2', b'2', b'5', first, second, ..], 11) => {
            let operator = ivorian_operator(*first, *second)?;
            Some(format!("+225{operator}{}", digits.get(3..)?))
        }
        // Vietnam, 2018: mobiles with eleven digits lost one.
        ([b'8', b'4', b'1', ..], 12) => {
            let prefix = vietnamese_prefix(digits.get(2..5)?)?;
            Some(format!("+84{prefix}{}", digits.get(5..)?))
        }
        // Cameroon, 2014: mobiles got a 6.
        ([b'2', b'3', b'7', b'5' | b'7' | b'9', ..], 11) => {
            Some(format!("+2376{}", digits.get(3..)?))
        }
        _ => None,
    }
}

/// The other form of an Argentine mobile number: called with a 9 after the country code and texted
/// without. Both are valid and belong to one line.
pub(super) fn other_form(e164: &str) -> Option<String> {
    let digits = e164.strip_prefix("+54")?;
    match (digits.as_bytes(), digits.len()) {
        ([b'9', b'1'..=b'3', ..], 11) => Some(format!("+54{}", digits.get(1..)?)),
        ([b'1'..=b'3', ..], 10) => Some(format!("+549{digits}")),
        _ => None,
    }
}

/// Prefixes dialled in Mexico until 2019, which written numbers may still have.
const RETIRED_MEXICAN: [&str; 4] = ["044", "045", "01", "1"];

/// Alternative readings, in E.164, of a national number that is not valid as written. The caller
/// checks whether they are valid.
pub(super) fn alternative_readings(code: u16, national: &str) -> Vec<String> {
    let mut found = Vec::new();
    let add = |national: &str| found.push(format!("+{code}{national}"));
    match code {
        52 => RETIRED_MEXICAN
            .iter()
            .filter_map(|prefix| national.strip_prefix(prefix))
            .filter(|rest| rest.len() == 10)
            .for_each(add),
        // A mobile number with both prefixes, "9 11 15 2345 6789": the 9 suffices.
        54 if national.starts_with('9') => {
            let normalized = super::numbering_plan::normalize(
                &format!("+54{}", national.trim_start_matches('9')),
                None,
            );
            found.extend(normalized.filter(|number| number.starts_with("+549")));
        }
        _ => {}
    }
    found
}

fn ivorian_operator(first: u8, second: u8) -> Option<&'static str> {
    match (first, second) {
        (b'0', b'0') | (b'8' | b'9', b'0'..=b'3') => None,
        (b'0' | b'4'..=b'9', b'0'..=b'3') => Some("01"),
        (b'0' | b'4'..=b'9', b'4'..=b'6') => Some("05"),
        (b'0' | b'4'..=b'9', b'7'..=b'9') => Some("07"),
        _ => None,
    }
}

fn vietnamese_prefix(old: &str) -> Option<&'static str> {
    let prefix = match old {
        "162" => "32",
        "163" => "33",
        "164" => "34",
        "165" => "35",
        "166" => "36",
        "167" => "37",
        "168" => "38",
        "169" => "39",
        "120" => "70",
        "121" => "79",
        "122" => "77",
        "126" => "76",
        "128" => "78",
        "123" => "83",
        "124" => "84",
        "125" => "85",
        "127" => "81",
        "129" => "82",
        "186" => "56",
        "188" => "58",
        "199" => "59",
        _ => return None,
    };
    Some(prefix)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::numbering_plan;
    use super::*;

    #[test]
    fn renumbered_lines_have_their_current_number() {
        for (old, new) in [
            ("+5215512345678", "+525512345678"),
            ("+551181234567", "+5511981234567"),
            ("+555180201045", "+5551980201045"),
            ("+22990011234", "+2290190011234"),
            ("+22507123456", "+2250707123456"),
            ("+22544123456", "+2250544123456"),
            ("+22501123456", "+2250101123456"),
            ("+841691234567", "+84391234567"),
            ("+841281234567", "+84781234567"),
            ("+23777123456", "+237677123456"),
        ] {
            assert_eq!(current(old).as_deref(), Some(new));
            assert!(numbering_plan::is_valid(new) && !numbering_plan::is_valid(old), "{old} {new}");
            assert_eq!(current(new), None, "{new} is current");
        }
        // A Brazilian landline, a trunked radio with eight digits, a toll-free number of Benin.
        for stays in
            ["+551123456789", "+551178123456", "+22980123456", "+525512345678", "+14155550123"]
        {
            assert_eq!(current(stays), None);
        }
    }

    #[test]
    fn an_argentine_line_has_two_forms() {
        assert_eq!(other_form("+5491123456789").as_deref(), Some("+541123456789"));
        assert_eq!(other_form("+541123456789").as_deref(), Some("+5491123456789"));
        for single in ["+548001234567", "+54911234567", "+14155550123", "+549"] {
            assert_eq!(other_form(single), None, "{single}");
        }
    }

    proptest! {
        #[test]
        fn only_invalid_numbers_are_rewritten(
            code in prop::sample::select(vec!["52", "55", "229", "225", "84", "237"]),
            rest in "[0-9]{8,11}"
        ) {
            let old = format!("+{code}{rest}");
            if let Some(new) = current(&old) {
                prop_assert!(!numbering_plan::is_valid(&old), "{} is valid", old);
                prop_assert_eq!(current(&new), None);
            }
        }

        #[test]
        fn the_other_form_of_the_other_form_is_the_number(rest in "[0-9]{9,12}") {
            let number = format!("+54{rest}");
            if let Some(other) = other_form(&number) {
                prop_assert_eq!(other_form(&other), Some(number));
            }
        }
    }
}
